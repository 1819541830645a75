"""A whole shift through the carrier's contract: what is due goes once, whatever the carrier does (P4, P11)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels.base import Accepted, NotStarted, Refused, TryLater, Unknown
from worker.models import Attempt, Message, Ready
from worker.reading.chain import faults
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1, minutes=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def at_due(house, settings, tmp_path):
    """Five clients whose same-day text is due by the shared calendar, their confirmations accepted."""
    for number in range(5):
        builders.alice(
            external_id=f"A-{number}", phone=f"+1212555010{number}", email=f"a{number}@example.com", consents=SMS
        )
    post.confirmed(NOW)
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    tend()


def _states():
    return sorted(Message.objects.filter(step__code="same-day", channel="sms").values_list("state", flat=True))


def _shift(carrier, *, slots=2, longest=5.0):
    return shift(channel=Channel.SMS, carrier=carrier, slots=slots, longest=longest)


def test_a_shift_goes_on_until_nothing_is_due(at_due):
    """Five messages over two slots, once each."""
    provider = post.Provider()
    report = _shift(provider)
    assert (report.claimed, report.called, report.outcomes) == (5, 5, {"accepted": 5})
    assert len({out.to for out in provider.taken}) == 5
    assert _states() == ["accepted"] * 5
    assert _shift(provider).claimed == 0
    tend()
    assert faults() == []


@pytest.mark.parametrize("wrong", [timedelta(minutes=2), -timedelta(minutes=2)], ids=["ahead", "behind"])
def test_a_worker_whose_clock_is_wrong_sends_nothing_until_it_is_right(at_due, wrong):
    """Rule 140, P11: two minutes from the database's clock nothing leaves, and nothing is lost.

    With SQLite they share a machine, and there is only one clock.
    """
    provider = post.Provider()
    with time_machine.travel(clock.machine() + wrong):
        _shift(provider)
        if connection.vendor == "postgresql":
            assert provider.taken == []
    _shift(provider)
    assert _states() == ["accepted"] * 5
    assert len(provider.taken) == 5


def test_a_round_brings_what_is_due_to_where_a_claim_looks(at_due):
    """P5: what was planned long ahead, or lost its row of what is ready, is found by the next round of a worker."""
    Ready.objects.all().delete()
    assert _shift(post.Provider()).claimed == 0
    assert tend()["promoted"] >= 5
    assert _shift(post.Provider()).called == 5


def test_a_carrier_that_cannot_connect_costs_no_attempt(at_due):
    """A provider that can't be reached yields no connection: nothing is claimed, nothing is written."""

    class Down(post.Provider):
        async def reserve(self, wanted):
            return []

    assert _shift(Down()).claimed == 0
    assert not Attempt.objects.filter(cls="course").exists()
    assert Ready.objects.filter(lease__gt=0, message__step__code="same-day").count() == 0


def test_a_carrier_that_breaks_leaves_doubt_not_a_second_call(at_due):
    """P4: whatever broke, it may have left."""

    class Broken(post.Provider):
        async def send(self, slot, out, started):
            self.taken.append(out)
            raise RuntimeError("the socket is gone")

    broken = Broken()
    report = _shift(broken)
    assert report.outcomes == {"unknown": 5}
    assert _states() == ["unknown"] * 5
    assert _shift(broken).claimed == 0
    assert len(broken.taken) == 5


def test_every_outcome_finds_its_state(at_due):
    """One of each in one shift."""
    provider = post.Provider(
        [Accepted("SM1", 1), Refused("21211"), TryLater("20429", 60.0), Unknown("reset"), Accepted("SM2", 1)]
    )
    _shift(provider, slots=5)
    assert _states() == ["accepted", "accepted", "planned", "refused", "unknown"]
    assert not Message.objects.filter(state="sending").exists()


def test_every_slot_is_given_back(at_due):
    """A leak of connections would end all sending within minutes."""

    class Counted(post.Provider):
        out = 0

        async def reserve(self, wanted):
            Counted.out += wanted
            return [object() for _ in range(wanted)]

        def release(self, slots):
            Counted.out -= len(list(slots))

    carrier = Counted([Refused("21211"), Unknown("x"), NotStarted("late")])
    _shift(carrier)
    assert Counted.out == 0


def test_no_more_calls_fly_than_there_are_slots(at_due):
    """Rule 85: bounded concurrency."""

    class Slow(post.Provider):
        flying = most = 0

        async def send(self, slot, out, started):
            Slow.flying += 1
            Slow.most = max(Slow.most, Slow.flying)
            await asyncio.sleep(0.02)
            Slow.flying -= 1
            return self.call(out)

    _shift(Slow(), slots=2)
    assert Slow.most <= 2


def test_each_call_knows_when_its_decision_began(at_due):
    """P2: the 1 s bound counts from a moment read before the decision, on the running clock."""
    began = clock.running()
    seen = []

    class Noting(post.Provider):
        async def send(self, slot, out, started):
            seen.append((started, clock.running()))
            return self.call(out)

    _shift(Noting())
    assert len(seen) == 5
    assert all(began <= started <= called for started, called in seen)
