"""Bars of the last 24 hours and of today, as numbers that a template draws.

No script and no inline style: the policy refuses both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One hour of the day: what was due in it, and how much of that went, as two bars from the same ground."""

    meant: Bar
    went: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A pair for each hour of the day, also where its zone leaves one out or has one twice."""

    pairs: list[Pair]
    most: float

    @property
    def width(self) -> int:
        """Of the picture."""
        return max(1, len(self.pairs)) * WIDE


def against(hours: Iterable[dict[str, Any]], *, begins: str, ends: str) -> Day:
    """What each hour of a day was meant to bring, against what went of it; moments as ISO."""
    said = {datetime.fromisoformat(each["hour"]).astimezone(UTC): each for each in hours}
    at, end = datetime.fromisoformat(begins).astimezone(UTC).replace(minute=0), datetime.fromisoformat(ends)
    row = []
    while at < end:
        found = said.get(at, {"meant": 0, "went": 0})
        row.append((at, found["meant"], found["went"]))
        at += timedelta(hours=1)
    most = max((meant for _, meant, _ in row), default=0)
    pairs = [
        Pair(meant=_bar(place, at, meant, most), went=_bar(place, at, went, most))
        for place, (at, meant, went) in enumerate(row)
    ]
    return Day(pairs=pairs, most=most)


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
