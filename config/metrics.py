"""A worker's metrics over its processes: a file for each place in the pool, read by the parent, which serves them.

Celery starts a new child where an old one has done its share. By process number each would leave a file behind, and
a scrape would read more every day; by its place in the pool the new one takes the old one's file over.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from billiard import current_process
from prometheus_client import values

from config import environment


def prepare(home: Path) -> None:
    """Before anything is counted: an empty folder of this process, and none of processes that are gone."""
    top = home / "metrics"
    top.mkdir(parents=True, exist_ok=True)
    for old in top.iterdir():
        if not (old.name.isdecimal() and Path(f"/proc/{old.name}").exists()):
            shutil.rmtree(old, ignore_errors=True)
    own = top / str(os.getpid())
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(own)


def count_by_place() -> None:
    """Let each place of the pool have its file; to be called before the first metric is made."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        values.ValueClass = values.MultiProcessValue(process_identifier=_place)  # type: ignore[no-untyped-call]


def _place() -> str:
    return f"place{getattr(current_process(), 'index', '-parent')}"


def address(written: str) -> tuple[str, int]:
    """The host and port of WORKER_METRICS. Raises BadSetting."""
    return environment.address("WORKER_METRICS", written)


class _Quiet(WSGIRequestHandler):
    timeout = 5  # a peer that says nothing must not hold the only thread

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        """A scrape each 15 s is no news."""


def serve(written: str) -> WSGIServer:
    """Serve /metrics at "host:port" from a thread of this process. Raises BadSetting, OSError when it is taken."""
    from worker.exposition import application

    host, port = address(written)
    server = make_server(host, port, application, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
