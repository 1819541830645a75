"""Is it an hour at which a message may go, and if not, when is the next (P6, rules 44-49, 54).

Every question takes the windows and one or more zones; with several, an instant is open only when it is open
on every one of their clocks (rule 47). An instant is open when its wall time lies inside its weekday's
windows, so a day of 23 or 25 hours needs no rule of its own: what the clock skips is never open, and what it
shows twice is open twice.

Aftercare in its first 72 hours may overlook some holidays: `holidays_from` is the instant at which they
begin to count (None: always). Closings the law itself demands always count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from worker.rules.local_time import utc
from worker.rules.openings import Span, load_holidays, openings
from worker.rules.windows import Windows, check_within, intersect, read_windows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

__all__ = [
    "SEARCH",
    "Hours",
    "Span",
    "Windows",
    "check_within",
    "closing_after",
    "intersect",
    "is_open",
    "last_open_before",
    "load_holidays",
    "next_opening",
    "read_windows",
    "zones_for",
]

SEARCH = timedelta(days=14)
"""How far a search looks; windows closed for so long are a fault of the configuration, not a delay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The windows of one channel for one client, and the clocks they are read on."""

    windows: Windows
    zones: tuple[ZoneInfo, ...]


def zones_for(
    client_zone: ZoneInfo | None,
    clinic_zone: ZoneInfo | None,
    number_zones: Iterable[ZoneInfo] = (),
    *,
    presumed: Iterable[ZoneInfo] = (),
) -> tuple[ZoneInfo, ...]:
    """The clocks that must all agree before a message goes (rule 47).

    The client's own zone if it is known; else the clinic's together with every zone the number could be in,
    because an area code alone proves nothing. `presumed` are zones a statute presumes from the number
    (Florida does), which apply beside any other.

    Raises:
        ValueError: nothing is known, and the server's own zone is never a guess.
    """
    known = [client_zone] if client_zone else [clinic_zone, *number_zones]
    zones = {zone.key: zone for zone in (*known, *presumed) if zone is not None}
    if not zones:
        raise ValueError("no zone is known for this client, clinic or number")
    return tuple(zones.values())


def is_open(at: datetime, windows: Windows, *zones: ZoneInfo, holidays_from: datetime | None = None) -> bool:
    """Whether a message may go at the instant `at` on the clocks of all `zones` (rules 44-48).

    Raises:
        ValueError: `at` is naive, or no zone was given.
    """
    at = utc(at)
    spans = (openings(windows, zone, at.toordinal(), holidays_from) for zone in _some(zones))
    return all(any(opens <= at < closes for opens, closes in day) for day in spans)


def next_opening(
    at: datetime, windows: Windows, *zones: ZoneInfo, holidays_from: datetime | None = None
) -> datetime | None:
    """The first open instant (UTC) at or after `at`; None when there is none within `SEARCH`.

    Raises:
        ValueError: `at` is naive, or no zone was given.
    """
    found = utc(at)
    until = found + SEARCH
    while found <= until:
        each = [_next_in(found, until, windows, zone, holidays_from) for zone in _some(zones)]
        known = [opening for opening in each if opening is not None]
        if len(known) < len(each):
            return None
        if max(known) == found:
            return found
        found = max(known)
    return None


def closing_after(
    at: datetime, windows: Windows, *zones: ZoneInfo, holidays_from: datetime | None = None
) -> datetime | None:
    """When the opening that holds `at` ends (UTC), looked for as far as `SEARCH`; None when `at` is closed.

    This bounds what the provider may queue: a text accepted at 19:59 must not ring at 22:00 (rule 49).

    Raises:
        ValueError: `at` is naive, or no zone was given.
    """
    if not is_open(at, windows, *zones, holidays_from=holidays_from):
        return None
    return min(_closing_in(utc(at), windows, zone, holidays_from) for zone in zones)


def last_open_before(
    at: datetime, windows: Windows, *zones: ZoneInfo, holidays_from: datetime | None = None
) -> Span | None:
    """The last opening that began before `at`, cut off at `at`; None when there is none within `SEARCH`.

    Raises:
        ValueError: `at` is naive, or no zone was given.
    """
    end = utc(at)
    floor = end - SEARCH
    while end > floor:
        each = [_last_in(end, floor, windows, zone, holidays_from) for zone in _some(zones)]
        known = [span for span in each if span is not None]
        if len(known) < len(each):
            return None
        opens_at, end = max(span.opens_at for span in known), min(span.closes_at for span in known)
        if opens_at < end:
            return Span(opens_at, end)
    return None


def _some(zones: tuple[ZoneInfo, ...]) -> tuple[ZoneInfo, ...]:
    if not zones:  # "open on all of no clocks" would be open at night
        raise ValueError("opening hours need at least one zone")
    return zones


def _next_in(
    at: datetime, until: datetime, windows: Windows, zone: ZoneInfo, holidays_from: datetime | None
) -> datetime | None:
    for day in range(at.toordinal(), until.toordinal() + 1):
        for opens, closes in openings(windows, zone, day, holidays_from):
            if at < closes:
                return max(at, opens)
    return None


def _closing_in(at: datetime, windows: Windows, zone: ZoneInfo, holidays_from: datetime | None) -> datetime:
    until = at + SEARCH
    end = at
    for day in range(at.toordinal(), until.toordinal() + 1):
        for opens, closes in openings(windows, zone, day, holidays_from):
            if opens > end:
                return end
            end = max(end, closes)
    return min(end, until)


def _last_in(
    at: datetime, floor: datetime, windows: Windows, zone: ZoneInfo, holidays_from: datetime | None
) -> Span | None:
    last: Span | None = None
    for day in range(at.toordinal(), floor.toordinal() - 1, -1):
        for opens, closes in reversed(openings(windows, zone, day, holidays_from)):
            if opens >= at:
                continue
            if last and closes < last.opens_at:
                return last
            last = Span(opens, last.closes_at if last else min(closes, at))
    return last
