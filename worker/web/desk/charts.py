"""Bars of the last 24 hours, as numbers that a template draws: no script, no inline style (the policy refuses both)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HOURS = 24
WIDE, TALL = 12, 100  # of one bar with its gap, and of the highest bar, in the picture's own units


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour: where it stands, how high, and what it says."""

    x: int
    y: int
    height: int
    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """24 bars, the hour that runs last; `most` is the highest value, `mark` the height (y) of a limit in sight."""

    bars: list[Bar]
    most: float
    mark: int | None = None

    @property
    def width(self) -> int:
        """Of the picture."""
        return HOURS * WIDE


def volume(hours: Iterable[dict[str, Any]], now: datetime) -> Chart:
    """How many calls in each hour, both channels together."""
    return _chart(hours, now, "called", sum)


def lateness(hours: Iterable[dict[str, Any]], now: datetime, *, limit: float) -> Chart:
    """How late the latest message of each hour was, in seconds, with a line at `limit`."""
    return _chart(hours, now, "latest_seconds", max, limit)


def _chart(
    hours: Iterable[dict[str, Any]],
    now: datetime,
    field: str,
    join: Callable[[Sequence[float]], float],
    limit: float | None = None,
) -> Chart:
    said: dict[datetime, list[float]] = defaultdict(list)
    for each in hours:
        said[datetime.fromisoformat(each["hour"])].append(each[field])
    last = now.replace(minute=0, second=0, microsecond=0)
    row = [(at, join(said.get(at, [0]))) for at in (last - timedelta(hours=ago) for ago in range(HOURS - 1, -1, -1))]
    most = max(value for _, value in row)
    bars = [_bar(place, at, value, most) for place, (at, value) in enumerate(row)]
    mark = TALL - round(TALL * limit / most) if limit is not None and most >= limit else None
    return Chart(bars=bars, most=most, mark=mark)


def _bar(place: int, at: datetime, value: float, most: float) -> Bar:
    """An hour with anything in it has a bar to be seen."""
    height = max(2, round(TALL * value / most)) if value else 0
    return Bar(x=place * WIDE + 1, y=TALL - height, height=height, at=at, value=value)
