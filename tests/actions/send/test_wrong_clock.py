"""By a clock that is more than a minute off nothing is sent, ended, doubted or looked for (rule 140, P4, P5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import builders
from worker.actions.send import doubt
from worker.actions.send import tend as tending
from worker.models import Attempt, Doubt, Message
from worker.models.attempt import AttemptState
from worker.reading.engine import engine
from worker.rules.states import State

AHEAD = timedelta(hours=1)


@pytest.fixture
def wrong(monkeypatch):
    """This machine's clock stands an hour ahead of the database's."""
    monkeypatch.setattr("worker.actions.send.due.server_time", lambda: datetime.now(UTC))
    monkeypatch.setattr("worker.clock.machine", lambda: datetime.now(UTC) + AHEAD)


@pytest.fixture
def alice(house):
    """Alice, whose messages are all useful for another half an hour."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    now = datetime.now(UTC)
    Message.objects.update(created_at=now - AHEAD, due_at=now - timedelta(minutes=5), expires_at=now + AHEAD / 2)
    return client


def test_what_is_still_useful_is_not_ended_by_a_clock_that_is_ahead(alice, wrong, monkeypatch):
    """P5: it would end as missed, half an hour before its last useful moment; with the clock believed it does."""
    did = tending.tend()
    assert Message.objects.filter(state=State.MISSED).count() == 0
    assert "missed" not in did
    assert engine().last_sweep is None  # the alarm for a table that nobody fills must see it
    monkeypatch.setattr(tending, "clock_is_trusted", lambda: True)
    assert tending.tend()["missed"] == Message.objects.filter(state=State.MISSED).count() > 0
    assert engine().last_sweep is not None


def test_a_warning_sign_is_escalated_by_any_clock(alice, wrong):
    """Rule 41: told an hour early it hurts nobody, told by nobody it does; so is a pause that has ended let go."""
    assert {"stops", "released", "silent_feeds", "escalated", "sealed"} <= set(tending.tend())


def test_a_doubt_is_looked_into_by_the_databases_clock(alice, wrong, monkeypatch):
    """P4, rule 80: by a clock an hour off, the minutes between two lists would be none, or an hour too many."""
    message = Message.objects.first()
    Attempt.objects.create(
        message=message, clinic_id=message.clinic_id, standing_id=message.standing_id, channel=message.channel,
        cls=message.cls, state=AttemptState.UNKNOWN, worker="tests", decided_at=builders.NOW, lease_until=builders.NOW,
    )  # fmt: skip
    Message.objects.filter(pk=message.pk).update(state=State.UNKNOWN)
    doubt.look_into_doubts()
    assert not Doubt.objects.exists()
    monkeypatch.setattr(doubt, "clock_is_trusted", lambda: True)
    monkeypatch.setattr(doubt, "server_time", lambda: datetime.now(UTC))
    doubt.look_into_doubts()
    assert Doubt.objects.get().since < datetime.now(UTC) + AHEAD / 2
