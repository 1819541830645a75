"""Since when this disk has kept stops: a spool that is away, or younger than the loss, is no empty one (P2)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from worker.actions.restore import spool
from worker.models.rows import server_time

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = "began"


def begin(moment: datetime) -> None:
    """Write down, once, that stops are kept here from `moment` (machine) on."""
    file = _began()
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(moment.isoformat(), encoding="ascii")
    except OSError as error:
        spool.log.error("spool_unwritable", error=type(error).__name__)


def gap(since: datetime) -> str:
    """Why the spool can't know all stops from `since` (machine) on; "" when it does. Raises OSError."""
    if since < server_time() - spool.KEPT:
        return f"stops are kept for {spool.KEPT.days} days, and the lost time began before"
    try:
        began = datetime.fromisoformat(_began().read_text(encoding="ascii"))
    except FileNotFoundError:
        return f"{spool.folder()} is missing, or does not say since when it was kept"
    except ValueError:
        return f"{_began()} says no time"
    return "" if began <= since else f"{spool.folder()} was begun at {began:%Y-%m-%d %H:%M} UTC, in the lost time"


def _began() -> Path:
    return spool.folder() / BEGAN
