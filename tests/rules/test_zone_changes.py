"""What an update of the zone data does to an instant (rule 135)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules import zone_files
from worker.rules.local_time import zone
from worker.rules.zone_changes import AHEAD, agree, moved, offsets_of

START = datetime(2027, 1, 12, 15, tzinfo=UTC)
NEW_YORK, REGINA, LONDON = zone("America/New_York"), zone("America/Regina"), zone("Europe/London")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tokyo", "America/Nuuk")))
def test_the_table_holds_every_change_to_the_second(name):
    """Rule 135: what is kept of a zone is what its file says, change by change."""
    clock, start = zone_files.clock(name), int(START.timestamp())
    end = start + int(AHEAD.total_seconds())
    expected = [(start, clock.shows(start) - start)]
    expected += [(at, clock.shows(at) - at) for at in clock.changes if start < at <= end]

    assert tuple(expected) == offsets_of(zone(name), START)


def test_the_same_data_agree_whenever_they_are_read():
    """A table read half a year ago, and one of today, differ in what they span and in nothing else."""
    assert agree(offsets_of(NEW_YORK, START), offsets_of(NEW_YORK, START + timedelta(days=180)))
    assert not agree(offsets_of(NEW_YORK, START), offsets_of(REGINA, START))


def test_what_was_meant_for_ten_goes_at_ten():
    """Rule 135: New York without summer time keeps the wall time and moves the instant; winter stays as it is."""
    before = offsets_of(NEW_YORK, START)
    january, july = datetime(2027, 1, 20, 15, tzinfo=UTC), datetime(2027, 7, 1, 14, tzinfo=UTC)
    panama = zone("America/Panama")  # New York's winter, all year

    assert january == moved(january, before, panama)
    assert july + timedelta(hours=1) == moved(july, before, panama)


def test_a_time_shown_twice_stays_the_one_it_was():
    """The second 01:30 of an autumn night is no first one, as long as nothing changed."""
    second = datetime(2027, 11, 7, 6, 30, tzinfo=UTC)

    assert second == moved(second, offsets_of(NEW_YORK, START), NEW_YORK)
