"""Windows: the local times of each weekday at which a message may go, as plain data.

Times are seconds since local midnight, start inclusive and end exclusive: 20:00:00 is closed in 09:00-20:00.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DayHours = tuple[tuple[int, int], ...]

_PERIOD = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY_MEND = 'use mon to sun, a range such as "mon-sat", or "daily"'
_PERIOD_MEND = 'write "09:00-20:00"; "20:00-08:00" runs overnight and "00:00-24:00" is the whole day'


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When messages of one channel may go, by the recipient's weekday and wall clock.

    A date that is a public holiday of a calendar in `closed_on` or `closed_on_always` has no opening at all;
    the first set may be overlooked in aftercare's first 72 hours, the second never.

    Args:
        week: seven days, Monday first; each its openings in seconds since local midnight, sorted and apart.
        closed_on: holiday calendars such as "US", "US-AL" or "GB".
        closed_on_always: the same, where the law itself closes the day.
    """

    week: tuple[DayHours, ...]
    closed_on: frozenset[str] = frozenset()
    closed_on_always: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if len(self.week) != len(WEEKDAYS) or not all(map(_is_tidy, self.week)):
            raise ValueError("a week has seven days of sorted, separate openings within the day")


def _is_tidy(day: DayHours) -> bool:
    inside = all(0 <= opens < closes <= DAY for opens, closes in day)
    return inside and all(first[1] < second[0] for first, second in pairwise(day))


ALWAYS = Windows(week=(((0, DAY),),) * len(WEEKDAYS))
NEVER = Windows(week=((),) * len(WEEKDAYS))


def read_windows(
    raw: Mapping[str, object],
    *,
    field: str = "hours",
    closed_on: Iterable[str] = (),
    closed_on_always: Iterable[str] = (),
) -> Windows:
    """Windows from a configuration such as ``{"mon-sat": ["09:00-20:00"], "sun": ["12:00-20:00"]}``.

    A period that ends at or before its start runs on into the next weekday ("20:00-08:00"); a weekday not
    named is closed.

    Raises:
        Refusals: every unknown day and unreadable period, each under `field` and its day.
    """
    faults: list[Refusal] = []
    week: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for name, periods in raw.items():
        days, read = _read_days(name, field, faults), _read_periods(periods, f"{field}.{name}", faults)
        for day, (opens, closes) in ((day, period) for day in days for period in read):
            week[day].append((opens, min(closes, DAY)))
            week[(day + 1) % 7].append((0, closes - DAY))
    if faults:
        raise Refusals(faults)
    return Windows(
        week=tuple(_tidy(day) for day in week),
        closed_on=frozenset(closed_on),
        closed_on_always=frozenset(closed_on_always),
    )


def _read_days(name: str, field: str, faults: list[Refusal]) -> list[int]:
    first, _, last = name.partition("-")
    if name == "daily":
        first, last = "mon", "sun"
    last = last or first
    if first not in WEEKDAYS or last not in WEEKDAYS:
        faults.append(Refusal(field, "names a day that does not exist", _DAY_MEND))
        return []
    start, length = WEEKDAYS.index(first), (WEEKDAYS.index(last) - WEEKDAYS.index(first)) % 7
    return [(start + step) % 7 for step in range(length + 1)]


def _read_periods(periods: object, field: str, faults: list[Refusal]) -> list[tuple[int, int]]:
    found = [_read_period(text) for text in periods] if isinstance(periods, list | tuple) else [None]
    if None in found:
        faults.append(Refusal(field, "is not a list of periods of the day", _PERIOD_MEND))
    return [period for period in found if period is not None]


def _read_period(text: object) -> tuple[int, int] | None:
    if isinstance(text, list | tuple):  # a pair, as a clinic's file has it: ["09:00", "20:00"]
        text = "-".join(map(str, text))
    match = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    hour, minute, to_hour, to_minute = map(int, match.groups())
    opens, closes = hour * 3600 + minute * 60, to_hour * 3600 + to_minute * 60
    if closes > DAY or opens == closes:  # "09:00-09:00" might mean never or always: ask
        return None
    return opens, closes if closes > opens else closes + DAY


def _tidy(day: Iterable[tuple[int, int]]) -> DayHours:
    """Sorted, with what overlaps or touches made one."""
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(period for period in day if period[0] < period[1]):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged)


@lru_cache(maxsize=1024)
def intersect(one: Windows, other: Windows) -> Windows:
    """The windows in which both are open, closed on the holidays of either: the strictest of the two."""
    return Windows(
        week=tuple(_tidy(_common(a, b)) for a, b in zip(one.week, other.week, strict=True)),
        closed_on=one.closed_on | other.closed_on,
        closed_on_always=one.closed_on_always | other.closed_on_always,
    )


def _common(one: DayHours, other: DayHours) -> Iterator[tuple[int, int]]:
    for a, b in ((a, b) for a in one for b in other):
        yield max(a[0], b[0]), min(a[1], b[1])


def check_within(windows: Windows, law: Windows, *, field: str = "hours") -> None:
    """Refuse windows that open where the jurisdiction does not (rule 46: never wider than the law).

    Raises:
        Refusals: one per weekday that is too wide, and one for holidays that should be closed.
    """
    faults = [
        Refusal(f"{field}.{name}", "opens outside the hours of the jurisdiction", _stay_within(bound))
        for name, mine, bound in zip(WEEKDAYS, windows.week, law.week, strict=True)
        if _tidy(_common(mine, bound)) != mine
    ]
    missing = (law.closed_on | law.closed_on_always) - _kept(windows)
    if missing:
        mend = f"close on the holidays of {', '.join(sorted(missing))}"
        faults.append(Refusal(f"{field}.holidays", "opens on public holidays the jurisdiction closes", mend))
    if faults:
        raise Refusals(faults)


def _kept(windows: Windows) -> frozenset[str]:
    """The calendars that close these windows; a state's calendar holds its country's days too."""
    named = windows.closed_on | windows.closed_on_always
    return named | {calendar.partition("-")[0] for calendar in named}


def _stay_within(bound: DayHours) -> str:
    periods = ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in bound)
    return f"stay within {periods}" if periods else "leave this day closed"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"
