"""aftercare web."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "serve pages and webhooks (needs the database only, never the broker)"


def add(parser: argparse.ArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--bind", default="0.0.0.0:8000", help="address:port, default 0.0.0.0:8000")
    parser.add_argument("--processes", type=int, default=1, help="gunicorn workers (default 1)")
    parser.add_argument("--threads", type=int, default=8, help="threads in each (default 8)")


def run(options: argparse.Namespace) -> int:
    """Become the gunicorn process."""
    # A STOP that meets a frozen writer is answered 503 while the provider still listens (15 s, rule 96).
    os.environ["SQLITE_TIMEOUT_SECONDS"] = os.environ.get("SQLITE_TIMEOUT_SECONDS") or "10"
    if options.processes > 1:
        from config import metrics
        from config.environment import text

        metrics.prepare(Path(text("AFTERCARE_HOME", "var")).absolute())
    command = [
        sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi:application",
        "--bind", options.bind, "--workers", str(options.processes), "--threads", str(options.threads),
        "--worker-tmp-dir", _shared_memory(),
        "--graceful-timeout", "20", "--keep-alive", "5", "--no-control-socket",
    ]  # fmt: skip
    os.execv(command[0], command)


def _shared_memory() -> str:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # noqa: S108 - gunicorn's own heartbeat file
