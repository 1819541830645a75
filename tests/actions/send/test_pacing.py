"""A shift keeps to what senders and accounts may do; what must wait waits in the table, with its reason (rule 84)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.db.models import F

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock, meters, pace
from worker.actions.send import pacing
from worker.actions.send.claim import STRIDE
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels.base import Refused, TryLater, Unknown
from worker.models import Attempt, Clinic, Message, Ready, Sender
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1, minutes=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def shared(redis_server, settings, monkeypatch):
    """An empty Redis that all workers share; rests and patience are long enough for any machine."""
    monkeypatch.setattr(pace, "PATIENCE", 30.0)
    monkeypatch.setitem(pace._FIXED, "first_rest", 60.0)
    monkeypatch.setitem(pace._FIXED, "longest_rest", 60.0)
    settings.REDIS_URL = redis_server.url
    with redis.Redis.from_url(redis_server.url) as line:
        line.flushall()
        yield line


@pytest.fixture
def at_due(house, settings, tmp_path):
    """Eight clients of Lakeside and Bob of Hillside, whose same-day text is due by the shared calendar."""
    for number in range(8):
        builders.alice(
            external_id=f"A-{number}", phone=f"+1212555010{number}", email=f"a{number}@example.com", consents=SMS
        )
    builders.bob(consents=SMS)
    post.confirmed(NOW)
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    tend()


def _shift(provider, slots=16):
    return shift(channel=Channel.SMS, carrier=provider, slots=slots, longest=5.0)


def _slowed():
    return meters.SLOWED.labels("sms")._value.get()


def _another_worker():
    pacing.forget()


def _waiting():
    return Message.objects.filter(step__code="same-day", state="planned")


def _free_in():
    """In how many seconds each waiting message of Lakeside is free again, soonest first."""
    rows = Ready.objects.filter(message__in=_waiting(), clinic_id=_lakeside()).order_by("free_at")
    return [(each.free_at - clock.machine()).total_seconds() for each in rows]


def _lakeside():
    return Sender.objects.get(clinic__slug="lakeside", channel="sms").clinic_id


def _of_lakeside(provider):
    return [out for out in provider.taken if not out.to.endswith("0177")]


def _pace(per_second):
    Sender.objects.filter(clinic__slug="lakeside").update(per_second=per_second)
    Clinic.objects.update(revision=F("revision") + 1)  # as loading its file does


def test_a_raised_rate_is_heard_within_a_quarter_of_an_hour(at_due, shared):
    """Rule 84: by the old rate the last waits for an hour and more; once it is raised, she need not."""
    _pace(1 / 1200)
    _shift(post.Provider())
    assert 890 < max(_free_in()) <= 900


def test_a_senders_rate_holds_for_all_workers_and_the_rest_waits_its_turn(at_due, shared):
    """Rule 84: one part a minute: one text goes; the others are free again one after the other, and no fence fails."""
    _pace(1 / 60)
    provider = post.Provider()
    _shift(provider)
    _another_worker()
    _shift(provider)
    assert len(_of_lakeside(provider)) == 1
    assert {each.reason for each in _waiting()} == {"rate_limit"}
    frees = _free_in()
    assert len(frees) == 7
    assert all(later - sooner > 50 for sooner, later in zip([0.0, *frees], frees, strict=False))
    assert {each.lease % STRIDE for each in Ready.objects.filter(message__in=_waiting())} == {0}
    assert not Attempt.objects.filter(message__in=_waiting()).exists()


def test_the_other_clinic_is_not_kept_waiting(at_due, shared):
    """Fair claiming: Lakeside's carrier is slow, and Bob of Hillside gets his text in the same shift."""
    _pace(1 / 60)
    _shift(post.Provider(), slots=2)
    bobs = Message.objects.get(step__code="same-day", clinic__slug="hillside")
    assert (bobs.state, bobs.reason) == ("accepted", "")


def test_one_429_slows_everybody_on_the_account(at_due, shared):
    """Rule 84: after one "too many" no worker calls that account before its Retry-After, whichever clinic's text."""
    provider = post.Provider([TryLater("20429", 120.0)])
    _shift(provider, slots=1)
    assert {each.reason for each in _waiting().filter(clinic_id=_lakeside())} == {"provider_busy", ""}
    _another_worker()
    _shift(provider)
    assert len(provider.taken) == 1
    assert {each.reason for each in _waiting()} == {"provider_busy", "provider_asked_for_a_rest"}


def test_each_too_many_is_counted_even_where_nobody_met_the_rest(at_due, shared):
    """P5: the alert of a limit that is too high counts answers; a batch that was all told so met no rest."""
    before = _slowed()
    _shift(post.Provider([TryLater("20429", 120.0)] * 9))
    assert _slowed() == before + 9


def test_a_rest_ends_for_whoever_met_it_when_the_calendar_passes_over_it(at_due, shared):
    """P5: both clocks of a rest are stepped, or the process that was told to wait would never claim of that clinic."""
    provider = post.Provider([TryLater("20429", 120.0)])
    _shift(provider, slots=1)
    _another_worker()
    _shift(provider)  # which meets the rest
    assert len(provider.taken) == 1
    clock.step_to(clock.now() + timedelta(minutes=10))
    Ready.objects.exclude(clinic_id=_lakeside()).delete()  # after a rest one goes first, and it must not be Bob's
    Ready.objects.update(free_at=NOW - timedelta(days=400))  # machine time, which no test steps
    _shift(provider)
    assert len(_of_lakeside(provider)) > 1


def test_a_full_queue_of_one_sender_rests_that_sender_alone(at_due, shared):
    """Code 21611: Lakeside's number waits, Hillside's goes on."""
    provider = post.Provider([Refused("21611")])
    _shift(provider, slots=1)
    assert (len(_of_lakeside(provider)), len(provider.taken)) == (1, 2)


def test_a_silent_provider_costs_a_handful_of_doubts(at_due, shared):
    """P4: after five calls in a row without an answer no more are made, or a whole queue would end in doubt."""
    provider = post.Provider([Unknown("no answer in time")] * 9)
    _shift(provider, slots=1)
    assert len(provider.taken) == pacing.SILENT
    assert Message.objects.filter(state="unknown").count() == pacing.SILENT


def test_no_more_calls_than_the_account_allows(at_due, shared, settings):
    """Rule 85: calls under way are bounded over all workers; what finds no room goes when there is some."""
    settings.SMS_ACCOUNT_CALLS = 2
    most = []

    class Counting(post.Provider):
        async def send(self, slot, out, started):
            most.append(
                sum(int(value.split()[0]) for key in shared.keys("*calls:account*") for value in shared.hvals(key))
            )
            return self.call(out)

    _shift(Counting(), slots=8)
    assert max(most) == 2
    assert len(most) >= 2
    assert not shared.keys("*calls*")  # nothing flies any more


def test_what_waits_is_missed_at_the_end_of_its_useful_time(at_due, shared, settings):
    """P5, P7: a wait never outlives the message; it ends as missed, with the reason that kept it."""
    _pace(0.01)
    soon = clock.now() + timedelta(seconds=30)
    Message.objects.filter(step__code="same-day").update(expires_at=soon)
    _shift(post.Provider())
    assert max(_free_in()) <= 30
    clock.step_to(soon + timedelta(seconds=1))
    Ready.objects.update(free_at=NOW - timedelta(days=400))  # machine time, which no test steps
    tend()
    missed = Message.objects.filter(step__code="same-day", state="missed")
    assert {each.reason for each in missed} == {"rate_limit"}
    assert not _waiting().exists()


def test_a_stops_confirmation_goes_before_all_that_waits(at_due, shared, house):
    """Rule 22: it has five minutes, and must not stand behind a queue that its sender needs hours for."""
    _pace(1 / 60)
    builders.text_from(house.lakeside, "+12125550107", "STOP", now=clock.now())
    tend()
    provider = post.Provider()
    _shift(provider, slots=1)
    assert [out.to for out in _of_lakeside(provider)] == ["+12125550107"]


def test_without_redis_a_worker_keeps_its_own_share(at_due, settings):
    """P11: the limit holds for the worker alone, as it would for its part of all."""
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    _pace(1 / 60)
    provider = post.Provider()
    _shift(provider)
    _shift(provider)
    assert len(_of_lakeside(provider)) == 1


def test_an_emptied_redis_lets_nothing_more_through(at_due, shared):
    """P11: Redis is emptied between two shifts of a worker, which remembers."""
    _pace(1 / 60)
    provider = post.Provider()
    _shift(provider)
    shared.flushall()
    _shift(provider)
    assert len(_of_lakeside(provider)) == 1


def test_redis_holds_neither_numbers_nor_account_names(at_due, shared, settings):
    """P9: whoever reads Redis learns of no client, clinic or account."""
    _shift(post.Provider())
    names = b" ".join(shared.keys("*")).decode()
    assert "sender:" in names
    assert "account:" in names
    assert settings.TWILIO_ACCOUNT_SID not in names
