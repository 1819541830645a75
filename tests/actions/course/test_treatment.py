"""Another session, a corrected one, one taken back, and a protocol that changes on the way (P7, anchors C6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from django.db.models import Q

from tests import builders
from tests.actions import post
from tests.actions.course.versions import approved, newest, next_version
from tests.builders import NOW, OKAFOR, PROTOCOL, SAM
from worker.actions.course import appointment, put_right, treatment
from worker.actions.course.adopt import adopt
from worker.actions.course.resend import resend
from worker.actions.protocols.approve import the_protocol
from worker.models import Appointment, Attempt, Message, StaffTask
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN
from worker.rules.taken_back import VoidReason

DAY = timedelta(days=1)


def another(alice, at, **more):
    """A second session of the same protocol."""
    done = treatment.Done(client_id=alice.pk, protocol=PROTOCOL, external_id="T-2", performed_at=at, **more)
    return treatment.add(done=done, by="staff:1", now=at)


def open_of(**which):
    """Step codes of the open texts."""
    found = Message.objects.filter(state__in=OPEN, channel="sms", cls="course", **which)
    return sorted(found.values_list("step__code", flat=True))


def test_a_new_session_ends_the_aftercare_of_the_one_before(house):
    """P7: "you may exfoliate again" of the first session would be harm a day after the second."""
    alice = builders.alice().client
    first = alice.treatments.get()
    made, result = another(alice, NOW + 12 * DAY)
    assert open_of(treatment=first) == []
    assert open_of(treatment=made) == sorted(each.step.code for each in result.messages if each.channel == "sms")
    assert "day-14" in open_of(treatment=made)
    assert Message.objects.filter(treatment=first, reason="newer_treatment").exists()


def test_a_session_that_is_entered_late_leaves_the_newest_ones_care_alone(house):
    """P7: what was done before the newest session is on record, and nothing is sent for it."""
    alice = builders.alice().client
    before = open_of()
    made, result = another(alice, NOW - 40 * DAY)
    assert result.messages == []
    assert (open_of(), open_of(treatment=made)) == (before, [])


def test_a_session_done_early_ends_the_reminders_of_its_visit(house):
    """P7: she came a week early; no reminder of the visit, and the aftercare counts from what was done."""
    alice = builders.alice(visit=NOW + 35 * DAY).client
    visit = Appointment.objects.get()
    made, _ = another(alice, NOW + 28 * DAY, appointment_id=visit.pk)
    visit.refresh_from_db()
    assert (visit.status, open_of(appointment=visit)) == ("completed", [])
    assert "same-day" in open_of(treatment=made)


def test_a_corrected_session_is_planned_anew_without_what_went(house):
    """P4, P7: the text of the first day went; after the correction all others count from the real day."""
    alice = builders.alice().client
    known = alice.treatments.get()
    for hours in (1, 6, 24):
        post.round_of_post(NOW + timedelta(hours=hours), post.Provider())
    went = set(Attempt.objects.filter(cls="course").values_list("message__step__code", flat=True))
    assert went
    put_right.correct(treatment_id=known.pk, performed_at=known.performed_at + DAY / 2, by=SAM, now=NOW + 1.5 * DAY)
    again = Message.objects.filter(treatment=known, generation=2, channel="sms", cls="course")
    assert went.isdisjoint(again.values_list("step__code", flat=True))
    assert Message.objects.filter(treatment=known, generation=1, state__in=OPEN).count() == 0
    assert "day-7" in open_of(treatment=known, generation=2)


def test_a_session_taken_back_ends_its_plan_and_the_one_before_counts_again(house):
    """P7: entered for the wrong client; the aftercare of her real session goes on where it was."""
    alice = builders.alice().client
    first = alice.treatments.get()
    before = open_of(treatment=first)
    made, _ = another(alice, NOW + timedelta(hours=1))
    put_right.void(treatment_id=made.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW + timedelta(hours=2))
    assert open_of(treatment=made) == []
    assert open_of(treatment=first) == before
    with pytest.raises(Refusals):
        put_right.void(treatment_id=made.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW)


def test_nobody_hands_over_what_she_received(house):
    """P4, P8: a session is taken back a week later; of the one before she read all that is past."""
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    for hours in range(1, 7 * 24):
        post.round_of_post(NOW + timedelta(hours=hours), post.Provider())
    went = set(Attempt.objects.filter(cls="course").values_list("message__step__code", flat=True))
    assert {"same-day", "day-1"} <= went
    before = open_of()
    made, _ = another(alice, NOW + 7 * DAY)
    put_right.void(treatment_id=made.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW + 7 * DAY + timedelta(minutes=5))
    told = StaffTask.objects.filter(kind="hand_over", client=alice)
    assert not {each.facts["step"] for each in told} & went
    assert open_of() == before


def test_an_invitation_that_went_is_no_task_after_a_late_cancellation(house):
    """P8: she was asked to book, did so, and cancelled when the invitation was past: staff are not told to ask her."""
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    row = builders.message(alice, "next-session-plan")
    for day in range(1, (row.due_at - NOW).days + 1):
        post.round_of_post(NOW + day * DAY, post.Provider())
    assert "next-session-plan" in post.round_of_post(row.due_at, post.Provider())
    visit, _ = appointment.book(
        client_id=alice.pk, starts_at=row.expires_at + DAY, by="staff:1", now=row.due_at + timedelta(hours=1)
    )
    appointment.end(appointment_id=visit.pk, status="cancelled", by="staff:1", now=row.expires_at + timedelta(hours=1))
    tasks = StaffTask.objects.filter(kind="hand_over", client=alice)
    assert [each.facts["step"] for each in tasks] == []


def test_what_no_plan_brings_stays_when_a_course_goes_over(house):
    """P5: what a person sent again, and what stands in for an undelivered text; no version would bring them anew."""
    alice = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    row, other = builders.message(alice, "day-3"), builders.message(alice, "day-7")
    Message.objects.filter(pk=row.pk).update(state="refused")
    sent_again = resend(message_id=row.pk, by="staff:1", now=NOW + DAY)
    Message.objects.filter(pk=other.pk).update(fallback_of=row.pk)
    newer = next_version(house.lakeside, NOW + DAY)
    done = adopt(protocol=newer.protocol, by=OKAFOR, now=NOW + DAY)
    sent_again.refresh_from_db()
    other.refresh_from_db()
    assert (done.clients, sent_again.state, other.state) == (1, "planned", "planned")
    assert adopt(protocol=newer.protocol, by=OKAFOR, now=NOW + DAY).clients == 0


def test_the_same_session_twice_is_one_and_another_under_its_id_is_refused(house):
    """P12."""
    alice = builders.alice().client
    made, _ = another(alice, NOW)
    before = builders.counts()
    assert another(alice, NOW)[0] == made
    with pytest.raises(Refusals):
        another(alice, NOW + DAY)
    assert builders.counts() == before


def test_running_courses_go_over_to_a_new_version_as_one(house):
    """P3, P4, P7: what is still to come is of the new version, what went stays, nothing goes twice."""
    alice = builders.alice(visit=NOW + 35 * DAY).client
    for hours in (1, 6, 24):
        post.round_of_post(NOW + timedelta(hours=hours), post.Provider())
    went = set(Attempt.objects.filter(cls="course").values_list("message__step__code", flat=True))
    before = open_of()
    version = next_version(house.lakeside, NOW + 2 * DAY)
    done = adopt(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=NOW + 2 * DAY)
    assert (done.clients, done.version) == (1, version.number)
    assert open_of() == open_of(version=version) == before
    assert went.isdisjoint(open_of())
    assert adopt(protocol=version.protocol, by=OKAFOR, now=NOW + 2 * DAY).clients == 0
    assert alice.treatments.get().version == version


def test_a_step_that_is_new_and_past_is_nobodys_task(house):
    """P5: adopting on day 5 asks nobody to make up for what the old version never promised."""
    alice = builders.alice().client
    for day, channel in product(range(1, 6), ("sms", "email")):
        post.round_of_post(NOW + day * DAY, post.Provider(), channel=channel)
    source = newest(house.lakeside)
    old = next(step for step in source.steps if step.rule.code == "day-1")
    more = [replace(old, rule=replace(old.rule, code="day-2", ordinal=0))]
    tasks = StaffTask.objects.count()
    approved(house.lakeside, replace(source, steps=(*source.steps, *more)), NOW + 5 * DAY)
    adopt(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=NOW + 5 * DAY)
    assert StaffTask.objects.count() == tasks
    assert not Message.objects.filter(client=alice, step__code="day-2").exists()


def test_only_a_practitioner_lets_courses_change(house):
    """P3."""
    builders.alice()
    next_version(house.lakeside, NOW)
    with pytest.raises(Refusals):
        adopt(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=SAM, now=NOW)
    assert not Message.objects.filter(~Q(version__number=1), clinic=house.lakeside).exists()


def test_a_booked_visit_ends_the_invitation_and_a_cancelled_one_brings_it_back_once(house):
    """P7: nothing booked, one neutral reminder; it goes once, whatever is booked and cancelled afterwards."""
    alice = builders.alice().client
    assert "next-session-plan" in open_of()
    visit, _ = appointment.book(client_id=alice.pk, starts_at=NOW + 35 * DAY, by="staff:1", now=NOW)
    assert "next-session-plan" not in open_of()
    appointment.end(appointment_id=visit.pk, status="cancelled", by="staff:1", now=NOW + DAY)
    assert open_of().count("next-session-plan") == 1
    appointment.reopen(appointment_id=visit.pk, by="staff:1", now=NOW + 2 * DAY)
    assert "next-session-plan" not in open_of()
    assert len(open_of(appointment=visit)) == 3


@pytest.mark.parametrize("days", [20, 60])
def test_a_visit_booked_outside_the_approved_weeks_warns_staff(house, days):
    """S12: booked by hand as well."""
    alice = builders.alice().client
    appointment.book(client_id=alice.pk, starts_at=NOW + days * DAY, by="staff:1", now=NOW)
    assert StaffTask.objects.filter(kind="interval", client=alice).count() == 1
