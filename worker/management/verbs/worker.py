"""aftercare worker."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from worker.management.arguments import whole

HELP = "run a Celery worker that sends what is due (start as many as you like); it leaves the CPU to the web part first"
QUEUES = "sms,email,tend"
MOST = 1_000  # processes: beyond any machine, so that a slip of the hand starts no thousands
NICENESS = 10  # on a shared machine a STOP is obeyed first; alone there, a worker sends as fast as ever


def add(parser: argparse.ArgumentParser) -> None:
    """How many processes, and which queues."""
    parser.add_argument(
        "--concurrency", type=whole("processes", 1, MOST), default=2, help="worker processes (default 2)"
    )
    parser.add_argument("--queues", type=_queues, default=QUEUES, help=f"comma-separated, default {QUEUES}")


def run(options: argparse.Namespace) -> int:
    """Become the worker process."""
    if _yields():
        os.nice(NICENESS)
    _count(options.queues)
    os.environ["AFTERCARE_WORKER_SESSION"] = "1"  # short lock and idle limits: a frozen worker never blocks a STOP
    # Django's checks would read every page of the web part, half a second of each start; the tests run them instead.
    os.environ["CELERY_SKIP_CHECKS"] = "1"
    # --quiet: Celery prints its banner past all logging, and ends where the disk behind it is full, time after time.
    command = [
        sys.executable, "-m", "celery", "--app", "config.celery", "--quiet", "worker", "--pool", "prefork",
        "--concurrency", str(options.concurrency), "--queues", options.queues,
        "--without-gossip", "--without-mingle", "-Ofair", "--loglevel", os.environ.get("LOG_LEVEL") or "INFO",
        "--hostname", f"aftercare-{os.getpid()}@%h",
    ]  # fmt: skip
    os.execv(command[0], command)


def _queues(said: str) -> str:
    """Names of ours, each once. Any other would be served, and its channel silent without a word."""
    known = QUEUES.split(",")
    wanted = [each for each in dict.fromkeys(name.strip() for name in said.split(",")) if each]
    unknown = [each for each in wanted if each not in known]
    if unknown or not wanted:
        named = f" of ours: {', '.join(unknown)}" if unknown else ""
        raise argparse.ArgumentTypeError(f"names no queue{named}; take from {', '.join(known)}")
    return ",".join(wanted)


def _yields() -> bool:
    """Not on SQLite: who holds the one turn to write and gets no CPU keeps every STOP waiting behind it."""
    from config.environment import secret

    return not (secret("DATABASE_URL") or "sqlite").startswith("sqlite")


def _count(queues: str) -> None:
    """Metrics that add up over the worker's processes; none where no disk can be written."""
    from config import metrics
    from config.environment import text

    os.environ["AFTERCARE_QUEUES"] = queues
    if text("WORKER_METRICS"):
        metrics.address(text("WORKER_METRICS"))
        metrics.prepare(Path(text("AFTERCARE_HOME", "var")).absolute())
