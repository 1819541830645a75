"""The home folder, and what a shell beside `aftercare up` finds there: the clock that the parts go by."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from config.environment import wrong

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"


def make_folder(home: Path) -> None:
    """Make it, and what it lies in. Raises BadSetting."""
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        wrong(f"AFTERCARE_HOME: can't be made ({error.strerror}); choose a folder that you may write")


def stepped_calendar(home: Path) -> str:
    """The calendar file that the house over this folder steps, while it stands; "" when none does.

    Whoever holds the folder wrote it into the lock's file. Left behind by a house that was killed, it counts for none.
    """
    try:
        with (home / LOCK_NAME).open("rb") as lock:
            _, said, calendar = lock.read(4096).decode("utf-8", "replace").partition("\ncalendar ")
            if not said or _is_free(lock.fileno()):
                return ""
            return calendar.partition("\n")[0]
    except OSError:
        return ""


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True  # and free again when the file is closed
