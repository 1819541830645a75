"""The client's clock: gaps, repeats, missing days, and which names are zones (rules 135-139)."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules import local_time
from worker.rules.local_time import instant, local, utc, zone
from worker.rules.refusal import Refusal

NEW_YORK = zone("America/New_York")
ZONES = [zone(name) for name in ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/St_Johns")]


@pytest.fixture
def unpinned():
    """Gives the process its zone search path back."""
    before = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(to=before)


@pytest.mark.parametrize(
    ("name", "on", "at", "shown"),
    [
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T03:30:00-04:00"),
        ("Europe/London", "2026-03-29", "01:30", "2026-03-29T02:30:00+01:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04T02:45:00+11:00"),
        ("Africa/Cairo", "2026-04-24", "00:30", "2026-04-24T01:30:00+03:00"),
        ("America/Sao_Paulo", "2018-11-04", "00:30", "2018-11-04T01:30:00-02:00"),
        ("Pacific/Apia", "2011-12-30", "00:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", "2011-12-30", "23:59", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Kwajalein", "1993-08-21", "10:00", "1993-08-22T00:00:00+12:00"),
    ],
)
def test_a_skipped_time_moves_on_by_the_gap_and_a_missing_day_to_the_first_moment_after(name, on, at, shown):
    """A wall time the clock skips is shifted by the gap's length, never before it (rule 137)."""
    found = instant(date.fromisoformat(on), time.fromisoformat(at), zone(name))

    assert found.tzinfo is UTC
    assert shown == local(found, zone(name)).isoformat()


@pytest.mark.parametrize(
    ("name", "on", "at", "expected"),
    [
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00+00:00"),
        ("Europe/London", "2026-10-25", "01:30", "2026-10-25T00:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00+00:00"),
    ],
)
def test_a_time_shown_twice_is_the_first_of_the_two(name, on, at, expected):
    """A repeated wall time names its first occurrence, also when the time says fold=1 (rule 137)."""
    at = time.fromisoformat(at)

    assert expected == instant(date.fromisoformat(on), at, zone(name)).isoformat()
    assert expected == instant(date.fromisoformat(on), at.replace(fold=1), zone(name)).isoformat()


@settings(max_examples=300)
@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - wall times have no zone
)
def test_an_instant_shows_its_wall_time_or_a_later_one_by_the_gap(place, wall):
    """Every wall time names an instant that shows it; only in a gap it shows a later one, at most an hour (137)."""
    shown = local(instant(wall.date(), wall.time(), place), place).replace(tzinfo=None, fold=0)

    assert wall <= shown <= wall + timedelta(hours=1)
    if shown != wall:
        before = local(instant(wall.date(), wall.time(), place) - (shown - wall), place)
        assert before.utcoffset() < local(instant(wall.date(), wall.time(), place), place).utcoffset()


def test_a_day_on_the_wall_is_not_always_24_hours():
    """10:00 to 10:00 over the spring change is 23 h of real time, over the autumn change 25 h (rule 136)."""
    spring = instant(date(2026, 3, 8), time(10), NEW_YORK) - instant(date(2026, 3, 7), time(10), NEW_YORK)
    autumn = instant(date(2026, 11, 1), time(10), NEW_YORK) - instant(date(2026, 10, 31), time(10), NEW_YORK)

    assert (timedelta(hours=23), timedelta(hours=25)) == (spring, autumn)


def test_a_naive_datetime_names_no_instant():
    """Only aware datetimes come in (rule 138)."""
    naive = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - that is the point

    with pytest.raises(ValueError, match="naive"):
        utc(naive)
    with pytest.raises(ValueError, match="naive"):
        local(naive, NEW_YORK)


def test_any_aware_datetime_comes_out_in_utc():
    """An instant given in another zone is the same instant in UTC (rule 138)."""
    found = utc(datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=5))))

    assert found.tzinfo is UTC
    assert datetime(2026, 6, 1, 7, tzinfo=UTC) == found


def test_a_wall_time_with_a_zone_of_its_own_is_refused():
    """Two zones in one wall time would be a guess (rule 135)."""
    with pytest.raises(ValueError, match="zone of its own"):
        instant(date(2026, 6, 1), time(12, tzinfo=UTC), NEW_YORK)


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("US/Eastern", "America/New_York"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Canada/Pacific", "America/Vancouver"),
        ("Europe/Stockholm", "Europe/Stockholm"),
        ("Australia/Sydney", "Australia/Sydney"),
    ],
)
def test_an_old_name_of_a_place_becomes_todays(old, today):
    """Aliases are normalised, so that a name given up by IANA is never stored (rule 139)."""
    assert today == zone(old).key


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("EST5EDT", "such as America/New_York"),
        ("EST", "such as America/New_York"),
        ("UTC", "such as America/New_York"),
        ("Etc/GMT+5", "such as America/New_York"),
        ("+05:00", "such as America/New_York"),
        ("Factory", "such as America/New_York"),
        ("../../etc/passwd", "such as America/New_York"),
        ("", "such as America/New_York"),
        ("America/Atlantis", "such as America/New_York"),
        ("Japan", "write Asia/Tokyo"),
        ("america/new york", "write America/New_York"),
        (" Europe/London ", "write Europe/London"),
    ],
)
def test_a_name_that_is_no_place_is_refused_with_its_mend(name, mend):
    """Unknown names, abbreviations and fixed offsets are refused, never taken as UTC (rule 139)."""
    with pytest.raises(Refusal) as refused:
        zone(name, "client.zone")

    assert refused.value.field == "client.zone"
    assert mend in refused.value.mend


def test_every_accepted_name_loads_and_changes_nothing_when_taken_twice():
    """What a zone is stored as is itself accepted, so that a stored client can always be read (rule 139)."""
    names = [zone(name).key for name in local_time._places()]

    assert len(names) > 400
    assert names == [zone(name).key for name in names]


def test_the_zone_data_is_pinned_and_its_version_known(unpinned):
    """Zones come from the pinned package; until then health says "host" (rule 139)."""
    zoneinfo.reset_tzpath(to=["/nonexistent"])

    assert local_time.zone_data_version() == "host"

    local_time.pin_zones()

    assert zoneinfo.TZPATH == ()
    assert local_time.zone_data_version()[:4].isdigit()
