"""START takes back this person's own keyword on this number, and nothing else (rule 30)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, standing_of, text_from
from worker import sealed
from worker.actions.clients.contact import change_contact
from worker.actions.consent import preferences
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.actions.course import appointment
from worker.actions.privacy.erase import erase
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.intake.contact import ContactFile
from worker.models import ConsentEvent, Evidence, Grant, Message, StaffTask, Standing, Suppression
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults
from worker.rules.names import Channel, Purpose

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STOPPED, BACK = NOW + HOUR, NOW + 2 * DAY


@pytest.fixture
def alice(house):
    """Alice, whose opt-in confirmations have gone."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


def said(house, body, *, at=STOPPED, phone=ALICES_PHONE, **how):
    return text_from(house.lakeside, phone, body, now=at, **how)


def states(client, channel="sms"):
    return dict(Grant.objects.filter(client=client, standing__channel=channel).values_list("purpose", "state"))


def planned(client, channel="sms"):
    return {each.step.code for each in builders.messages_of(client, channel=channel, state="planned", cls="course")}


@pytest.mark.parametrize("body", ["START", "unstop", "start please", "UNSTOP."])
def test_start_brings_back_what_the_keyword_ended(alice, house, body):
    """Rule 30: RESTORED quotes the text; the number may be written to; what lies ahead is planned, once."""
    before = planned(alice)
    said(house, "STOP")
    said(house, body, at=BACK)
    row = standing_of(alice)
    assert (row.suppressed_at, row.suppressed_why) == (None, None)
    assert states(alice) == {"aftercare": "active", "reminders": "active"}
    event = ConsentEvent.objects.filter(client_id=alice.pk, act="restored").first()
    assert json.loads(sealed.unseal(Evidence.objects.get(event=event).sealed, "consent.evidence")) == {"body": body}
    assert planned(alice) == before - {"same-day", "day-1"}
    assert faults() == []


def test_what_is_past_is_not_made_up_for(alice, house):
    """Rule 50: only what was still to come is planned again; the rest stays cancelled with its reason."""
    said(house, "STOP")
    said(house, "START", at=BACK)
    for code in ("same-day", "day-1"):
        each = builders.message(alice, code)
        assert (each.state, each.reason, each.resend) == ("cancelled", "revoked", 0)
    assert builders.message(alice, "day-3").resend == 1
    ahead = builders.messages_of(alice, state="planned", cls="course", channel="sms")
    assert all(each.due_at > BACK for each in ahead)


def test_one_word_says_that_it_counts_again(alice, house):
    """Rule 30: one start confirmation; none where the provider has answered already (rule 23)."""
    said(house, "STOP")
    said(house, "START", at=BACK)
    assert post.round_of_post(BACK) == ["start-confirmation"]
    said(house, "STOP", at=BACK + 2 * DAY)
    said(house, "START", at=BACK + 3 * DAY, opt_out_type="START", provider_answers=True)
    assert Message.objects.filter(kind="start_confirmation").count() == 1
    assert states(alice)["aftercare"] == "active"


def test_the_optin_confirmation_goes_first_where_it_never_went(house):
    """Rule 6: stopped before anything was sent: after START the confirmation opens the course."""
    alice = builders.alice().client
    said(house, "STOP", at=NOW)
    said(house, "START", at=NOW + timedelta(minutes=10))
    assert not Message.objects.filter(kind="start_confirmation").exists()
    assert post.round_of_post(NOW + timedelta(minutes=10)) == ["optin-confirmation"]
    assert states(alice)["aftercare"] == "active"


@pytest.mark.parametrize("reason", [each for each in SuppressionReason if each is not SuppressionReason.KEYWORD])
def test_no_other_stop_is_undone(alice, house, reason):
    """Rule 30: link, desk, carrier, bounce, complaint, wrong number and law stand, before or after her own STOP."""
    said(house, "STOP")
    row = Standing.objects.get(pk=standing_of(alice).pk)
    other = Revocation(reason=reason, method="tests", by="staff", received_at=STOPPED)
    revoke_standing(row, said=other, now=STOPPED + HOUR)
    said(house, "START", at=BACK)
    assert standing_of(alice).suppressed_at is not None
    assert set(states(alice).values()) == {"revoked"}
    assert StaffTask.objects.filter(kind="start_reply", client=alice).exists()


def test_what_a_link_ended_before_stays_ended(alice, house):
    """Rule 30: reminders ended behind the link, then STOP, then START: only aftercare comes back."""
    contact = alice.contacts.get(channel="email")
    assert preferences.end_purpose(contact=contact, channel=Channel.SMS, purpose=Purpose.REMINDERS, now=NOW + HOUR)
    said(house, "STOP", at=NOW + 2 * HOUR)
    said(house, "STOP", at=NOW + 3 * HOUR)
    said(house, "START", at=BACK)
    assert states(alice) == {"aftercare": "active", "reminders": "revoked"}


def test_start_makes_no_consent_where_none_was(house):
    """Rule 30: a client who never agreed, and a stranger who said STOP: nothing to restore, and staff are told."""
    builders.alice(consents=[("email", "aftercare")])
    said(house, "STOP")
    said(house, "START", at=BACK)
    said(house, "STOP", phone="+12125550199")
    said(house, "START", phone="+12125550199", at=BACK)
    assert not Grant.objects.filter(standing__channel="sms").exists()
    assert not ConsentEvent.objects.filter(act="restored").exists()
    assert StaffTask.objects.filter(kind="start_reply").count() == 2
    assert not Suppression.objects.filter(lifted_at__isnull=True).exists()  # their own word is taken back all the same
    assert faults() == []


def test_start_after_a_number_change_is_for_staff(alice, house):
    """Rules 8, 30: whoever has the number now said nothing to us; its stop stays, and the new number is untouched."""
    said(house, "STOP")
    change_contact(
        client_id=alice.pk, file=ContactFile(changed_by=builders.SAM, phone="(212) 555-0155"), now=STOPPED + HOUR
    )
    said(house, "START", at=BACK)
    old = Standing.objects.get(contacts__valid_to__isnull=False)
    assert old.suppressed_why == "keyword"
    assert not Grant.objects.filter(state="active", standing__channel="sms").exists()
    assert StaffTask.objects.filter(kind="start_reply").exists()


def test_start_after_erasure_restores_nobody(alice, house):
    """Rules 30, 62: she is gone, and her stop stays."""
    said(house, "STOP")
    erase(client_id=alice.pk, by=builders.SAM, now=STOPPED + HOUR)
    said(house, "START", at=BACK)
    assert not Grant.objects.filter(state="active", standing__channel="sms").exists()
    assert Standing.objects.get(channel="sms").suppressed_why == "keyword"


def test_an_older_start_does_not_undo_a_newer_stop(alice, house):
    """Rule 33: a START that the provider's list brings late was said before the STOP that we know."""
    said(house, "STOP", at=BACK)
    late = Reply(
        clinic_id=house.lakeside.pk, provider_id=f"SM{'a' * 32}", address=ALICES_PHONE, body="START", opt_out_type="",
        provider_answers=False, received_at=BACK - HOUR,
    )  # fmt: skip
    inbound_sms(late, now=BACK + HOUR)
    assert standing_of(alice).suppressed_at == BACK
    assert set(states(alice).values()) == {"revoked"}


def test_the_desk_is_not_overridden(alice, house):
    """Rules 27, 30: what she said at the desk stands against a text from her phone."""
    from_desk(
        clinic_slug="lakeside", phone=ALICES_PHONE, email="", client_id=None, reason="at the desk", received_at=None,
        now=STOPPED,
    )  # fmt: skip
    said(house, "START", at=BACK)
    assert standing_of(alice).suppressed_why == "desk"


def test_one_stop_and_one_start_are_for_all_who_share_a_phone(alice, house):
    """Rule 134: STOP stops the number for both; START from it brings both back; Hillside hears of neither."""
    mia = builders.alice(external_id="A-2", name="Mia Moreau", email="mia@example.com").client
    bob = builders.bob(phone=ALICES_PHONE).client
    said(house, "STOP")
    assert {*states(alice).values(), *states(mia).values()} == {"revoked"}
    assert planned(alice) == planned(mia) == set()
    assert states(bob)["aftercare"] == "active"
    said(house, "START", at=BACK)
    assert states(alice)["aftercare"] == states(mia)["aftercare"] == "active"
    assert Message.objects.filter(kind="start_confirmation").count() == 1


def test_the_mailbox_that_stop_everything_ended_stays_ended(alice, house):
    """Rules 25, 30: START is about that number."""
    said(house, "stop everything")
    said(house, "START", at=BACK)
    assert states(alice)["aftercare"] == "active"
    assert states(alice, "email")["aftercare"] == "revoked"
    assert standing_of(alice, "email").suppressed_at is not None


def test_a_visit_that_moved_meanwhile_is_reminded_of_at_its_new_time(house):
    """P7: what is planned again is planned from today's visit, not copied from what was cancelled."""
    alice = builders.alice(visit=NOW + 20 * DAY).client
    post.confirmed(NOW)
    said(house, "STOP")
    appointment.move(appointment_id=alice.appointments.get().pk, starts_at=NOW + 30 * DAY, by="staff:1", now=BACK)
    said(house, "START", at=BACK + HOUR)
    reminder = builders.message(alice, "next-session-day")
    assert reminder.state == "planned"
    assert reminder.due_at.date() == (NOW + 29 * DAY).date()
    assert reminder.generation == 2
