"""Whoever must not wait rings while it stands in line to write; a sender lets it go first (docs/adr/0014).

The bell is a shared lock on a file beside the database: a process that dies stops ringing. Nobody ever waits for that
lock, so that no frozen process keeps another from ringing, or from writing.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Bell:
    """One database's bell in one process; its threads ring together. Silent where its file can't be made."""

    def __init__(self, path: Path) -> None:
        """`path` of the file, which is made when it is first needed."""
        self._path, self._hand = path, threading.Lock()
        self._ringing, self._file, self._process = 0, -1, 0

    @contextmanager
    def rung(self) -> Iterator[None]:
        """Ring as long as this lasts."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def rings(self) -> bool:
        """True while somebody in another process stands in line."""
        with self._hand:
            file = self._opened()
            if file < 0 or self._ringing:
                return False
            if not _locks(file, LOCK_EX):
                return True
            flock(file, LOCK_UN)
            return False

    def _count(self, change: int) -> None:
        with self._hand:
            self._ringing += change
            if (file := self._opened()) < 0:
                return
            if self._ringing == 0:
                flock(file, LOCK_UN)
            elif change > 0:
                _locks(file, LOCK_SH)  # a sender who listens at this very moment is a chance missed, no more

    def _opened(self) -> int:
        """Each process has its own: a lock on an inherited file would be its parent's as well."""
        if self._process != os.getpid():
            self._process = os.getpid()
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:
                self._file = -1
        return self._file


def _locks(file: int, kind: int) -> bool:
    try:
        flock(file, kind | LOCK_NB)
    except BlockingIOError:
        return False
    return True
