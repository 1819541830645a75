"""The openings of one UTC day: windows laid on a zone's clock, without the holidays that close."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from worker.rules.local_time import utc
from worker.rules.windows import DAY, DayHours, Windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()


class Span(NamedTuple):
    """An opening: two UTC instants, the start inclusive and the end exclusive."""

    opens_at: datetime
    closes_at: datetime


def openings(windows: Windows, zone: ZoneInfo, day: int, holidays_from: datetime | None) -> tuple[Span, ...]:
    """The openings of one UTC day (an ordinal), in order; one that runs past midnight goes on in the next."""
    if holidays_from is None or day > (turn := utc(holidays_from)).toordinal():
        return _utc_day(windows, zone, day, holidays_count=True)
    overlooked = _utc_day(windows, zone, day, holidays_count=False)
    if day < turn.toordinal():
        return overlooked
    before = [Span(opens, min(closes, turn)) for opens, closes in overlooked if opens < turn]
    return _joined([*before, *_utc_day(windows, zone, day, holidays_count=True)])


@lru_cache(maxsize=16_384)
def _utc_day(windows: Windows, zone: ZoneInfo, day: int, *, holidays_count: bool) -> tuple[Span, ...]:
    """Cached because every message of a day asks for the same one."""
    found = []
    for start, end, offset in _stretches(zone, day):
        for local_day in range((start + offset) // DAY, (end + offset - 1) // DAY + 1):
            midnight = local_day * DAY - offset
            for opens, closes in _hours_on(windows, local_day, holidays_count=holidays_count):
                span = max(start, midnight + opens), min(end, midnight + closes)
                if span[0] < span[1]:
                    found.append(Span(_at(span[0]), _at(span[1])))
    return _joined(found)


def _stretches(zone: ZoneInfo, day: int) -> Iterator[tuple[int, int, int]]:
    """A UTC day as (start, end, offset) in Unix seconds: one stretch, or two when the clock changes in it."""
    start = (day - _EPOCH_DAY) * DAY
    end = start + DAY
    first, last = _offset(zone, start), _offset(zone, end - 1)
    if first == last:
        yield start, end, first
        return
    change, known = end - 1, start
    while change - known > 1:
        middle = (change + known) // 2
        known, change = (middle, change) if _offset(zone, middle) == first else (known, middle)
    yield start, change, first
    yield change, end, last


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = _at(second).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _hours_on(windows: Windows, local_day: int, *, holidays_count: bool) -> DayHours:
    on = date.fromordinal(local_day + _EPOCH_DAY)
    closing = windows.closed_on_always | (windows.closed_on if holidays_count else frozenset())
    if any(on in _holidays(calendar, on.year) for calendar in closing):
        return ()
    return windows.week[on.weekday()]


def load_holidays(windows: Windows, year: int) -> None:
    """Read the holidays of `year` and the next now: the first look costs most of a second, a worker's whole lease."""
    holidays_in(windows, date(year, 1, 1), date(year + 1, 1, 1))


def holidays_in(windows: Windows, start: date, end: date) -> frozenset[date]:
    """The public holidays on which these windows may be closed, from `start` to the day before `end`."""
    calendars = windows.closed_on | windows.closed_on_always
    years = range(start.year, end.year + 1)
    days = (on for calendar in calendars for year in years for on in _holidays(calendar, year))
    return frozenset(on for on in days if start <= on < end)


def are_kept(calendar: str) -> bool:
    """Whether anyone keeps the public holidays of a calendar such as "US" or "US-AL"."""
    try:
        _holidays(calendar, _EPOCH.year)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=512)
def _holidays(calendar: str, year: int) -> frozenset[date]:
    """The public holidays of a calendar such as "US" or "US-AL", the days they are observed on included.

    Raises:
        ValueError: nobody keeps such a calendar; "open" would be a guess.
    """
    from holidays import country_holidays

    country, _, state = calendar.partition("-")
    try:
        return frozenset(country_holidays(country, subdiv=state or None, years=year))
    except NotImplementedError as unknown:
        raise ValueError("no holidays are kept under this name; use a country or a country and state") from unknown


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, with spans that touch made one."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.opens_at <= joined[-1].closes_at:
            joined[-1] = Span(joined[-1].opens_at, max(joined[-1].closes_at, span.closes_at))
        else:
            joined.append(span)
    return tuple(joined)


def _at(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)
