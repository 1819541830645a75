"""What a decision reads from the database, and what it writes: each reason once, by real rows (P1-P3, P6-P8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from tests import builders
from tests.actions import post
from tests.builders import NOW, PROTOCOL
from worker.actions.consent.hold import hold_standing, pause, resume
from worker.actions.course import appointment
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.actions.send import prepare
from worker.actions.send.due import close_missed
from worker.channels.base import TryLater
from worker.models import Appointment, Attempt, Event, Grant, Message, ProtocolVersion, Ready, Sender, Standing
from worker.models.appointment import AppointmentStatus
from worker.models.hold import PauseScope
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)  # same-day is due
SMS = builders.SERVICE[:2]


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    return client


def _same_day(client):
    return builders.message(client, "same-day")


def _stands(client, state, reason):
    message = _same_day(client)
    assert (message.state, message.reason) == (state, reason)
    assert not Attempt.objects.filter(message=message).exists()
    assert Event.objects.filter(subject=f"message:{message.pk}", kind="decision", code=reason).count() == 1
    assert not Ready.objects.filter(message=message).exists()


def test_with_everything_in_order_it_goes_once(alice):
    """P4: one call, one attempt, and the same round again calls nobody."""
    provider = post.Provider()
    assert post.round_of_post(DUE, provider) == ["same-day"]
    assert post.round_of_post(DUE, provider) == []
    message = _same_day(alice)
    assert (message.state, message.sent_at, message.attempts) == ("accepted", DUE, 1)
    attempt = Attempt.objects.get(message=message)
    assert (attempt.state, attempt.provider_id) == ("accepted", message.provider_id)
    (out,) = provider.taken
    assert out.to == builders.ALICES_PHONE
    assert "Lakeside Skin Clinic" in out.body
    assert "STOP" in out.body
    assert out.status_callback.endswith(f"d={attempt.pk.hex}")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("revoked", "revoked"),
        ("expired", "consent_expired"),
        ("needs_reconfirmation", "needs_reconfirmation"),
    ],
)
def test_without_an_active_consent_it_is_withheld(alice, state, reason):
    """P1, rule 1: read at the moment of sending."""
    Grant.objects.filter(client=alice, purpose="aftercare").update(state=state)
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", reason)


def test_without_any_consent_on_record_it_is_withheld(alice):
    """P1, rule 1: default deny."""
    Grant.objects.filter(client=alice, purpose="aftercare").delete()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "no_consent")


def test_the_consent_to_another_purpose_or_of_another_client_is_none(house):
    """Rule 1: grants of the family member and for reminders do not open aftercare."""
    alice = builders.alice(consents=SMS).client
    ann = builders.alice(external_id="A-1002", email="ann@example.com", consents=SMS).client
    post.confirmed(NOW)
    Grant.objects.filter(client=alice, purpose="aftercare").update(state="revoked")
    assert post.round_of_post(DUE) == ["same-day"]
    assert (_same_day(alice).state, _same_day(ann).state) == ("withheld", "accepted")


def test_a_suppressed_address_gets_nothing(alice):
    """P2: the suppression alone is enough, whatever the grant says."""
    Standing.objects.filter(pk=builders.standing_of(alice).pk).update(suppressed_at=NOW, suppressed_why="legal")
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "suppressed")


def test_an_address_in_doubt_is_held(alice):
    """Rule 17: held, not lost."""
    hold_standing(builders.standing_of(alice), why="unclear_reply", source="tests", now=NOW)
    assert post.round_of_post(DUE) == []
    _stands(alice, "held", "on_hold")


def test_a_withdrawn_approval_withholds(alice):
    """P3: read at the moment of sending, not at planning."""
    withdraw(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=builders.OKAFOR, now=NOW)
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "approval_withdrawn")


def test_an_approval_past_its_review_withholds(alice, unguarded):
    """P3."""
    alice.treatments.get().version.approvals.update(review_by=DUE)
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "approval_expired")


def test_a_version_nobody_approved_withholds(alice, unguarded):
    """P3."""
    alice.treatments.get().version.approvals.all().delete()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "not_approved")


def test_a_text_changed_behind_our_back_is_withheld(alice, unguarded):
    """P3: the bytes that would be sent are hashed, not the column that claims their hash."""
    version = alice.treatments.get().version
    forged = version.document.replace("Urgent? Call", "Buy now! Call")
    assert forged != version.document
    ProtocolVersion.objects.filter(pk=version.pk).update(document=forged)
    prepare._documents.clear()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "text_differs_from_approved")


def test_a_forged_hash_beside_a_forged_text_is_withheld(alice, unguarded):
    """P3: the approval keeps its own copy of the hash."""
    version = alice.treatments.get().version
    forged = version.document.replace("Urgent? Call", "Buy now! Call")
    ProtocolVersion.objects.filter(pk=version.pk).update(document=forged, sha256="0" * 64)
    prepare._documents.clear()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "text_differs_from_approved")


@pytest.mark.parametrize("document", ["", "{", "[]", "{}", '{"code": 7}'], ids=repr)
def test_a_document_that_cannot_be_read_stops_nobody_else(alice, house, unguarded, document):
    """P5, P11: one broken row is withheld; the rest of the batch goes."""
    bob = builders.bob(consents=SMS).client
    post.confirmed(NOW)
    ProtocolVersion.objects.filter(pk=alice.treatments.get().version_id).update(document=document)
    prepare._documents.clear()
    assert post.round_of_post(DUE) == ["same-day"]
    assert _same_day(bob).state == "accepted"
    assert _same_day(alice).state == "withheld"


def test_an_unreadable_address_is_withheld(alice):
    """P5: an address sealed under a lost key ends in a decision, not in a crash."""
    contact = alice.contacts.get(channel="sms")
    contact.address_sealed = bytes(contact.address_sealed)[:-1] + b"\0"
    contact.save()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "no_address")


@pytest.mark.parametrize("cut", [0, 3, 4, 10, 15, 16, 20])
def test_a_truncated_address_is_withheld(alice, cut):
    """P5: however short what is left of it."""
    contact = alice.contacts.get(channel="sms")
    contact.address_sealed = bytes(contact.address_sealed)[:cut]
    contact.save()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "no_address")


def test_a_step_the_version_does_not_have_is_withheld(alice, monkeypatch):
    """P5: what can't be rendered is withheld with that reason."""
    Message.objects.filter(pk=_same_day(alice).pk).update(channel="sms")
    Message.objects.filter(pk=_same_day(alice).pk).update(care=None)  # the text names the care page
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "cannot_render")


def test_without_a_sender_it_is_held(alice, house):
    """P5: the clinic's setting is missing; the message waits."""
    Sender.objects.filter(clinic=house.lakeside, channel="sms").update(is_active=False)
    house.lakeside.revision += 1
    house.lakeside.save()
    assert post.round_of_post(DUE) == []
    _stands(alice, "held", "no_sender")


SCOPES = {
    "all": lambda house, alice: (PauseScope.ALL, ""),
    "clinic": lambda house, alice: (PauseScope.CLINIC, str(house.lakeside.pk)),
    "channel": lambda house, alice: (PauseScope.CHANNEL, "sms"),
    "protocol": lambda house, alice: (PauseScope.PROTOCOL, str(alice.treatments.get().version.protocol_id)),
    "sender": lambda house, alice: (
        PauseScope.SENDER,
        str(Sender.objects.get(clinic=house.lakeside, channel="sms").pk),
    ),
}


@pytest.mark.parametrize("name", SCOPES)
def test_a_pause_holds_and_resuming_plans_again(alice, house, name):
    """Rule 144, P5: nothing of the scope goes; afterwards it goes through every gate anew."""
    scope, value = SCOPES[name](house, alice)
    pause(scope=scope, value=value, why="tests", by="staff:1", now=NOW)
    assert post.round_of_post(DUE) == []
    _stands(alice, "held", "paused")
    assert post.round_of_post(DUE + timedelta(minutes=1)) == []
    assert resume(scope=scope, value=value, by="staff:1", now=DUE) == 1
    assert post.round_of_post(DUE + timedelta(minutes=2)) == ["same-day"]


def test_a_pause_of_the_other_clinic_is_not_ours(alice, house):
    """Rule 144: a scope stops what it names and nothing else."""
    pause(scope=PauseScope.CLINIC, value=str(house.hillside.pk), why="tests", by="staff:1", now=NOW)
    pause(scope=PauseScope.CHANNEL, value="email", why="tests", by="staff:1", now=NOW)
    assert post.round_of_post(DUE) == ["same-day"]


def test_pausing_twice_and_resuming_what_runs_are_refused(house):
    """P12."""
    pause(scope=PauseScope.ALL, value="", why="tests", by="staff:1", now=NOW)
    with pytest.raises(Refusals):
        pause(scope=PauseScope.ALL, value="", why="tests", by="staff:1", now=NOW)
    resume(scope=PauseScope.ALL, value="", by="staff:1", now=NOW)
    with pytest.raises(Refusals):
        resume(scope=PauseScope.ALL, value="", by="staff:1", now=NOW)


def test_a_stop_while_paused_is_never_undone_by_resuming(alice, house):
    """P2: a held message is ended by STOP like any other."""
    pause(scope=PauseScope.ALL, value="", why="tests", by="staff:1", now=NOW)
    post.round_of_post(DUE)
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=DUE)
    assert resume(scope=PauseScope.ALL, value="", by="staff:1", now=DUE) == 0
    assert (_same_day(alice).state, _same_day(alice).reason) == ("cancelled", "revoked")


def test_past_its_time_it_is_missed(alice):
    """P5, P7, rule 50: late advice is not sent, also when the worker comes too late by a second."""
    late = _same_day(alice).expires_at
    assert "same-day" not in post.round_of_post(late)
    _stands(alice, "missed", "too_late")


def test_what_no_worker_looks_at_is_missed_too(alice):
    """P5: the round that tends the queue closes what is too late, held or planned."""
    hold_standing(builders.standing_of(alice), why="unclear_reply", source="tests", now=NOW)
    post.round_of_post(DUE)
    late = _same_day(alice).expires_at
    close_missed(now=late - timedelta(seconds=1), machine=late)
    assert _same_day(alice).state == "held"
    close_missed(now=late, machine=late)
    assert (_same_day(alice).state, _same_day(alice).reason) == ("missed", "on_hold")
    assert Event.objects.filter(subject=f"message:{_same_day(alice).pk}", facts__state="missed").count() == 1


def test_at_night_it_waits_for_the_morning(house):
    """P6, rule 48: a text that comes due outside the hours is put off to the next opening, and said so."""
    treated = NOW + timedelta(hours=6)
    alice = builders.alice(consents=SMS, treated=treated, now=treated).client
    post.round_of_post(treated)
    day_1 = builders.message(alice, "day-1")
    night = datetime(2027, 1, 13, 22, 0, tzinfo=ZoneInfo("America/New_York"))
    assert "day-1" not in post.round_of_post(night)
    day_1.refresh_from_db()
    assert (day_1.state, day_1.reason) == ("planned", "quiet_hours")
    assert day_1.due_at == datetime(2027, 1, 14, 9, 0, tzinfo=ZoneInfo("America/New_York"))
    assert "day-1" in post.round_of_post(day_1.due_at)


def test_a_client_elsewhere_is_written_to_by_her_own_clock(house):
    """P6, rule 47: nine in the morning in New York is six in Los Angeles."""
    alice = builders.alice(consents=SMS, zone="America/Los_Angeles").client
    post.round_of_post(NOW)
    Message.objects.filter(step__code="same-day").update(state="missed")
    early = datetime(2027, 1, 13, 9, 30, tzinfo=ZoneInfo("America/New_York"))
    Message.objects.filter(step__code="day-1").update(due_at=early)
    assert post.round_of_post(early) == []
    day_1 = builders.message(alice, "day-1")
    assert day_1.due_at == datetime(2027, 1, 13, 9, 0, tzinfo=ZoneInfo("America/Los_Angeles"))


def test_the_course_waits_for_the_opt_in_confirmation(house):
    """Rule 6: nothing before the confirmation was accepted by the provider; one record of waiting, not one a minute."""
    alice = builders.alice(consents=SMS).client
    busy = post.Provider([TryLater("20429", None)] * 3)
    assert post.round_of_post(NOW, busy) == ["optin-confirmation"]
    outage = timedelta(minutes=45)
    Message.objects.filter(step__code="optin-confirmation").update(due_at=DUE + outage)
    Ready.objects.filter(message__step__code="optin-confirmation").update(due_at=DUE + outage)
    for minute in range(45):
        assert post.round_of_post(DUE + timedelta(minutes=minute)) == []
    same_day = _same_day(alice)
    assert (same_day.state, same_day.reason) == ("planned", "awaiting_optin_confirmation")
    asked = Event.objects.filter(subject=f"message:{same_day.pk}", code="awaiting_optin_confirmation")
    assert asked.count() == 1
    assert post.round_of_post(DUE + outage) == ["optin-confirmation"]
    assert post.round_of_post(DUE + outage + timedelta(minutes=1)) == ["same-day"]


def test_the_cap_counts_inside_one_batch(alice):
    """P6, rules 50, 51: of two messages due at once the newer goes, the other waits four hours."""
    day_1 = builders.message(alice, "day-1")
    Message.objects.filter(pk=day_1.pk).update(due_at=DUE)
    assert post.round_of_post(DUE) == ["day-1"]
    waiting = Message.objects.get(client=alice, reason="frequency_cap")
    assert (waiting.state, waiting.due_at) == ("planned", DUE + timedelta(hours=4))
    assert Attempt.objects.filter(cls="course").count() == 1


def test_the_cap_counts_for_the_phone_not_for_the_client(house):
    """Rule 51: a family phone rings no more often than any other."""
    for number in (1, 2):
        builders.alice(external_id=f"A-{number}", email=f"a{number}@example.com", consents=SMS)
    post.confirmed(NOW)
    assert post.round_of_post(DUE) == ["same-day"]
    assert Message.objects.filter(reason="frequency_cap").count() == 1


@pytest.mark.parametrize("change", ["moved", "cancelled", "treatment"])
def test_what_speaks_of_an_old_time_is_cancelled_at_the_gate(house, change):
    """P7: even a reminder that somehow stayed planned does not leave with the old time."""
    visit_at = NOW + timedelta(days=1, hours=9)
    alice = builders.alice(consents=SMS, visit=visit_at).client
    post.confirmed(NOW)
    visit = Appointment.objects.get(client=alice)
    stale = builders.message(alice, "next-session-day") if change != "treatment" else _same_day(alice)
    Message.objects.filter(client=alice, cls="course").exclude(pk=stale.pk).update(state="missed")
    if change == "moved":
        appointment.move(appointment_id=visit.pk, starts_at=visit_at + timedelta(days=3), by="staff:1", now=NOW)
    elif change == "cancelled":
        appointment.end(appointment_id=visit.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    else:
        alice.treatments.update(generation=2)
    Message.objects.filter(client=alice, state="planned").update(state="missed")
    Message.objects.filter(pk=stale.pk).update(state="planned", reason="", due_at=DUE)
    assert post.round_of_post(DUE) == []
    stale.refresh_from_db()
    assert (stale.state, stale.reason) == ("cancelled", "superseded")


def test_a_text_of_four_segments_is_withheld(house, monkeypatch):
    """Rule 105: never cut mid-advice."""
    house.lakeside.name = "\U0001f338" * 15  # every character two units of UCS-2
    house.lakeside.phone = "\u260e" * 20
    house.lakeside.save()
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://" + "care." * 20 + "example")
    alice = builders.alice(consents=SMS).client
    Grant.objects.update(confirmed_at=NOW)
    Message.objects.filter(step__code="optin-confirmation").update(state="missed")
    Ready.objects.filter(message__step__code="optin-confirmation").delete()
    assert post.round_of_post(DUE) == []
    _stands(alice, "withheld", "too_long")


def test_a_ready_row_without_its_planned_message_is_swept_away(alice):
    """P5: a row that a race left behind is not claimed for ever, nor counted as late for ever."""
    message = _same_day(alice)
    Message.objects.filter(pk=message.pk).update(state="cancelled")
    assert Ready.objects.filter(message=message).exists()
    assert post.round_of_post(DUE) == []
    assert not Ready.objects.filter(message=message).exists()
