"""aftercare beat."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "run the beat that tells workers to look (a second one is harmless)"


def add(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every verb has the same form
    """Become the beat process; its schedule is code and is kept in no file."""
    # --quiet: Celery prints its banner past all logging, and ends where the disk behind it is full.
    command = [
        sys.executable, "-m", "celery", "--app", "config.celery", "--quiet", "beat",
        "--scheduler", "celery.beat:Scheduler", "--loglevel", os.environ.get("LOG_LEVEL") or "INFO",
    ]  # fmt: skip
    os.execv(command[0], command)
