"""Two operators with one list, and a provider that speaks late: a text is planned again once, and needs it (P4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from tests import builders
from tests.actions import post
from tests.actions.clients.test_contact import NEW, agreed, change
from tests.actions.send.test_two_workers import PATIENCE, _alone, _both, _only_postgres, _until_somebody_waits
from tests.builders import NOW
from worker.actions.course.outage import Fate, replay
from worker.actions.course.resend import resend
from worker.actions.course.unsettled import Overtaken, give_up, retry
from worker.actions.send.doubt import leave_unresolved
from worker.actions.send.prepare import prepare
from worker.actions.send.went import went
from worker.channels.base import Refused, Unknown
from worker.models import Event, Message
from worker.reading.unsettled import failed
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
HOURS = [DUE + timedelta(hours=hour) for hour in range(9)]


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed."""
    return post.alice_confirmed()


@pytest.fixture
def refused(alice):
    """Her first text, refused with a code that nobody knows."""
    return post.refused_first(alice, "99999", at=DUE)


@pytest.fixture
def unresolved(alice):
    """Her first text, of which nobody knows whether it left."""
    return post.unresolved_first(alice, at=DUE)


def _numbers(message):
    stem = message.occasion.rpartition(":r")[0]
    found = Message.objects.filter(occasion__startswith=f"{stem}:r").order_by("resend")
    return [(each.resend, each.state, each.reason) for each in found]


def _went_again():
    return [step for at in HOURS for step in post.round_of_post(at) if step == "same-day"]


@pytest.mark.parametrize("arrived", [True, False], ids=["it went", "it waits"])
@pytest.mark.parametrize("act", [retry, give_up])
def test_an_old_list_does_nothing(refused, arrived, act):
    """P4: B listed, A retried, a worker sent it, B acted: her phone rang twice, and B was told that all was well."""
    retry(message_ids=[refused.pk], by="anna", now=DUE)
    if arrived:
        assert post.round_of_post(DUE) == ["same-day"]
    before = _numbers(refused)
    told = act(message_ids=[refused.pk], by="ben", now=DUE)[refused.pk]
    assert isinstance(told, Overtaken)
    assert told == "id: was already planned again as number 2 by anna; nothing done"
    assert _numbers(refused) == before
    assert _went_again() == ([] if arrived else ["same-day"])
    assert Event.objects.filter(kind="given_up").count() == 0


def test_an_old_list_does_nothing_after_a_replay(refused):
    """P4: replay has the window of its whole run as well; and a replay of what a retry took is none."""
    window = {"since": NOW, "until": DUE + timedelta(minutes=30), "now": DUE, "really": True}
    assert [each.fate for each in replay(**window, by="anna").messages] == [Fate.AGAIN]
    assert post.round_of_post(DUE) == ["same-day"]
    assert isinstance(retry(message_ids=[refused.pk], by="ben", now=DUE)[refused.pk], Overtaken)
    assert replay(**window, by="ben").messages == []
    assert _went_again() == []


def test_a_replay_of_an_old_list_does_nothing(refused, monkeypatch):
    """P4: between the rows of a replay and its locks another retries, and the provider refuses once more."""
    from worker.actions.course import outage

    rows = outage._rows

    def and_another(*told):
        found = rows(*told)
        retry(message_ids=[refused.pk], by="anna", now=DUE)
        post.round_of_post(DUE, post.Provider([Refused("99999")]))
        return found

    monkeypatch.setattr(outage, "_rows", and_another)
    (judged,) = replay(since=NOW, until=DUE + timedelta(minutes=30), by="ben", now=DUE, really=True).messages
    assert (judged.fate, judged.why) == (Fate.REFUSED, "was already planned again as number 2 by anna")
    assert _numbers(refused) == [(0, "refused", "code:99999"), (1, "refused", "code:99999")]


def test_what_was_given_up_is_not_retried_from_an_old_list(refused):
    """P5: "send none of these again" was on record, and the text went."""
    assert give_up(message_ids=[refused.pk], by="anna", now=DUE) == {refused.pk: ""}
    told = retry(message_ids=[refused.pk], by="ben", now=DUE)[refused.pk]
    assert told == "id: was given up; the desk may still send it again from her page"
    assert "was given up" in give_up(message_ids=[refused.pk], by="ben", now=DUE)[refused.pk]
    assert Event.objects.filter(kind="given_up").count() == 1
    assert _went_again() == []


def test_a_replay_does_not_send_what_was_given_up_meanwhile(refused, monkeypatch):
    """P5: given up after the replay had read its rows."""
    from worker.actions.course import outage

    rows = outage._rows

    def and_given_up(*told):
        found = rows(*told)
        give_up(message_ids=[refused.pk], by="anna", now=DUE)
        return found

    monkeypatch.setattr(outage, "_rows", and_given_up)
    (judged,) = replay(since=NOW, until=DUE + timedelta(minutes=30), by="ben", now=DUE, really=True).messages
    assert (judged.fate, judged.why) == (Fate.REFUSED, "was given up")


def test_the_desk_may_still_send_again_what_she_has(refused):
    """A person who speaks with her sends what arrived, or was given up, once more: that number, and no older one."""
    give_up(message_ids=[refused.pk], by="anna", now=DUE)
    second = resend(message_id=refused.pk, by="staff:1", now=DUE)
    assert post.round_of_post(DUE) == ["same-day"]
    with pytest.raises(Refusals, match="was sent again since"):
        resend(message_id=refused.pk, by="staff:1", now=DUE)
    assert resend(message_id=second.pk, by="staff:1", now=DUE).resend == 2
    assert _went_again() == ["same-day"]


def test_a_retry_of_one_whose_other_number_arrived_is_refused(unresolved):
    """P4: both numbers were in doubt; the first turns out to have arrived, so the second is not repeated."""
    retry(message_ids=[unresolved.pk], by="anna", now=DUE)
    later = DUE + timedelta(hours=4)
    assert post.round_of_post(later, post.Provider([Unknown("no answer")])) == ["same-day"]
    second = Message.objects.get(occasion__endswith=":r1")
    leave_unresolved(second.tries.get().pk, "its_worker_may_live", later)
    _went(unresolved, "delivered", later)
    told = retry(message_ids=[second.pk], by="anna", now=later)[second.pk]
    assert told == "id: went as number 1 after all; the desk may still send it again from her page"


def _went(message, status, now):
    attempt = message.tries.get()
    return went(attempt_id=attempt.pk, provider_id="SMlate", status=status, code="", how="found", now=now)


def test_two_retries_at_once_are_one(committed, house):
    """P4: two operators in the same moment, each on a connection of her own."""
    message = post.refused_first(post.alice_confirmed(), "99999", at=DUE)
    told = _both(*[lambda by=by: retry(message_ids=[message.pk], by=by, now=DUE)[message.pk] for by in ("a", "b")])
    assert sorted(isinstance(each, Overtaken) for each in told) == [False, True]
    assert [number for number, _, _ in _numbers(message)] == [0, 1]


def test_a_retry_and_a_give_up_at_once_are_one_of_them(committed, house):
    """P5: one is told yes, and what she was told is what happens."""
    message = post.refused_first(post.alice_confirmed(), "99999", at=DUE)
    ways = [
        lambda: retry(message_ids=[message.pk], by="a", now=DUE),
        lambda: give_up(message_ids=[message.pk], by="b", now=DUE),
    ]
    retried, given_up = (each[message.pk] for each in _both(*ways))
    assert (retried == "") is not (given_up == "")
    assert (len(_numbers(message)) == 2) is (retried == "")


def _moved(message):
    """Her number changes, and what goes again goes to the new one, under another lock."""
    change(message.client, phone=NEW, consents=agreed(), now=DUE)
    post.round_of_post(DUE)
    return message


def _first_unresolved(*, moved):
    alice = post.alice_confirmed()
    post.round_of_post(DUE, post.Provider([Unknown("no answer")]))
    message = builders.message(alice, "same-day")
    leave_unresolved(message.tries.get().pk, "its_worker_may_live", DUE)
    return _moved(message) if moved else message


def _while_it_holds(held, other):
    """Do one thing, and another that waits for its locks, in the order that the database itself reports."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            held()
            waiting = pool.submit(_alone(other))
            _until_somebody_waits()
        return waiting.result(PATIENCE)


@pytest.mark.parametrize("moved", [False, True], ids=["same address", "another address"])
def test_a_late_receipt_that_waits_for_who_sends_it_again_cancels_that(committed, house, moved):
    """P4: the receipt is being written while the desk's "send again" commits: it sees the new number."""
    _only_postgres()
    message = _first_unresolved(moved=moved)
    _while_it_holds(
        lambda: resend(message_id=message.pk, by="staff:1", now=DUE), lambda: _went(message, "delivered", DUE)
    )
    assert [state for _, state, _ in _numbers(message)] == ["delivered", "cancelled"]
    assert _went_again() == []


@pytest.mark.parametrize("moved", [False, True], ids=["same address", "another address"])
def test_a_retry_that_waits_for_a_late_receipt_is_refused(committed, house, moved):
    """P4: the other way round: what she pressed on is settled when she has the lock."""
    _only_postgres()
    message = _first_unresolved(moved=moved)
    told = _while_it_holds(
        lambda: _went(message, "delivered", DUE), lambda: retry(message_ids=[message.pk], by="a", now=DUE)
    )
    assert told[message.pk] == "id: is delivered, nothing to settle; leave it"
    assert _numbers(message) == [(0, "delivered", "")]


@pytest.mark.parametrize("moved", [False, True], ids=["same address", "another address"])
def test_a_worker_that_decides_while_a_late_receipt_is_written_sends_nothing(committed, house, moved):
    """P4: at another address no lock of hers is held, so it waits at the message, and decides its batch again."""
    _only_postgres()
    message = _first_unresolved(moved=moved)
    retry(message_ids=[message.pk], by="a", now=DUE)
    at = HOURS[0 if moved else 4]
    batch = prepare(post.claimed(at), now=at)
    assert [each.row["resend"] for each in batch] == [1]
    ends = pytest.raises(IntegrityError, match="ended meanwhile") if moved else nullcontext()
    with ends:
        assert _while_it_holds(lambda: _went(message, "delivered", at), lambda: post.decided(batch, at)) == []
    assert _numbers(message)[1] == (1, "cancelled", "went_in_time")
    assert post.decided(batch, at) == _went_again() == []


def test_of_a_list_what_nobody_took_is_retried(refused):
    """P4, P5: what another took stops no other; it leaves her list by itself."""
    other = builders.alice(external_id="A-2", phone="+12125550188", consents=builders.SERVICE[:2]).client
    post.confirmed(DUE)
    at = DUE + timedelta(minutes=1)
    Message.objects.filter(client=other, step__code="same-day", channel="sms").update(due_at=at)
    theirs = post.refused_first(other, "99999", at=at)
    ids = [row["id"] for row in failed(now=at).rows]
    assert sorted(ids) == sorted([refused.pk, theirs.pk])
    retry(message_ids=[refused.pk], by="anna", now=at)
    told = retry(message_ids=ids, by="ben", now=at)
    assert (isinstance(told[refused.pk], Overtaken), told[theirs.pk]) == (True, "")
    assert failed(now=at).rows == []
