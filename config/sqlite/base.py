"""SQLite has one writer at a time, and whoever waits for it sleeps up to a tenth of a second between two looks.

Among writers who come a thousand times a second, one that sleeps so long misses its turn again and again: a STOP waited
seconds behind a worker that sends. Here one thread of a process looks, every millisecond; the others stand behind it.
"""

from __future__ import annotations

import sqlite3
import threading
import time

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LOOK = 0.001  # seconds
TAKEN = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_turn = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """The same database, the same SQL and the same limit of time; only waiting for one's turn to write is another."""

    def _start_transaction_under_autocommit(self) -> None:
        """Begin to write. Raises OperationalError when it was nobody's turn to end within SQLITE_TIMEOUT_SECONDS."""
        longest = float(self.settings_dict["OPTIONS"].get("timeout", 5))
        until = time.monotonic() + longest
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            if _turn.locked() or not self._begun(until):
                self._stand_in_line(longest, until)
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(longest * 1000)}")

    def _stand_in_line(self, longest: float, until: float) -> None:
        if not _turn.acquire(timeout=longest):
            raise OperationalError("database is locked")
        try:
            while not self._begun(until):
                time.sleep(LOOK)
        finally:
            _turn.release()

    def _begun(self, until: float) -> bool:
        had_errors = self.errors_occurred
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc] # its stubs don't know it
        except OperationalError as error:
            code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
            if code not in TAKEN or time.monotonic() >= until:
                raise
            self.errors_occurred = had_errors  # the line is well
            return False
        return True
