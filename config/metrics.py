"""A worker's metrics over its processes: a file for each place in the pool, read by the parent, which serves them.

Celery starts a new child where an old one has done its share. By process number each would leave a file behind, and
a scrape would read more every day; by its place in the pool the new one takes the old one's file over.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
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


class _Threads(ThreadingMixIn, WSGIServer):
    """A thread for each scrape: one slow peer keeps no other waiting."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5  # seconds in which a peer must say something
    longest = 10  # seconds for all it says, or a byte now and then would keep its thread for ever

    def setup(self) -> None:
        """The line is cut when all of it takes too long."""
        super().setup()
        self._cut = threading.Timer(self.longest, _cut, (self.connection,))
        self._cut.daemon = True
        self._cut.start()

    def finish(self) -> None:
        """In time."""
        self._cut.cancel()
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
        """A scrape each 15 s is no news."""


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        line.shutdown(socket.SHUT_RDWR)


def serve(written: str) -> WSGIServer:
    """Serve /metrics at "host:port" from threads of this process. Raises BadSetting, OSError when it is taken."""
    from worker.exposition import application

    host, port = address(written)
    server = make_server(host, port, application, server_class=_Threads, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
