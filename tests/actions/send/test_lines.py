"""One canonical line for each message's way out, whatever its end, and one for each shift; numbers alone (P8, P9)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.actions.consent.hold import pause
from worker.actions.send.due import close_missed
from worker.actions.send.shift import shift
from worker.models import Message
from worker.models.hold import PauseScope
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed; her first text is due."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


@pytest.fixture
def told(monkeypatch, django_capture_on_commit_callbacks):
    """The lines of a shift at DUE, by what they are."""

    def work():
        monkeypatch.setattr(clock, "now", lambda: DUE)
        post.promote(now=DUE)
        with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
            shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
        return {name: [each for each in lines if each["event"] == name] for name in ("message", "shift")}

    return work


def test_a_message_that_goes_leaves_one_line_and_its_shift_another(alice, told):
    """Which message, by which version and step, with what outcome; no number, no name, no word of it."""
    lines = told()
    (message,), (done,) = lines["message"], lines["shift"]
    first = builders.message(alice, "same-day")
    assert (message["message"], message["step"], message["outcome"]) == (first.pk, "same-day", "accepted")
    assert (done["channel"], done["claimed"], done["called"], done["accepted"]) == ("sms", 1, 1, 1)
    said = json.dumps(lines, default=str)
    assert ALICES_PHONE[2:] not in said
    assert "Alice" not in said


def test_a_message_that_is_held_says_why(alice, told):
    """The line of one that did not go: the state it came to, and the reason."""
    pause(scope=PauseScope.CHANNEL, value="sms", why="tried", by="tests", now=NOW)
    lines = told()
    assert [(each["outcome"], each["reason"]) for each in lines["message"]] == [("held", "paused")]
    assert len(lines["shift"]) == 1


def test_a_message_that_nobody_decided_in_time_leaves_its_line_too(alice, django_capture_on_commit_callbacks):
    """P5: what ended as missed while no worker ran is not silent."""
    first = builders.message(alice, "same-day")
    Message.objects.filter(pk=first.pk).update(expires_at=DUE)
    with capture_logs() as lines, django_capture_on_commit_callbacks(execute=True):
        assert close_missed(now=DUE + timedelta(minutes=1), machine=clock.machine()) == 1
    told = [each for each in lines if each["event"] == "message"]
    assert [(each["message"], each["outcome"]) for each in told] == [(first.pk, "missed")]


def test_a_quiet_shift_says_nothing(alice):
    """A look each second that finds nothing must not fill a disk."""
    with capture_logs() as lines:
        shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    assert [each for each in lines if each["event"] == "shift"] == []
