"""How many days lie between two sessions, and whether the protocol has them so (S12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from worker.rules.local_time import local

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalWarning:
    """The next session is nearer or further than the protocol has it (S12); dates are local, both included."""

    days: int
    earliest: date
    latest: date
    too_early: bool


def session_interval_warning(
    last_session_at: datetime, next_session_at: datetime, min_days: int, max_days: int, zone: ZoneInfo
) -> IntervalWarning | None:
    """What to tell the staff about the days between two sessions, counted on the calendar of `zone`, if anything.

    Raises:
        ValueError: a session's time is naive.
    """
    last = local(last_session_at, zone).date()
    days = (local(next_session_at, zone).date() - last).days
    if min_days <= days <= max_days:
        return None
    return IntervalWarning(
        days=days,
        earliest=last + timedelta(days=min_days),
        latest=last + timedelta(days=max_days),
        too_early=days < min_days,
    )
