"""Two clocks: the machine's own, and the calendar that a rehearsal may step through a file."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """Epoch seconds (UTC) by the machine, and by the calendar = machine + the offset that the file holds."""

    def __init__(self, calendar_file: Path | None = None) -> None:
        """Follow `calendar_file`; without one, or while it is absent, the offset is 0."""
        self._file = calendar_file
        self._seen = 0
        self._offset = 0.0

    def machine(self) -> float:
        """Return the machine's epoch seconds; nothing steps them."""
        return time.time()

    def calendar(self) -> float:
        """Return the calendar's epoch seconds: what the dates of messages are made of."""
        return time.time() + self.offset()

    def offset(self) -> float:
        """Seconds by which the calendar stands ahead; read again only when the file's mtime has changed.

        A file that holds no number leaves the last good offset: a witness must not die of a torn write.
        """
        if self._file is None:
            return 0.0
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp != self._seen:
                self._offset = float(self._file.read_text(encoding="ascii").strip() or 0)
                self._seen = stamp
        except FileNotFoundError:
            self._seen, self._offset = 0, 0.0
        except (OSError, ValueError):
            pass
        return self._offset


def rfc2822(moment: float) -> str:
    """Epoch seconds as the date that the Message resource carries, in UTC (RFC 2822)."""
    return _rfc2822(int(moment))


@lru_cache(maxsize=1024)
def _rfc2822(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(second))
