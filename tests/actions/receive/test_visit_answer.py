"""The client answers her reminder by text: the last answer counts, and another time is a task (P7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker.actions.course import appointment
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.models import Appointment, ConsentEvent, Event, Grant, Hold, Message, StaffTask

VISIT = NOW + timedelta(days=36)
WEEK = VISIT - timedelta(days=7)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def visit(house):
    """Alice's visit, of which she was reminded a week before."""
    client = builders.alice(visit=VISIT).client
    post.confirmed(NOW)
    Message.objects.filter(client=client, step__code="next-session-week").update(due_at=WEEK)
    post.round_of_post(WEEK)
    assert builders.message(client, "next-session-week").state == "accepted"
    return Appointment.objects.get()


def says(house, body, at=WEEK + MINUTE, **more):
    """A text from Alice's phone; the visit after it."""
    builders.text_from(house.lakeside, ALICES_PHONE, body, now=at, **more)
    return Appointment.objects.get()


@pytest.mark.parametrize("body", ["CONFIRM", "Confirmo", "yes", "Sí", "see you then"])
def test_she_confirms(visit, house, body):
    """P7: the visit knows it, on record, and nothing of her consent changes; YES counts where no question is open."""
    before = ConsentEvent.objects.count(), list(Grant.objects.values_list("state", flat=True))
    assert says(house, body).answer == "confirmed"
    assert (ConsentEvent.objects.count(), list(Grant.objects.values_list("state", flat=True))) == before
    assert Event.objects.filter(kind="visit_answered", code="confirmed").count() == 1
    assert not StaffTask.objects.filter(kind="another_time").exists()


def test_another_time_is_a_task_and_the_visit_stays(visit, house):
    """P7: staff call her; nothing is moved by a text, and her address is not held for it."""
    after = says(house, "Can we reschedule?")
    task = StaffTask.objects.get(kind="another_time")
    assert (after.answer, after.status, after.starts_at) == ("another_time", "booked", VISIT)
    assert (task.client_id, task.facts["appointment"]) == (visit.client_id, visit.pk)
    assert task.due_at == VISIT - timedelta(days=1)
    assert not Hold.objects.exists()


def test_the_last_answer_wins(visit, house):
    """P7: a confirmation after all closes the task; a wish after a confirmation opens one."""
    says(house, "change")
    assert says(house, "confirm", at=WEEK + 2 * MINUTE).answer == "confirmed"
    assert StaffTask.objects.get(kind="another_time").done_by == "client"
    assert says(house, "otra hora", at=WEEK + 3 * MINUTE).answer == "another_time"
    assert StaffTask.objects.filter(kind="another_time", done_at=None).count() == 1


def test_an_answer_heard_of_late_beats_no_newer_one(visit, house):
    """P7: found in the provider's list an hour later, what she said first is what she said first."""
    says(house, "confirm", at=WEEK + 2 * MINUTE)
    late = Reply(
        clinic_id=house.lakeside.pk, provider_id="SM-late", address=ALICES_PHONE, body="change", opt_out_type="",
        provider_answers=False, received_at=WEEK + MINUTE,
    )  # fmt: skip
    inbound_sms(late, now=WEEK + 60 * MINUTE)
    assert Appointment.objects.get().answer == "confirmed"
    assert not StaffTask.objects.filter(kind="another_time").exists()


def test_an_answer_is_about_the_time_it_was_asked_for(visit, house):
    """P7: once the visit is moved she has confirmed nothing; before a reminder of the new time there is no question."""
    says(house, "confirm")
    appointment.move(appointment_id=visit.pk, starts_at=VISIT + timedelta(days=7), by="staff:1", now=WEEK + 2 * MINUTE)
    assert Appointment.objects.get().answer == ""
    assert says(house, "confirm", at=WEEK + 3 * MINUTE).answer == ""


def test_without_a_reminder_a_wish_still_reaches_staff(house):
    """P5: she asks for another time of nothing we know; a person looks. A "confirm" then means nothing."""
    builders.alice()
    post.confirmed(NOW)
    builders.text_from(house.lakeside, ALICES_PHONE, "confirm", now=NOW)
    assert not StaffTask.objects.exists()
    builders.text_from(house.lakeside, ALICES_PHONE, "another time please", now=NOW)
    assert StaffTask.objects.get().kind == "another_time"


def test_a_shared_phone_confirms_nobodys_visit(visit, house):
    """P7: two clients behind one phone were both reminded; staff ask who comes."""
    other = builders.alice(external_id="A-2", email="b@example.com", visit=None, now=WEEK - timedelta(days=2),
                           treated=WEEK - timedelta(days=3), consents=builders.SERVICE[:2]).client  # fmt: skip
    second, _ = appointment.book(client_id=other.pk, starts_at=VISIT, by="staff:1", now=WEEK - timedelta(days=1))
    Message.objects.filter(appointment=second, step__code="next-session-week").update(state="accepted")
    says_both = builders.text_from(house.lakeside, ALICES_PHONE, "confirm", now=WEEK + MINUTE)
    assert says_both.kind == "confirm"
    assert set(Appointment.objects.values_list("answer", flat=True)) == {""}
    assert StaffTask.objects.filter(kind="whose_visit").count() == 1


def test_yes_to_an_open_opt_in_question_is_consent_and_no_confirmation(house):
    """P1: where the clinic asked her to say YES, that is what it answers."""
    house.lakeside.double_opt_in = ["sms"]
    house.lakeside.save()
    builders.alice(visit=VISIT)
    post.round_of_post(NOW)
    builders.text_from(house.lakeside, ALICES_PHONE, "YES", now=NOW + MINUTE)
    assert Appointment.objects.get().answer == ""
    assert set(Grant.objects.filter(standing__channel="sms").values_list("state", flat=True)) == {"active"}
