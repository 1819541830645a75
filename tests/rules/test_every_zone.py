"""Every zone of the world, every change of its clock from 2024 to 2030, against an independent witness (P6).

Besides, every day that a zone left out since 1970. How many cases were tried is printed at the end of the run.
"""

from __future__ import annotations

import calendar
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from tests.rules import zone_files
from tests.rules.zone_files import DAY, HOUR, MINUTE, Clock
from worker.rules.hours import closing_after, is_open, last_open_before, next_opening, read_windows
from worker.rules.local_time import instant, local
from worker.rules.plan import Calendar, Elapsed, moment

FROM, TO = (calendar.timegm((year, 1, 1, 0, 0, 0)) for year in (2024, 2031))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STARTS = (-30 * HOUR, -13 * HOUR, -HOUR, -MINUTE, 0, MINUTE, 30 * MINUTE, 5 * HOUR)
AROUND = 9 * DAY  # no window below is closed for longer
ANCHORS = (-30 * HOUR, -1, 0, HOUR)
DAYS = (-2, -1, 0, 1, 2, 28)
WALLS = tuple(time.fromisoformat(text) for text in ("00:00", "00:30", "02:15", "10:00", "23:45"))


@cache
def clocks() -> dict[Clock, ZoneInfo]:
    """What the witness and the rules each know of every zone, from the same files."""
    found = {}
    for name in zone_files.names():
        with zone_files.file_of(name).open("rb") as file:
            found[zone_files.clock(name)] = ZoneInfo.from_file(file, key=name)
    return found


@cache
def cases() -> tuple[tuple[Clock, ZoneInfo, int, int, int], ...]:
    """Zone, the instant of a change, the offsets before and after; a zone that never changes has a day of its own."""
    found = []
    for clock, place in clocks().items():
        mine = [
            (clock, place, at, clock.offsets[n], clock.offsets[n + 1])
            for n, at in enumerate(clock.changes)
            if FROM <= at < TO or (at > 0 and clock.offsets[n + 1] - clock.offsets[n] >= DAY // 2)
        ]
        found += mine or [(clock, place, FROM + 500 * DAY, clock.offsets[-1], clock.offsets[-1])]
    return tuple(found)


@pytest.fixture
def tell(request):
    """The number of cases is printed at the end of the whole run."""

    def say(what: str) -> None:
        request.node.user_properties.append(("cases", what))

    return say


def at(second: int) -> datetime:
    """A Unix second as the rules take it."""
    return EPOCH + timedelta(seconds=second)


def second(moment_: datetime) -> int:
    """The other way round, exact."""
    return round((moment_ - EPOCH).total_seconds())


def on_the_wall(wall: int) -> tuple[date, time]:
    """A wall time in Unix seconds as date and time."""
    shown = at(wall)
    return shown.date(), shown.time()


def test_the_cases_hold_every_oddity(tell):
    """Gaps and repeats of an hour, half an hour and two, at midnight, on the eve, and a whole day left out (P6)."""
    leaps = Counter(after - before for _, _, _, before, after in cases())
    midnight = sum((when + min(before, after)) % DAY == 0 != after - before for _, _, when, before, after in cases())
    changed = sum(1 for *_, before, after in cases() if before != after)
    still = len(cases()) - changed

    assert {HOUR, -HOUR, HOUR // 2, -HOUR // 2, 2 * HOUR, -2 * HOUR, DAY} <= set(leaps)
    assert midnight > 50
    assert len(clocks()) > 590
    assert all(value % MINUTE == 0 for clock, _, when, *rest in cases() for value in (when, *rest))
    tell(
        f"{len(clocks())} zones, {changed} changes of their clocks ({midnight} at midnight), {still} that never change"
    )


def test_every_wall_time_around_every_change_is_the_instant_the_witness_finds(tell):
    """A gap moves on by its length, a repeat is its first, a missing day the moment after: everywhere (rule 137)."""
    tried = 0
    for clock, place, when, before, after in cases():
        low, high = when + min(before, after), when + max(before, after)
        walls = {low - 1, low, high - 1, high, *range(low - 3 * HOUR, high + 3 * HOUR, 15 * MINUTE)}
        for wall in walls:
            found = second(instant(*on_the_wall(wall), place))
            assert clock.first_showing(wall) == found, (clock.name, at(wall))
        tried += len(walls)
    tell(f"{tried} wall times")


def test_elapsed_delays_keep_real_time_and_calendar_delays_the_wall(tell):
    """ "24 hours later" is 86,400 seconds over any change; "day 1 at 10:00" is 10:00 over any change (rule 136)."""
    tried = 0
    for clock, place, when, *_ in cases():
        for anchor in (when + each for each in ANCHORS):
            assert anchor + DAY == second(moment(Elapsed(delta=timedelta(hours=24)), at(anchor), place))
            assert clock.shows(anchor) == second(local(at(anchor), place).replace(tzinfo=UTC))
            today = clock.shows(anchor) // DAY * DAY
            for days, wall in ((days, wall) for days in DAYS for wall in WALLS):
                meant = today + days * DAY + wall.hour * HOUR + wall.minute * MINUTE
                found = second(moment(Calendar(days=days, at=wall), at(anchor), place))
                assert clock.first_showing(meant) == found, (clock.name, at(anchor), days, wall)
                tried += 1
    tell(f"{tried} calendar delays")


@cache
def spelled(days: str, period: str):
    """Windows for the rules, and the same week minute by minute for the witness, from one spelling."""
    opens, closes = (int(clock[:2]) * 60 + int(clock[3:]) for clock in period.split("-"))
    length = closes - opens if closes > opens else closes - opens + 1440
    minutes = bytearray(7 * 1440)
    for day in range(7) if days == "daily" else [WEEKDAYS.index(days)]:
        for minute in range(day * 1440 + opens, day * 1440 + opens + length):
            minutes[minute % len(minutes)] = 1
    return read_windows({days: [period]}), bytes(minutes)


def clock_of(wall: int) -> str:
    """ "02:30" of a wall time."""
    return f"{wall % DAY // HOUR:02d}:{wall % HOUR // MINUTE:02d}"


def weeks_around(when: int, before: int, after: int):
    """By day, by night, a half hour from midnight, one whole weekday, and just what the clock skips or repeats."""
    low, high = when + min(before, after), when + max(before, after)
    yield spelled("daily", "09:00-20:00")
    yield spelled("daily", "20:00-08:00")
    yield spelled("daily", "00:00-00:30")
    yield spelled(WEEKDAYS[at(low).weekday()], "00:00-24:00")
    if 0 < high - low < DAY:
        yield spelled("daily", f"{clock_of(low)}-{clock_of(high)}")


def test_every_search_around_every_change_agrees_with_looking_at_each_minute(tell):
    """Open or not, the next opening, its end and the last before, around every change in the world (P6, rule 48)."""
    tried = 0
    for clock, place, when, before, after in cases():
        start = when - AROUND
        for windows, week in weeks_around(when, before, after):
            minutes = clock.minutes(week, start, when + AROUND)
            for now in (when + each for each in STARTS):
                here = (now - start) // MINUTE
                label = (clock.name, at(now), windows.week)
                opening = minutes.find(1, here)
                assert start + opening * MINUTE == second(next_opening(at(now), windows, place)), label
                assert bool(minutes[here]) == is_open(at(now), windows, place), label
                if minutes[here]:
                    shut = minutes.find(0, here)
                    assert start + shut * MINUTE == second(closing_after(at(now), windows, place)), label
                last = minutes.rfind(1, 0, here)
                found = last_open_before(at(now), windows, place)
                assert start + (last + 1) * MINUTE == second(found.closes_at), label
                assert start + (minutes.rfind(0, 0, last) + 1) * MINUTE == second(found.opens_at), label
                tried += 1
    tell(f"{tried} searches, each against its minutes")
