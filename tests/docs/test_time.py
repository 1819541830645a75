"""The table of docs/time.md: what peers were measured to answer, and what we do (P6, P7)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from tests import builders
from tests.builders import NOW
from worker.actions.course import appointment
from worker.models import Appointment
from worker.rules.hours import next_opening, read_windows
from worker.rules.local_time import instant, local, zone
from worker.rules.states import OPEN

DOCS = Path(__file__).resolve().parents[2] / "docs" / "time.md"
LONDON, NEW_YORK = zone("Europe/London"), zone("America/New_York")
SYDNEY, LOS_ANGELES = zone("Australia/Sydney"), zone("America/Los_Angeles")
DAY, FEDERAL, NIGHT = {"daily": ["09:00-20:00"]}, {"daily": ["08:00-21:00"]}, {"daily": ["20:00-08:00"]}


def row(asked: str) -> str:
    """The row of the table that begins with this question."""
    (found,) = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {asked} |")]
    return found


@pytest.mark.parametrize(
    ("asked", "place", "hours", "now"),
    [
        ("London, from Saturday 28 March 2026, the next 09:00", LONDON, DAY, "2026-03-28 21:00"),
        ("London, from Saturday 24 October 2026, the next 09:00", LONDON, DAY, "2026-10-24 21:00"),
        ("New York, from Saturday 31 October 2026, the next 08:00", NEW_YORK, FEDERAL, "2026-10-31 22:00"),
        ("Sydney, the next Monday at 08:00", SYDNEY, {"mon": ["08:00-20:00"]}, "2026-06-10 12:00"),
        ("Los Angeles, the next Friday at 20:00", LOS_ANGELES, {"fri": ["20:00-21:00"]}, "2026-06-10 12:00"),
        ("New York, at noon, with a window from 20:00 to 08:00", NEW_YORK, NIGHT, "2026-06-10 12:00"),
    ],
)  # fmt: skip
def test_what_peers_answered_wrongly_is_answered_by_the_clients_wall(asked, place, hours, now):
    """P6: the table says what the rules answer, to the minute and by the name of the clock."""
    on, clock = now.split()
    found = next_opening(instant(date.fromisoformat(on), time.fromisoformat(clock), place), read_windows(hours), place)

    assert row(asked).endswith(f"| {local(found, place):%a %Y-%m-%d %H:%M %Z} |")


def test_a_reminder_never_names_the_time_that_a_visit_was_moved_from(house):
    """P7: moved from Monday to Thursday, every reminder still to leave says Thursday, and there are some."""
    monday = datetime(2027, 2, 15, 19, 0, tzinfo=UTC)
    thursday = monday + timedelta(days=3)
    alice = builders.alice(visit=monday).client
    visit = Appointment.objects.get(client=alice)
    before = builders.messages_of(alice, appointment=visit)
    appointment.move(appointment_id=visit.pk, starts_at=thursday, by="staff:1", now=NOW + timedelta(days=1))
    left = builders.messages_of(alice, appointment=visit, state__in=OPEN)

    assert before
    assert left
    assert not {each.pk for each in before} & {each.pk for each in left}
    assert {each.generation for each in left} == {2}
    visit.refresh_from_db()
    assert {local(each.appointment.starts_at, NEW_YORK).strftime("%A") for each in left} == {"Thursday"}
    assert row("A visit on Monday, moved to Thursday: which reminders still leave").endswith(
        "| only those that say Thursday |"
    )
