"""How the day goes against what it was meant to bring, by channel and hour; old rows don't raise its cost (P5)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests import builders
from tests.builders import NOW
from worker.management import glance
from worker.models import Message
from worker.models.rows import plain
from worker.reading import day as reading
from worker.reading.day import day
from worker.rules.states import State

MIDNIGHT = datetime(2027, 1, 12, 5, tzinfo=UTC)  # New York's
HELD = {"state": State.HELD, "reason": "paused"}


@pytest.fixture
def texts(house):
    """Alice's texts, each to be put where a test wants it; nobody else's fall into the day."""
    builders.alice()
    builders.bob()
    Message.objects.update(due_at=NOW + timedelta(days=40), expires_at=NOW + timedelta(days=60), channel="sms")
    return iter(Message.objects.filter(clinic=house.lakeside).order_by("pk"))


def put(message, hours, **changes):
    """This many hours from NOW."""
    fields = {"due_at": NOW + timedelta(hours=hours)} | changes
    Message.objects.filter(pk=message.pk).update(**fields)
    return message


def sums(said):
    """What the day's texts came to, nothing told as nothing."""
    return {key: many for key, many in said["channels"]["sms"].items() if many}


def test_the_day_is_told_by_what_became_of_each_message(texts):
    """P5: what was meant, until now and in all, and how each ended: every message of the day once, and in one kind."""
    ends = Counter(zip(State, (
        "to_come", "to_come", "due", "went", "went", "failed", "held", "withheld", "cancelled", "missed", "failed",
        "unknown", "unknown"), strict=True))  # fmt: skip
    for state, _ in ends:
        put(next(texts), 1 if state in {State.PLANNED, State.CLAIMED} else -1, state=state, decided_at=NOW)
    put(next(texts), -0.1)
    put(next(texts), -2)
    kinds = Counter(kind for _, kind in ends) + Counter(["due", "late"])
    assert sums(day(now=NOW)) == {"meant": 15, "so_far": 13, **kinds}
    assert sum(kinds.values()) == 15


def test_what_was_meant_stays_when_messages_end(texts):
    """P5: a message that goes, is missed or is called off during the day was meant for it all the same."""
    three = [put(next(texts), -1) for _ in range(3)]
    before = day(now=NOW)["channels"]["sms"]["meant"]
    for message, state in zip(three, (State.DELIVERED, State.MISSED, State.CANCELLED), strict=True):
        put(message, -1, state=state, decided_at=NOW)
    said = day(now=NOW)["channels"]["sms"]
    assert (before, said["meant"], said["went"], said["missed"], said["cancelled"]) == (3, 3, 1, 1, 1)


def test_what_was_called_off_before_the_day_was_not_meant_for_it(texts):
    """P5: a session that was taken back last week leaves no hole in today's sums; a hold since then is still meant."""
    put(next(texts), -1, state=State.CANCELLED, decided_at=MIDNIGHT - timedelta(days=7))
    put(next(texts), -1, **HELD, decided_at=MIDNIGHT - timedelta(days=7))
    assert sums(day(now=NOW)) == {"meant": 1, "so_far": 1, "held": 1}


def test_a_clinics_day_is_its_own_and_that_of_its_wall(texts, house):
    """P5, P6, P10: Lakeside's begins at midnight in New York, the house's at midnight UTC, Hillside's is another."""
    put(next(texts), -10.5)  # 4:30 UTC, the evening before in New York
    put(next(texts), -9.5)
    theirs = Message.objects.filter(clinic=house.hillside).first()
    put(theirs, -1)
    said = day(now=NOW, clinic=house.lakeside)
    assert (said["begins"], said["zone"]) == ("2027-01-12T00:00:00-05:00", "America/New_York")
    assert (said["ends"], sums(said)["meant"]) == ("2027-01-13T00:00:00-05:00", 1)
    said = day(now=NOW)
    assert (said["begins"], said["zone"], sums(said)["meant"]) == ("2027-01-12T00:00:00+00:00", "UTC", 3)


def test_each_hour_says_what_it_was_meant_to_bring_and_what_went(texts):
    """P5: both by the hour in which a message was due, not by that in which it went."""
    put(next(texts), -1.2, state=State.DELIVERED, sent_at=NOW)
    put(next(texts), -1.1, state=State.MISSED, decided_at=NOW)
    put(next(texts), 2)
    hours = day(now=NOW)["hours"]
    assert hours == [
        {"hour": "2027-01-12T13:00:00+00:00", "meant": 2, "went": 1},
        {"hour": "2027-01-12T17:00:00+00:00", "meant": 1, "went": 0},
    ]


def test_a_day_of_more_than_can_be_counted_says_so(texts, monkeypatch):
    """P5: no half sums: where counting ends, nothing is told but that."""
    monkeypatch.setattr(reading, "MOST", 2)
    for _ in range(2):
        put(next(texts), -1)
    assert day(now=NOW)["whole"] is True
    put(next(texts), -1)
    said = day(now=NOW)
    assert (said["whole"], said["channels"], said["hours"]) == (False, {}, [])
    assert list(glance.today(said)) == [" today: more than 2 messages, too many to count here"]


def test_a_house_without_a_clinic_has_a_day(db):
    """P5: `aftercare status` answers before the first clinic is loaded."""
    said = day(now=NOW)
    assert (said["whole"], said["channels"]["sms"]["meant"], said["hours"]) == (True, 0, [])


def test_a_line_for_each_channel(texts):
    """P5: as a person says it, and nothing that is nothing."""
    for hours, state in ((-1, State.DELIVERED), (-2, State.PLANNED), (-3, State.MISSED), (3, State.PLANNED)):
        put(next(texts), hours, state=state)
    lines = list(glance.today(day(now=NOW)))
    assert lines == [
        "!today (UTC) sms    1 of 4 went, 1 late, 1 missed, 1 to come",
        " today (UTC) email  0 of 0 went",
    ]


def test_the_day_is_found_by_its_index(texts, house, monkeypatch):
    """P5: one question and one index, for the house and for a clinic: fifty million old rows are not walked through."""
    asked = []
    monkeypatch.setattr(reading, "fetch", lambda sql, params: asked.append((sql, [*map(plain, params)])) or [])
    day(now=NOW)
    day(now=NOW, clinic=house.lakeside)
    assert len(asked) == 2
    for sql, params in asked:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL enable_seqscan = off")
            how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
            cursor.execute(f"{how} {sql}", params)
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "message_day" in plan, plan
