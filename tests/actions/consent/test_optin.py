"""Double opt-in: one question, one yes by the person herself, and nothing else before it (rules 6, 7)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, text_from
from worker import sealed
from worker.actions.consent.optin import press_yes
from worker.actions.consent.optin_expiry import expire_unanswered
from worker.actions.send.due import close_missed
from worker.models import Approval, ConsentEvent, Evidence, Grant, Message, StaffTask
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def asking(house):
    """Lakeside asks its clients to confirm, on both channels."""
    house.lakeside.double_opt_in = ["sms", "email"]
    house.lakeside.save()
    return house


@pytest.fixture
def alice(asking):
    """Alice, enrolled at NOW and not asked yet."""
    return builders.alice().client


def states(client, channel="sms"):
    return set(Grant.objects.filter(client=client, standing__channel=channel).values_list("state", flat=True))


def asked(now=NOW):
    """Let the questions leave on both channels."""
    provider = post.Provider()
    said = [post.round_of_post(now, provider, channel=channel) for channel in ("sms", "email")]
    return said, provider.taken


def yes(house, body="YES", *, at=NOW + MINUTE, phone=ALICES_PHONE):
    return text_from(house.lakeside, phone, body, now=at)


def test_a_consent_is_given_and_then_waits(alice):
    """Rule 7: the ledger keeps the form's yes and the asking; the grant is pending, and the chain is whole."""
    acts = ConsentEvent.objects.filter(client_id=alice.pk, channel="sms", purpose="aftercare").order_by("pk")
    assert [each.act for each in acts] == ["given", "asked"]
    assert states(alice) == states(alice, "email") == {"pending"}
    assert faults() == []


def test_only_the_question_leaves(alice):
    """P1, rule 7: days pass, and the question is all that ever goes; what became too late is missed, with why."""
    said, taken = asked()
    assert said == [["optin-question"], ["optin-question"]]
    assert "reply YES" in taken[0].body
    assert f"{settings.PUBLIC_URL}/y/" in taken[1].text
    for hours in (1, 3, 20, 47):
        now = NOW + hours * HOUR
        close_missed(now=now, machine=now)
        assert [post.round_of_post(now, channel=channel) for channel in ("sms", "email")] == [[], []]
    late = builders.message(alice, "same-day")
    assert (late.state, late.reason) == ("missed", "consent_pending")


def test_yes_opens_it_and_the_confirmation_goes_first(alice, asking):
    """Rules 6, 7: CONFIRMED quotes the reply; then the opt-in confirmation, then the course at its own pace."""
    asked()
    yes(asking, "Yes!")
    assert (states(alice), states(alice, "email")) == ({"active"}, {"pending"})
    event = ConsentEvent.objects.filter(client_id=alice.pk, act="confirmed").first()
    evidence = json.loads(sealed.unseal(Evidence.objects.get(event=event).sealed, "consent.evidence"))
    assert evidence["body"] == "Yes!"
    assert evidence["question"] == builders.message(alice, "optin-question").pk
    assert post.round_of_post(NOW + 2 * MINUTE) == ["optin-confirmation"]
    assert post.round_of_post(NOW + 3 * HOUR) == ["same-day"]
    assert faults() == []


def test_a_late_yes_brings_no_burst(alice, asking):
    """Rule 50: forty hours of waiting, then a yes: one course message at most, and nothing that is past."""
    asked()
    for hours in range(1, 40):
        close_missed(now=NOW + hours * HOUR, machine=NOW + hours * HOUR)
        post.round_of_post(NOW + hours * HOUR)
    at = NOW + 40 * HOUR
    yes(asking, at=at)
    went = [post.round_of_post(at + minutes * MINUTE) for minutes in (1, 6, 12, 60, 120)]
    assert went[0] == ["optin-confirmation"]
    assert sum(map(len, went[1:])) <= 1


@pytest.mark.parametrize("body", ["yes", "y", "Sí", "YES."])
def test_every_plain_yes_counts_once(alice, asking, body):
    """Rule 7: a second yes changes nothing."""
    asked()
    yes(asking, body)
    yes(asking, body, at=NOW + 2 * MINUTE)
    assert ConsentEvent.objects.filter(act="confirmed").count() == 2  # aftercare and reminders, once each
    assert Message.objects.filter(kind="optin_confirmation", channel="sms").count() == 1


@pytest.mark.parametrize("body", ["yes?", "ok", "yes but call me", "maybe yes", "START"])
def test_no_other_word_opens_it(alice, asking, body):
    """Rule 7: consent needs a plain yes; START is about a stop that there was not (rule 30)."""
    asked()
    yes(asking, body)
    assert states(alice) == {"pending"}
    assert not ConsentEvent.objects.filter(act__in=("confirmed", "restored")).exists()


def test_a_yes_before_the_question_left_opens_nothing(alice, asking):
    """P1: nobody can have answered what was not asked yet; it answers something else."""
    yes(asking, at=NOW)
    asked(NOW + MINUTE)
    assert states(alice) == {"pending"}


def test_a_yes_without_any_question_opens_nothing(house):
    """P1, rule 7: in a clinic that does not ask, after a form that said no."""
    alice = builders.alice(consents=[("email", "aftercare")], refused=[("sms", "aftercare")]).client
    yes(house)
    assert states(alice) == set()
    assert not ConsentEvent.objects.filter(channel="sms").exists()


def test_two_who_share_a_phone_are_not_told_apart_by_a_yes(asking):
    """Rule 134: both wait; nothing opens, and staff ask whose yes it was."""
    alice = builders.alice().client
    mia = builders.alice(external_id="A-2", name="Mia Moreau", email="mia@example.com").client
    asked()
    yes(asking)
    assert states(alice) == states(mia) == {"pending"}
    task = StaffTask.objects.get(kind="whose_yes")
    assert sorted(task.facts["clients"]) == sorted([alice.pk, mia.pk])


def test_the_other_persons_question_is_not_answered_by_it(asking):
    """Rule 134: of two on one phone only one was asked: the yes is hers, and the other's consent still waits."""
    alice = builders.alice().client
    asked()
    mia = builders.alice(external_id="A-2", name="Mia Moreau", email="mia@example.com", now=NOW + MINUTE).client
    yes(asking, at=NOW + 2 * MINUTE)
    assert (states(alice), states(mia)) == ({"active"}, {"pending"})


def test_another_clinics_question_is_not_answered_by_it(asking):
    """Rule 14: a yes to Lakeside's number is nothing to Hillside."""
    asking.hillside.double_opt_in = ["sms"]
    asking.hillside.save()
    bob = builders.bob(phone=ALICES_PHONE).client
    asked()
    yes(asking)
    assert states(bob) == {"pending"}


def test_stop_ends_what_waits_and_yes_does_not_bring_it_back(alice, asking):
    """P2, rule 30: after STOP a yes is for staff; START brings back only what was active, so a person asks."""
    asked()
    yes(asking, "STOP", at=NOW + MINUTE)
    yes(asking, "YES", at=NOW + 2 * MINUTE)
    assert states(alice) == {"revoked"}
    assert StaffTask.objects.filter(kind="yes_reply").exists()
    yes(asking, "START", at=NOW + 12 * MINUTE)
    assert states(alice) == {"revoked"}
    assert StaffTask.objects.filter(kind="ask_consent").exists()
    assert faults() == []


def test_the_email_button_opens_only_the_mailbox(alice):
    """Rule 7: pressed once, it counts once; the phone still waits."""
    asked()
    contact = alice.contacts.get(channel="email")
    assert press_yes(contact=contact, now=NOW + MINUTE)
    assert not press_yes(contact=contact, now=NOW + 2 * MINUTE)
    assert (states(alice, "email"), states(alice)) == ({"active"}, {"pending"})
    assert post.round_of_post(NOW + 2 * MINUTE, channel="email") == ["optin-confirmation"]
    assert set(ConsentEvent.objects.filter(act="confirmed").values_list("method", "channel")) == {("link", "email")}


def test_silence_expires_it(alice, asking):
    """Rule 7: at 48 hours to the minute; cancelled with its reason, on record, staff told; a late yes is nothing."""
    asked()
    assert expire_unanswered(now=NOW + 48 * HOUR - MINUTE) == 0
    yes(asking, at=NOW + 48 * HOUR)
    assert states(alice) == {"pending"}
    assert expire_unanswered(now=NOW + 48 * HOUR) == 2
    assert expire_unanswered(now=NOW + 49 * HOUR) == 0
    assert states(alice) == states(alice, "email") == {"expired"}
    later = builders.message(alice, "day-7")
    assert (later.state, later.reason) == ("cancelled", "consent_expired")
    assert not Message.objects.filter(client=alice, state__in=("planned", "held")).exists()
    assert StaffTask.objects.filter(kind="optin_expired", client=alice).count() == 2
    assert not press_yes(contact=alice.contacts.get(channel="email"), now=NOW + 50 * HOUR)
    assert faults() == []


def test_the_clinic_says_how_long_it_waits(asking):
    """Rule 7: `optin_hours` counts for the expiry and for the question's own useful time."""
    asking.lakeside.optin_hours = 3
    asking.lakeside.save()
    alice = builders.alice().client
    assert builders.message(alice, "optin-question").expires_at == NOW + 3 * HOUR
    asked()
    assert expire_unanswered(now=NOW + 3 * HOUR) == 2


def test_without_an_approved_question_nobody_is_enrolled_there(asking):
    """P12, rule 7: refused with the mend, and nothing changed; a no to that channel needs no question."""
    Approval.objects.filter(version__protocol__clinic=asking.lakeside).update(withdrawn_at=NOW, withdrawn_by=1)
    before = builders.counts()
    with pytest.raises(Refusals, match="there is no approved opt-in question; approve a protocol with a step"):
        builders.alice(treated=None)
    assert builders.counts() == before
    assert builders.alice(treated=None, consents=[]).client.pk


def test_off_unless_the_clinic_wants_it(house):
    """Rule 7: without `double_opt_in` nobody is asked, and the form's yes is enough."""
    alice = builders.alice().client
    assert states(alice) == {"active"}
    assert not Message.objects.filter(kind="optin_question").exists()


def test_the_question_to_a_parent_greets_the_parent(asking):
    """Rule 15: the words are for whoever holds the address; the course still speaks of the client."""
    builders.alice(holder={"name": "Ines Duval", "relationship": "mother"}, consents=[("email", "aftercare")])
    _, taken = asked()
    assert "Hello Ines," in taken[0].text
    assert "Alice" not in taken[0].text
