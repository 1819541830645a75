"""What the disk beside the heads knows of the database: how far its count had come, and the newest calls (P4).

The count moves once a minute. A copy that is younger than that tells itself by the calls alone: each round of a shift
names one of its attempts here, after their commit and before the first byte. So no mark is ever ahead of a database
that lost nothing: what was rolled back, or died before the commit, was never written here. Nothing waits for the disk
itself: what a power cut takes from here, with the database's newest seconds, only a person can tell.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog
from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

log = structlog.get_logger("aftercare.restore")
NEWEST = 64  # calls that are asked of the database: more than processes share a disk, so each one's last is among them
LARGEST = 16_384  # bytes of the file of calls before it is cut to the newest


class Mark(NamedTuple):
    """What the file says: how far the count had come, and when (machine)."""

    number: int
    at: datetime


class Call(NamedTuple):
    """An attempt that was committed, and how far the count had come when its worker had last looked."""

    number: int
    attempt: uuid.UUID


@dataclass(frozen=True, slots=True)
class Known:
    """All that the disk knows; `mark` is None where there is no file, or one that nobody can read."""

    mark: Mark | None
    calls: tuple[Call, ...]

    @property
    def number(self) -> int:
        """The farthest that any of it had come."""
        return max([self.mark.number if self.mark else 0, *(call.number for call in self.calls)])


def mark_file() -> Path:
    """Beside the heads: on a disk that is not put back together with the database."""
    return Path(f"{settings.HEADS_FILE}.lineage")


def calls_file() -> Path:
    """Beside it: a line for each round of calls, the newest last."""
    return Path(f"{settings.HEADS_FILE}.calls")


def read() -> Known:
    """Read before the database is asked: whatever it says had been committed by then."""
    return Known(_mark(), _calls())


def write(mark: Mark) -> None:
    """Whole or not at all; never backwards, for another worker may have counted on."""
    try:
        with _alone():
            before = _mark()
            if before is None or before.number < mark.number:
                draft = mark_file().with_name(f"{mark_file().name}.new")
                draft.write_text(json.dumps({"count": mark.number, "at": mark.at.isoformat()}), encoding="utf-8")
                draft.replace(mark_file())
    except OSError as error:
        log.error("lineage_unwritable", error=type(error).__name__)


def call_made(number: int, attempt: str) -> None:
    """Name a committed attempt (its id in hexadecimal) before its call. Some 20 microseconds: it lies on the hot path.

    A disk that is full or away is logged: the count of the minute still tells.
    """
    try:
        with _alone() as file:
            os.write(file, f"{number} {attempt}\n".encode())
            size = os.fstat(file).st_size
            if size > LARGEST:
                tail = os.pread(file, LARGEST // 2, size - LARGEST // 2)
                os.ftruncate(file, 0)
                os.write(file, tail.partition(b"\n")[2])
    except OSError as error:
        log.error("lineage_unwritable", error=type(error).__name__)


@contextmanager
def _alone() -> Iterator[int]:
    """The file of calls, under the lock of both files. Raises OSError."""
    file = _opened()
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # the close below lets go of it
        yield file
    finally:
        os.close(file)


def _opened() -> int:
    how = os.O_RDWR | os.O_APPEND | os.O_CREAT
    try:
        return os.open(calls_file(), how, 0o600)
    except FileNotFoundError:
        calls_file().parent.mkdir(parents=True, exist_ok=True)
        return os.open(calls_file(), how, 0o600)


def _mark() -> Mark | None:
    try:
        said = json.loads(mark_file().read_text(encoding="utf-8"))
        return Mark(int(said["count"]), datetime.fromisoformat(said["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _calls() -> tuple[Call, ...]:
    """A reader that comes while the file is cut sees fewer: nothing is concluded from what is not there."""
    try:
        lines = calls_file().read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    return tuple(call for call in map(_call, lines[-NEWEST - 1 :]) if call is not None)[-NEWEST:]


def _call(line: str) -> Call | None:
    number, _, attempt = line.partition(" ")
    try:
        return Call(int(number), uuid.UUID(attempt)) if len(attempt) == 32 else None  # noqa: PLR2004 - a UUID's digits
    except ValueError:
        return None  # torn
