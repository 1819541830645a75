"""Frozen for more than a second between decision and call: not a byte leaves, and it is decided again (P2, rule 19).

The real shift, the real channels and real sockets; only the running clock jumps, right after the decision.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from tests.channels.relays import Relay, relay
from tests.journeys.stub import Stub
from worker import clock
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels import smtp, turns
from worker.channels.email import EmailChannel
from worker.channels.sms import SmsChannel
from worker.models import Attempt, Message
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1, minutes=1)
FROZEN = 1.01


class Frozen:
    """A channel whose process does not run between the decision and the call, as often as it is told."""

    def __init__(self, channel, monkeypatch, *, times):
        self.channel, self.times, self.lost = channel, times, 0.0
        self.reserve, self.release = channel.reserve, channel.release
        running = clock.running
        monkeypatch.setattr(clock, "running", lambda: running() + self.lost)

    async def send(self, slot, out, started):
        if self.times:
            self.times, self.lost = self.times - 1, self.lost + FROZEN
        return await self.channel.send(slot, out, started)


@pytest.fixture
def alice(house, settings, tmp_path):
    """Alice, confirmed on both channels; her same-day texts are due by the shared calendar."""
    client = builders.alice().client
    post.confirmed(NOW)
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    tend()
    return client


def later():
    """Some seconds on: what was put off is due again, and nobody rests any more."""
    clock.step_to(clock.now() + timedelta(minutes=1))
    tend()


def attempts(channel):
    found = Attempt.objects.filter(message__step__code="same-day", channel=channel).order_by("decided_at")
    return list(found.values_list("state", flat=True))


def message(client, channel):
    return Message.objects.get(client=client, step__code="same-day", channel=channel)


def sent(channel, carrier):
    return shift(channel=channel, carrier=carrier, slots=2, longest=5.0).outcomes


def rested(carrier):
    """The rest that the channel takes after such a call is over."""
    carrier.lost += 60.0


def test_a_late_text_leaves_no_byte_and_is_decided_again(alice, monkeypatch):
    """SMS: the provider hears nothing; a second later the text passes every gate anew, and goes once."""
    with Stub() as stub:
        carrier = Frozen(SmsChannel(stub.url, 5.0), monkeypatch, times=1)
        assert sent(Channel.SMS, carrier) == {"notstarted": 1}
        assert stub.posts == []
        assert attempts("sms") == ["not_started"]
        assert (message(alice, "sms").state, message(alice, "sms").attempts) == ("planned", 0)
        rested(carrier)
        later()
        assert sent(Channel.SMS, carrier) == {"accepted": 1}
        assert attempts("sms") == ["not_started", "accepted"]
        assert [post.fields["To"] for post in stub.posts] == [ALICES_PHONE]
        turns.run(_hung_up(carrier.channel))


def test_a_late_text_after_a_stop_is_withheld(alice, monkeypatch):
    """SMS: STOP comes while the worker is frozen; what was decided before it is decided again, and not sent."""
    with Stub() as stub:
        carrier = Frozen(SmsChannel(stub.url, 5.0), monkeypatch, times=1)
        _during_the_freeze(carrier, lambda: builders.text_from(alice.clinic, ALICES_PHONE, "STOP", now=clock.now()))
        assert sent(Channel.SMS, carrier)["notstarted"] == 1
        rested(carrier)
        later()
        sent(Channel.SMS, carrier)
        assert (message(alice, "sms").state, message(alice, "sms").reason) == ("withheld", "revoked")
        assert attempts("sms") == ["not_started"]
        assert all("no more" in post.fields["Body"] for post in stub.posts), "nothing but the one confirmation"
        turns.run(_hung_up(carrier.channel))


def _during_the_freeze(carrier, work):
    """Another process does this while ours stands still. In ours, the loop is left for it: the database is no wait."""
    decided = carrier.release

    def release(slots):
        if carrier.times and Attempt.objects.filter(state="sending", message__step__code="same-day").exists():
            work()
        decided(slots)

    carrier.release = release


async def _hung_up(channel):
    for connection in channel._pool._idle:
        connection.close()


@pytest.mark.parametrize("stop", [False, True])
def test_a_late_mail_is_not_begun(alice, monkeypatch, stop):
    """SMTP: past the second there is no DATA; after an unsubscribe in that moment there never is (rule 119)."""
    with relay() as server:
        there = smtp.Relay(host="127.0.0.1", port=server.port, secure=False, user="", password="")
        channel = EmailChannel(lambda: smtp.Connection(there, wait=5.0, last_wait=5.0), slots=2, patience=10.0)
        carrier = Frozen(channel, monkeypatch, times=1)
        if stop:
            key = alice.contacts.get(channel="email").link_key
            _during_the_freeze(carrier, lambda: unsubscribe(link_key=key, method="one-click", now=clock.now()))
        assert sent(Channel.EMAIL, carrier)["notstarted"] == 1
        assert attempts("email") == ["not_started"]
        assert _data(server) <= stop, "nothing, or the confirmation of her stop: the same shift may find it due"
        rested(carrier)
        later()
        sent(Channel.EMAIL, carrier)
        assert attempts("email") == (["not_started"] if stop else ["not_started", "accepted"])
        assert message(alice, "email").state == ("withheld" if stop else "accepted")
        assert _data(server) == 1, "the mail itself, or the confirmation of her stop"
        channel.close()


def _data(server: Relay) -> int:
    return server.verbs().count("DATA")
