"""The only clocks of the house: calendar time for people, machine time for leases, running time for deadlines.

Calendar time decides what is due, expired or open, and may be stepped in the sandbox, for all processes at once,
through the file that CALENDAR_FILE names (an offset in seconds). Machine time and running time are never stepped.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

# The calendar file as last read: mtime in ns, inode and size (two steps within one tick of the file system differ in
# the inode alone), and the offset in seconds.
_seen: tuple[tuple[int, int, int], float] = ((0, 0, 0), 0.0)


def now() -> datetime:
    """The calendar's now, aware UTC; everything a person would read off a wall clock uses it."""
    return machine() + timedelta(seconds=offset())


def machine() -> datetime:
    """The machine's own now, aware UTC: leases and heartbeats use it, never what a client sees."""
    return datetime.now(UTC)


def running() -> float:
    """Seconds that run on through suspend and are never set back: for the 1 s bound of P2."""
    return time.clock_gettime(_RUNNING)


def passing() -> float:
    """Seconds that run on and that a stepped calendar passes over: for what a provider asks us to wait."""
    return running() + offset()


def offset() -> float:
    """By how many seconds the calendar stands ahead of the machine clock; 0 outside the sandbox."""
    global _seen  # noqa: PLW0603 - a cache of one small file, read again only when it changed
    if not settings.CALENDAR_FILE:
        return 0.0
    try:
        found = os.stat(settings.CALENDAR_FILE)  # noqa: PTH116 - on the hot path, ten times cheaper
    except FileNotFoundError:
        return 0.0
    stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
    if stamp != _seen[0]:
        _seen = (stamp, float(Path(settings.CALENDAR_FILE).read_text(encoding="ascii") or 0))
    return _seen[1]


def step_to(moment: datetime) -> None:
    """Move the calendar forward to `moment` (aware UTC) for every process that shares the file.

    Raises RuntimeError outside the sandbox, ValueError for a step backwards.
    """
    if not settings.CALENDAR_FILE:
        raise RuntimeError("the calendar can be stepped only in the sandbox (CALENDAR_FILE is not set)")
    ahead = (moment - machine()).total_seconds()
    if ahead < offset():
        raise ValueError("the calendar only goes forward")
    draft = Path(f"{settings.CALENDAR_FILE}.new")
    draft.write_text(repr(ahead), encoding="ascii")
    draft.replace(settings.CALENDAR_FILE)


_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
