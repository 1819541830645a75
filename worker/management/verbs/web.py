"""aftercare web."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path

from worker.management.arguments import whole

HELP = "serve pages and webhooks (needs the database only, never the broker)"
BIND = "0.0.0.0:8000"
MOST = 1_000  # processes, or threads in each: beyond any machine
LARGEST_PORT = 65_535
HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]*)"
# As gunicorn has them: a socket's file, one that somebody has opened for us, an address with its port.
UNDERSTOOD = re.compile(rf"unix:.*[^/]|fd://[0-9]+|{HOST}:(?P<port>[0-9]{{1,5}})", re.ASCII)


def add(parser: argparse.ArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--bind", type=_bind, default=BIND, help=f"address:port, default {BIND}; or unix:FILE")
    parser.add_argument("--processes", type=whole("processes", 1, MOST), default=1, help="gunicorn workers (default 1)")
    parser.add_argument("--threads", type=whole("threads", 1, MOST), default=8, help="threads in each (default 8)")


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


def _bind(said: str) -> str:
    """Where gunicorn can listen; of what it can't it would speak for five seconds, and then end."""
    found = UNDERSTOOD.fullmatch(said)
    port = found["port"] if found else None
    if not found or (port and not 1 <= int(port) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"is no address:port, such as {BIND}")
    return said


def _shared_memory() -> str:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"  # noqa: S108 - gunicorn's own heartbeat file
