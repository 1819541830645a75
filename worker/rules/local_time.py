"""A client's wall clock and the one instant it means (rules 135-139).

Instants are aware UTC; wall times are naive and belong to a named zone. Python adds a timedelta to an
aware local time on the wall clock, not in real time, so arithmetic happens in UTC only (rule 136).
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources

from worker.rules.refusal import Refusal

_DAY = timedelta(days=1)
_MEND = "name the place's zone, such as America/New_York or Europe/London"


def utc(at: datetime) -> datetime:
    """The same instant in UTC, so that ordering and equality are never asked across zones (rule 138).

    Raises:
        ValueError: `at` is naive; a guess at its zone would be a text at night.
    """
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError("a naive datetime names no instant; pass an aware one")
    return at.astimezone(UTC)


def local(at: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """What the clock on the wall of `zone` shows at the instant `at`; aware in `zone`.

    Raises:
        ValueError: `at` is naive.
    """
    return utc(at).astimezone(zone)


def instant(on: date, at: time, zone: zoneinfo.ZoneInfo) -> datetime:
    """The UTC instant at which the clock of `zone` shows `on` and `at` (rule 137).

    A time the clock skips moves on by the length of the gap, never before it; in a day the zone leaves out
    altogether it is the first instant after. A time shown twice is the first of the two.

    Raises:
        ValueError: `at` carries a zone of its own.
    """
    if at.tzinfo is not None:
        raise ValueError("a wall time carries no zone of its own")
    wall = datetime.combine(on, at, zone).replace(fold=0)
    if _jump(wall) >= _DAY:  # shifting by a whole day would skip the next day's morning too
        wall = datetime.combine(on, time.min, zone)
    return wall.astimezone(UTC)


def _jump(wall: datetime) -> timedelta:
    """How far the clock is put forward over `wall`: positive inside a gap, else zero or less."""
    before, after = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return after - before


def zone(name: str, field: str = "zone") -> zoneinfo.ZoneInfo:
    """The zone of a place by its IANA name; an old "area/place" name becomes today's (rule 139).

    Abbreviations and fixed offsets ("EST5EDT", "Etc/GMT+5", "UTC") are refused: nobody lives in one, and
    half of them are wrong for half of the year.

    Raises:
        Refusal: `name` is no place's zone; names `field` and, where there is one, the name to write instead.
    """
    place = _places().get(name)
    if place is None:
        raise Refusal(field, "is not the time zone of a place", _mend(name))
    return _loaded(place)


def _mend(name: str) -> str:
    meant = _meant().get(name.strip().replace(" ", "_").casefold())
    return f"write {meant}" if meant else _MEND


@cache
def _loaded(place: str) -> zoneinfo.ZoneInfo:
    """One object per zone for the life of the process: caches of openings know a zone by identity."""
    return zoneinfo.ZoneInfo(place)


@cache
def _places() -> dict[str, str]:
    """Every accepted name and the place it stands for."""
    places = _inhabited()
    old = {alias: place for alias, place in _links().items() if "/" in alias and place in places}
    return old | {place: place for place in places}


@cache
def _meant() -> dict[str, str]:
    """What a refused name most likely meant, by its casefolded spelling."""
    places = _places()
    words = {old: place for old, place in _links().items() if not old.isupper()}  # EST is not Panama's alone
    meant = {**words, **places}
    return {name.casefold(): place for name, place in meant.items() if place in places}


@cache
def zones_of_country(code: str) -> tuple[str, ...]:
    """The zones that IANA lists for a country (ISO 3166, two capitals), sorted; () for an unknown one."""
    rows = (line.split("\t") for line in _table("zone.tab") if not line.startswith("#"))
    return tuple(sorted(row[2] for row in rows if row[0] == code and row[2] in _inhabited()))


def _inhabited() -> frozenset[str]:
    """The zones of the IANA table of countries, as far as this Python can load them."""
    rows = (line.split("\t") for line in _table("zone.tab") if not line.startswith("#"))
    return frozenset(row[2] for row in rows) & zoneinfo.available_timezones()


def _links() -> dict[str, str]:
    """Alias -> target, as IANA keeps them for names it has given up."""
    rows = (line.split() for line in _table("tzdata.zi") if line.startswith("L "))
    return {alias: target for _, target, alias in rows}


def _table(name: str) -> list[str]:
    return resources.files("tzdata").joinpath("zoneinfo", name).read_text("utf-8").splitlines()


def pin_zones() -> None:
    """Take every zone from the pinned tzdata package, not from whatever the host carries (rule 139).

    Called once when a process starts, before the first zone is loaded.
    """
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()


def zone_data_version() -> str:
    """The IANA version in use, such as "2026f", or "host" when `pin_zones` was not called (rule 139)."""
    return "host" if zoneinfo.TZPATH else _table("tzdata.zi")[0].removeprefix("# version ")
