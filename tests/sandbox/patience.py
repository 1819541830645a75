"""Waiting for processes: on what they do, never on how long they take."""

from __future__ import annotations

import os
import time
from pathlib import Path


def until(condition, *, seconds=60.0):
    """Return the first true value of `condition()`; fails after far more time than it can need."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {condition}")


def lives(pid):
    """True when the process runs; a zombie that nobody has collected yet counts as dead."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}


def number_in(path):
    """Return the pid that a process wrote to `path`, once it has."""
    return until(lambda: path.exists() and path.read_text().strip().isdigit() and int(path.read_text()))
