"""Django's SQLite, with writers that take turns.

SQLite has one writer at a time, and whoever waits for it sleeps up to a tenth of a second between two looks. Among
writers who come a thousand times a second, one that sleeps so long misses its turn again and again: a STOP waited
seconds behind a worker that sends. Here one thread of a process looks, every millisecond; the others stand behind it.
And a worker's process lets all others go first, for as long as a sender can wait.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from config.sqlite.bell import Bell

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

LOOK = 0.001  # seconds
POLITE = 0.25  # seconds that a sender stands back at most: it is to yield to a STOP, not to starve
TAKEN = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_turn = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """The same database, the same SQL and the same limit of time; only waiting for one's turn to write is another.

    With YIELDS in its settings it lets others go first.
    """

    def _start_transaction_under_autocommit(self) -> None:
        """Begin to write. Raises OperationalError when it was nobody's turn to end within SQLITE_TIMEOUT_SECONDS."""
        longest, began = float(self.settings_dict["OPTIONS"].get("timeout", 5)), time.monotonic()
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            if _turn.locked() or not self._begun(began, longest):
                self._stand_in_line(began, longest)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(longest * 1000)}")

    def _stand_in_line(self, began: float, longest: float) -> None:
        with self._ringing():
            if not _turn.acquire(timeout=longest):
                raise OperationalError("database is locked")
            try:
                while not self._begun(began, longest):
                    time.sleep(LOOK)
            finally:
                _turn.release()

    def _begun(self, began: float, longest: float) -> bool:
        waited = time.monotonic() - began
        if waited < min(POLITE, longest) and self._lets_others_go():
            return False
        had_errors = self.errors_occurred
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc] # its stubs don't know it
        except OperationalError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
            if code not in TAKEN or waited >= longest:
                raise
            self.errors_occurred = had_errors  # the line is well
            return False
        return True

    def _lets_others_go(self) -> bool:
        bell = self._bell()
        return bell is not None and self._yields() and bell.rings()

    def _ringing(self) -> AbstractContextManager[None]:
        bell = self._bell()
        return nullcontext() if bell is None or self._yields() else bell.rung()

    def _yields(self) -> bool:
        return bool(self.settings_dict.get("YIELDS"))

    def _bell(self) -> Bell | None:
        """None for a database in memory, which no other process knows."""
        return None if self.is_in_memory_db() else _bell(str(self.settings_dict["NAME"]))


@lru_cache(maxsize=8)
def _bell(name: str) -> Bell:
    return Bell(Path(f"{name}-bell"))
