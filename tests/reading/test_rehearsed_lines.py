"""A rehearsal over a night in which the clock changes reads right to a human (P6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import builders
from worker.management.verbs.rehearse import _lines
from worker.reading import rehearsal


@pytest.mark.parametrize(
    ("zone", "treated", "before", "after"),
    [
        ("America/New_York", datetime(2027, 3, 12, 21, tzinfo=UTC), "EST", "EDT"),
        ("Australia/Lord_Howe", datetime(2027, 4, 2, 3, tzinfo=UTC), "+11", "+1030"),
    ],
)
def test_the_night_of_the_change_is_marked_and_ten_stays_ten(house, zone, treated, before, after):
    """Rule 136: one line says from where the clock is another; ten is ten on both sides of it."""
    rows = rehearsal.of_protocol(
        builders.PROTOCOL, clinic_slug="lakeside", treated_at=treated, session_at=None, zone_name=zone,
        now=treated + timedelta(minutes=1),
    )  # fmt: skip
    lines = list(_lines(rows))
    (place,) = [number for number, line in enumerate(lines) if line.startswith("  -- the clock changes:")]
    assert lines[place] == f"  -- the clock changes: {after} from here on, no longer {before} --"
    assert all(f" {before} " in line for line in lines[:place])
    assert all(f" {after} " in line for line in lines[place + 1 :])
    assert {line.split()[2] for line in lines if "day-3" in line or "day-7" in line} == {"10:00"}
