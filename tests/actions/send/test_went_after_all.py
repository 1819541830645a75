"""An earlier number turns out to have left: what would go once more doesn't, what did is an alarm (P4, rule 79)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.clients.test_contact import NEW, agreed, change
from tests.builders import NOW
from worker.actions.course.resend import resend
from worker.actions.course.unsettled import retry
from worker.actions.receive.receipt import receipt
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.actions.send.went import went
from worker.channels.base import Accepted, NotStarted, Refused, Unknown
from worker.models import Event, Message, Ready, StaffTask
from worker.reading.chain import faults
from worker.reading.explain import explained

DUE = NOW + timedelta(hours=1)
FOUR = DUE + timedelta(hours=4)
HOURS = [DUE + timedelta(hours=hour) for hour in range(12)]


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed."""
    return post.alice_confirmed()


@pytest.fixture
def first(alice):
    """Her first text, of which nobody knows whether it left."""
    return post.unresolved_first(alice, at=DUE)


@pytest.fixture
def second(first):
    """The same, sent again by an operator; the cap lets it wait for four hours."""
    made = _again(first)
    assert post.round_of_post(DUE) == []
    return made


def _again(message):
    assert retry(message_ids=[message.pk], by="ops", now=DUE) == {message.pk: ""}
    return Message.objects.get(occasion=message.occasion.replace(":r0", ":r1"))


def _state(message):
    return Message.objects.values_list("state", "reason").get(pk=message.pk)


def _told(message, status, code="", at=DUE):
    attempt = message.tries.get()
    assert receipt(attempt_id=attempt.pk, provider_id="SMlate", status=status, code=code, raw={}, now=at)


def _listed(message, status, at=DUE):
    attempt = message.tries.get()
    assert went(attempt_id=attempt.pk, provider_id="SMlate", status=status, code="", how="found", now=at)


def _rest():
    return [step for at in HOURS for step in post.round_of_post(at) if step == "same-day"]


@pytest.mark.parametrize("status", ["queued", "sent", "delivered"])
@pytest.mark.parametrize("how", [_told, _listed], ids=["receipt", "list"])
def test_what_would_go_again_is_cancelled(first, second, how, status):
    """P4, P8: it waited for its cap, and left four hours after the receipt that showed the first on her phone."""
    how(first, status)
    assert _state(first)[0] == ("delivered" if status == "delivered" else "accepted")
    assert _state(second) == ("cancelled", "went_in_time")
    assert not Ready.objects.filter(message=second).exists()
    assert _rest() == []
    assert not StaffTask.objects.filter(kind="rang_twice").exists()
    told = explained(second.pk)["decisions"][-1]
    assert told["plain"] == "what it would say, or the step that it stands in for, went by itself"
    assert faults() == []


def test_a_held_one_is_cancelled_as_well(first, second):
    """P4: on hold until somebody has looked, it would go when she is released."""
    Message.objects.filter(pk=second.pk).update(state="held", reason="on_hold")
    _told(first, "delivered")
    assert _state(second) == ("cancelled", "went_in_time")


def test_one_that_came_back_is_still_sent_again(first, second):
    """P5: she has it on no number; only when it arrived after all is the other one too many (rule 98)."""
    _told(first, "undelivered", "30003")
    assert _state(second)[0] == "planned"
    _told(first, "delivered")
    assert _state(second) == ("cancelled", "went_in_time")


def test_what_arrived_after_it_had_come_back_is_not_sent_again(alice):
    """P4, rule 98: retried as undelivered, then the carrier says that it arrived."""
    post.round_of_post(DUE)
    message = builders.message(alice, "same-day")
    _told(message, "undelivered", "30003")
    second = _again(message)
    _told(message, "delivered")
    assert _state(second) == ("cancelled", "went_in_time")


def test_a_call_that_was_refused_and_left_all_the_same(alice):
    """P4: its message stays refused, for that is final; its attempt is known to have left, and that counts."""
    post.round_of_post(DUE, post.Provider([Refused("99999")]))
    message = builders.message(alice, "same-day")
    second = _again(message)
    _told(message, "delivered")
    assert _state(second) == ("cancelled", "went_in_time")
    assert _rest() == []


def test_it_is_cancelled_and_then_comes_back_so_a_person_is_told(first, second):
    """P5: sent, says the provider, and an hour later that it could not: nothing else would bring it."""
    _told(first, "sent")
    _told(first, "undelivered", "30003")
    assert _state(second)[0] == "cancelled"
    task = StaffTask.objects.get(kind="not_sent")
    assert (task.client_id, task.facts["message"]) == (first.client_id, first.pk)


@pytest.mark.parametrize("outcome", [Accepted("SM-again", 1), Unknown("no answer")], ids=["accepted", "unknown"])
def test_what_went_again_already_is_an_alarm(first, second, outcome):
    """P4: it can't be taken back; somebody hears of it."""
    assert post.round_of_post(FOUR, post.Provider([outcome])) == ["same-day"]
    _told(first, "delivered", at=FOUR)
    assert StaffTask.objects.get(kind="rang_twice").facts == {"message": first.pk}
    assert _state(second)[0] == ("accepted" if isinstance(outcome, Accepted) else "unknown")


def test_a_call_under_way_that_never_began_is_not_made_again(first, second):
    """P4: on its way when the receipt came, then provably not sent: it is planned again, and no gate lets it go."""
    (each,) = post.decided(prepare(post.claimed(FOUR), now=FOUR), FOUR)
    assert each.pk == second.pk
    _told(first, "delivered", at=FOUR)
    assert StaffTask.objects.filter(kind="rang_twice").count() == 1
    record([Said(each, NotStarted("late"))], now=FOUR)
    assert _state(second)[0] == "planned"
    assert post.round_of_post(FOUR + timedelta(minutes=5)) == []
    assert _state(second) == ("cancelled", "went_in_time")
    assert _rest() == []


def test_what_the_desk_sends_again_though_it_arrived_is_hers_to_send(alice):
    """The receipts of the first say nothing new: it was known to have left when she pressed."""
    post.round_of_post(DUE)
    message = builders.message(alice, "same-day")
    second = resend(message_id=message.pk, by="staff:1", now=DUE)
    _told(message, "sent")
    _told(message, "delivered")
    assert _state(second)[0] == "planned"
    assert _rest() == ["same-day"]
    assert not StaffTask.objects.exists()
    assert not Event.objects.filter(code="went_in_time").exists()


def test_another_address_of_hers_is_no_hiding_place(first):
    """P4: the second goes to her new number, under another lock than the first's."""
    change(first.client, phone=NEW, consents=agreed(), now=DUE)
    post.round_of_post(DUE)
    second = _again(first)
    assert second.standing_id != first.standing_id
    _told(first, "delivered")
    assert _state(second) == ("cancelled", "went_in_time")
