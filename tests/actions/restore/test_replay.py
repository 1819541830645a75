"""What a restore-check looks for: every open message that may have left in the lost time (P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.actions.receive.reconcile import lists
from worker.actions.restore import lineage, replay
from worker.actions.restore.replay import _candidates
from worker.actions.send.claim import Claim
from worker.actions.send.prepare import prepare
from worker.channels.base import Unknown
from worker.channels.records import Left
from worker.models import Attempt, Inbound, Lineage, StaffTask, Watermark
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.rules.states import State

DUE = NOW + timedelta(hours=1)


def test_what_was_late_already_may_have_left_in_the_lost_time(house):
    """P4: due hours before the backup and kept by an outage, it may have gone after it; what had expired before not."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    since = text.due_at + timedelta(hours=2)
    assert since < text.expires_at
    assert (text.pk, text.clinic_id) in _candidates(Channel.SMS, since, since + timedelta(minutes=20))
    after = text.expires_at + timedelta(minutes=1)
    assert text.pk not in dict(_candidates(Channel.SMS, after, after + timedelta(minutes=20)))


@pytest.fixture
def put_back(house, provider):
    """Alice, found restored; the lists were last read six hours ago, and a STOP whose webhook is lost lies in one."""
    builders.alice(now=clock.now(), treated=clock.now() - timedelta(hours=1))
    lineage.declare_restored(now=clock.now())
    for source in lists():
        Watermark.objects.create(name=source.name, read_to=clock.now() - timedelta(hours=6))
    provider.faults(inbound={"lose": 1})
    provider.reply(ALICES_PHONE, "STOP", to="+12125550100")


@pytest.mark.usefixtures("put_back")
def test_a_list_that_was_never_opened_is_not_read(monkeypatch):
    """P2: a STOP may lie in it: it counts as failed, and nothing is released."""
    monkeypatch.setattr(replay, "ONE_LIST", -1.0)
    monkeypatch.setattr(replay, "ROUNDS", 2)
    assert replay._inbound(clock.now()) == (0, len(lists()))
    monkeypatch.setattr(replay, "_texts", lambda since, until: [])
    assert replay.replay(now=clock.now()).inbound_failed == len(lists())
    assert Lineage.objects.get().checked_at is None
    with pytest.raises(Refusals, match="was not compared"):
        replay.release(by="Sam", now=clock.now())


@pytest.mark.usefixtures("put_back")
def test_a_list_that_was_left_half_way_is_read_on(monkeypatch):
    """P2: one span of it a round, the first five of them empty; the STOP at its end is found and obeyed."""
    monkeypatch.setattr(clock, "running", lambda: 5.0)  # so each list is left after its first span
    monkeypatch.setattr(replay, "ONE_LIST", 0.0)
    assert replay._inbound(clock.now() + timedelta(minutes=2)) == (1, 0)
    assert Inbound.objects.get().word == "stop"


@pytest.fixture
def compared(monkeypatch):
    """Run a restore-check against a list of texts that left."""
    monkeypatch.setattr(replay, "_inbound", lambda now: (0, 0))

    def run(texts, now):
        lineage.declare_restored(now=NOW)
        monkeypatch.setattr(replay, "_texts", lambda since, until: list(texts))
        Lineage.objects.update(lost_since=NOW)
        return replay.replay(now=now)

    return run


def test_a_text_that_is_known_here_makes_nobody_doubtful(house, compared):
    """P4: what left before the backup, as it says itself, is no text that no message here has."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    known = Attempt.objects.get(message__client=client)
    sent = Left(provider_id=known.provider_id, to=ALICES_PHONE, body="whatever it said", at=NOW)
    found = compared([sent], DUE)
    assert (found.listed, found.known, found.withheld_sms) == (1, 1, 0)
    assert builders.message(client, "same-day").state == State.PLANNED
    strange = Left(provider_id="SM-strange", to=ALICES_PHONE, body="other words of ours", at=NOW)
    assert compared([sent, strange], DUE).withheld_sms >= 1
    assert builders.message(client, "same-day").state == State.WITHHELD


def test_a_second_comparison_withholds_nothing_more(house, compared):
    """P4: what the first found gone is known from then on; run it again as often as you like."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    first = builders.message(client, "same-day")
    (written,) = prepare([Claim(first.pk, 0)], now=DUE)
    went = Left(provider_id="SM-went", to=written.to, body=written.words.text, at=DUE)
    assert compared([went], DUE).gone == 1
    later = builders.message(client, "day-1")
    found = compared([went], later.due_at)
    assert (found.gone, found.known, found.withheld_sms) == (0, 1, 0)
    assert builders.message(client, "day-1").state == State.PLANNED


@pytest.fixture
def in_doubt(house):
    """Alice's first text, of which the backup does not know whether it left: its words, and where they went."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    text = builders.message(client, "same-day")
    (written,) = prepare([Claim(text.pk, 0)], now=text.due_at)
    post.round_of_post(text.due_at, post.Provider([Unknown("no answer in time")]))
    text.refresh_from_db()
    assert text.state == State.UNKNOWN
    return text, written


def test_a_doubt_that_the_lost_time_settled_is_not_sent_again(in_doubt, compared):
    """P4: proved absent in the lost time and sent two hours later: the doubt looks at its call's minutes alone."""
    text, written = in_doubt
    later = text.due_at + timedelta(hours=2)
    again = Left(provider_id="SM-again", to=written.to, body=written.words.text, at=later)
    assert compared([again], later).gone == 1
    text.refresh_from_db()
    assert (text.state, text.provider_id) == (State.ACCEPTED, "SM-again")
    assert compared([again], later).known == 1


def test_a_doubt_whose_number_got_other_words_is_left_to_a_person(in_doubt, compared):
    """P4: they may be its own, written anew: nothing is sent, and staff are told."""
    text, written = in_doubt
    compared([Left(provider_id="SM-other", to=written.to, body="other words", at=text.due_at)], text.due_at)
    text.refresh_from_db()
    assert (text.state, text.reason) == (State.UNRESOLVED, "restored")
    assert StaffTask.objects.get(kind="unknown_outcome").facts["message"] == text.pk


def test_a_doubt_whose_number_got_nothing_stays_one(in_doubt, compared):
    """P4: the list may still show its call."""
    text, _ = in_doubt
    compared([Left(provider_id="SM-far", to="+12125550177", body="words", at=text.due_at)], text.due_at)
    text.refresh_from_db()
    assert text.state == State.UNKNOWN
