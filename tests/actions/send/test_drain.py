"""Drained, the workers finish what they hold and claim nothing new; nothing is held, nothing is lost (P5)."""

from __future__ import annotations

from datetime import timedelta

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.consent.hold import pause, resume
from worker.actions.send.due import promote, release_unpaused
from worker.actions.send.shift import shift
from worker.models.hold import PauseScope
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)


def test_a_drained_house_claims_nothing_and_holds_nothing(house, settings, tmp_path):
    """What was claimed before is sent; the rest stays due and goes when the drain ends."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    clock.step_to(DUE + timedelta(minutes=1))
    promote(now=clock.now())
    pause(scope=PauseScope.DRAIN, value="", why="upgrade", by="ops", now=clock.now())
    provider = post.Provider()
    assert shift(channel=Channel.SMS, carrier=provider, slots=4, longest=2.0).claimed == 0
    release_unpaused()
    assert builders.message(alice, "same-day").state == "planned"
    resume(scope=PauseScope.DRAIN, value="", by="ops", now=clock.now())
    assert shift(channel=Channel.SMS, carrier=provider, slots=4, longest=2.0).called == 1
    assert builders.message(alice, "same-day").state == "accepted"


def test_what_another_pause_held_is_released_while_drained(house):
    """A drain covers nothing: what a pause of a channel held is planned again when that one ends."""
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    pause(scope=PauseScope.CHANNEL, value="sms", why="test", by="ops", now=NOW)
    post.round_of_post(DUE)
    assert builders.message(alice, "same-day").state == "held"
    pause(scope=PauseScope.DRAIN, value="", why="upgrade", by="ops", now=DUE)
    resume(scope=PauseScope.CHANNEL, value="sms", by="ops", now=DUE)
    release_unpaused()
    assert builders.message(alice, "same-day").state == "planned"
