"""Plans as rows: planned once, at the right hour, followed by the visit, and handed over where nothing can go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Q

from tests import builders
from tests.builders import NOW
from worker.actions.course import appointment
from worker.actions.course.cancel import cancel
from worker.actions.course.plan import Course, plan
from worker.models import Appointment, Link, Message, Ready, StaffTask, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.plan import Anchor
from worker.rules.refusal import Refusals

pytestmark = pytest.mark.usefixtures("really")  # what an enrolment plans is the subject
NEW_YORK = ZoneInfo("America/New_York")
VISIT = NOW + timedelta(days=35)


def _course(client):
    return Course(
        clinic=client.clinic,
        client=client,
        version=Treatment.objects.get(client=client).version,
        care=Link.objects.get(client=client),
        treatment=Treatment.objects.get(client=client),
        appointment=Appointment.objects.filter(client=client).first(),
        enrolled_at=NOW,
    )


def _open(client):
    return [each for each in builders.messages_of(client) if each.state in ("planned", "held")]


def test_planning_twice_plans_once(house):
    """P4: the unique occasion makes a second planning a no-op."""
    alice = builders.alice(visit=VISIT).client
    before = builders.counts()
    assert plan(_course(alice), anchors=Anchor, now=NOW).messages == []
    assert builders.counts() == before


def test_what_was_cancelled_unsent_comes_back_under_the_next_number(house):
    """P4: each planning of the same step has its own occasion; nothing planned is revived in place."""
    alice = builders.alice().client
    first = builders.message(alice, "day-3")
    for number in (1, 2):
        cancel(which=Q(step__code="day-3", channel="sms"), reason="tests", actor="tests", now=NOW)
        (again,) = plan(_course(alice), anchors=[Anchor.TREATMENT], now=NOW).messages
        assert again.occasion == first.occasion.removesuffix("r0") + f"r{number}"
        assert (again.resend, again.due_at) == (number, first.due_at)
    assert Message.objects.filter(step__code="day-3", channel="sms", state="planned").count() == 1


@pytest.mark.parametrize("state", ["accepted", "delivered", "unknown", "missed", "withheld", "refused"])
def test_what_went_or_was_decided_is_not_planned_again(house, state):
    """P4: only what was cancelled before any attempt may come back."""
    alice = builders.alice().client
    Message.objects.filter(step__code="day-3", channel="sms").update(state=state)
    assert plan(_course(alice), anchors=[Anchor.TREATMENT], now=NOW).messages == []


def test_what_was_tried_and_then_cancelled_is_not_planned_again(house):
    """P4: an attempt may have rung; its step is over."""
    alice = builders.alice().client
    Message.objects.filter(step__code="day-3", channel="sms").update(state="cancelled", attempts=1)
    assert plan(_course(alice), anchors=[Anchor.TREATMENT], now=NOW).messages == []


@pytest.mark.parametrize(
    ("zone", "treated", "hours"),
    [
        ("America/New_York", datetime(2027, 3, 12, 15, tzinfo=UTC), (15, 14)),  # clocks go forward on 14 March
        ("Europe/London", datetime(2027, 3, 26, 15, tzinfo=UTC), (10, 9)),  # on 28 March, for a client over there
        ("America/Phoenix", datetime(2027, 3, 12, 17, tzinfo=UTC), (17, 17)),  # never
    ],
)
def test_a_calendar_step_keeps_its_wall_time_over_a_clock_change(house, zone, treated, hours):
    """P6, rules 135 and 136: day 1 and day 3 at ten by the client's own clock, whatever that is in UTC."""
    alice = builders.alice(zone=zone, treated=treated, now=treated + timedelta(minutes=5)).client
    for step, hour in zip(("day-1", "day-3"), hours, strict=True):
        # Email has no hours by law, so that the step's own time is seen.
        due_at = builders.message(alice, step, "email").due_at
        local = due_at.astimezone(ZoneInfo(zone))
        assert local.hour in (10, 12)  # Sundays open at noon
        if local.weekday() != 6:
            assert due_at.hour == hour
            assert builders.message(alice, step, "email").wall_time == f"{local:%Y-%m-%dT%H:%M}"


def test_what_cannot_go_in_time_is_handed_to_staff(house):
    """P5: a client enrolled too late for a step gets it from a person, and the task says by when."""
    enrolled = builders.alice(treated=NOW - timedelta(days=2, hours=23))
    steps = {(each.rule.code, each.channel.value) for each in enrolled.result.hand_over}
    assert ("same-day", "sms") in steps
    for each in enrolled.result.hand_over:
        task = StaffTask.objects.get(kind="hand_over", facts__step=each.rule.code, facts__channel=each.channel.value)
        assert (task.client_id, task.due_at) == (enrolled.client.pk, each.outcome.expires_at)
    assert not {("same-day")} & {each.step.code for each in enrolled.result.messages}


def test_only_what_is_due_within_the_hour_is_ready(house):
    """The ready table stays small: the rest waits to be promoted."""
    alice = builders.alice().client
    ready = {row.message_id for row in Ready.objects.all()}
    assert ready == {each.pk for each in builders.messages_of(alice) if each.due_at <= NOW + timedelta(hours=1)}


def test_a_booked_visit_silences_the_invitation_to_book(house):
    """P7: while a session is booked nobody is asked to book one."""
    steps = {each.step.code for each in builders.messages_of(builders.alice(visit=VISIT).client)}
    assert {"next-session-week", "before-session", "next-session-day"} <= steps
    assert "next-session-plan" not in steps


def test_a_moved_visit_moves_its_reminders_as_one(house):
    """P7: the old ones end with their reason, the new ones count from the new time; aftercare is untouched."""
    alice = builders.alice(visit=VISIT).client
    visit = Appointment.objects.get(client=alice)
    aftercare = {each.pk for each in _open(alice) if each.appointment_id is None}
    later = VISIT + timedelta(days=2, hours=3)
    appointment.move(appointment_id=visit.pk, starts_at=later, by="staff:1", now=NOW)
    reminders = [each for each in builders.messages_of(alice) if each.appointment_id]
    old = [each for each in reminders if each.generation == 1]
    new = [each for each in reminders if each.generation == 2]
    assert {(each.state, each.reason) for each in old} == {("cancelled", "appointment_moved")}
    assert {each.state for each in new} == {"planned"}
    assert len(old) == len(new) == 6
    day_before = next(each for each in new if each.step.code == "next-session-day")
    assert day_before.due_at.astimezone(NEW_YORK).date() == (later - timedelta(days=1)).astimezone(NEW_YORK).date()
    assert {each.pk for each in _open(alice) if each.appointment_id is None} == aftercare


@pytest.mark.parametrize(
    ("status", "reason", "invited"),
    [
        (AppointmentStatus.CANCELLED, "appointment_cancelled", True),
        (AppointmentStatus.NO_SHOW, "appointment_missed", True),
        (AppointmentStatus.COMPLETED, "appointment_done", False),
    ],
)
def test_an_ended_visit_ends_its_reminders(house, status, reason, invited):
    """P7: no reminder of a visit that will not be; who has none booked is asked to book, who came is not."""
    alice = builders.alice(visit=VISIT).client
    visit = Appointment.objects.get(client=alice)
    appointment.end(appointment_id=visit.pk, status=status, by="staff:1", now=NOW)
    reminders = [each for each in builders.messages_of(alice) if each.appointment_id]
    assert {(each.state, each.reason) for each in reminders} == {("cancelled", reason)}
    assert ("next-session-plan" in {each.step.code for each in _open(alice)}) is invited


def test_saying_the_same_end_twice_changes_nothing_and_another_is_refused(house):
    """P12: a repeat is no news, a contradiction is a refusal."""
    visit = Appointment.objects.get(client=builders.alice(visit=VISIT).client)
    appointment.end(appointment_id=visit.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    before = builders.counts()
    appointment.end(appointment_id=visit.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    for status in (AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED):
        with pytest.raises(Refusals):
            appointment.end(appointment_id=visit.pk, status=status, by="staff:1", now=NOW)
    with pytest.raises(Refusals):
        appointment.move(appointment_id=visit.pk, starts_at=VISIT, by="staff:1", now=NOW)
    assert builders.counts() == before


@pytest.mark.parametrize(
    "starts_at",
    [NOW, NOW - timedelta(days=1), (NOW + timedelta(days=40)).replace(tzinfo=None), NOW + timedelta(days=1000)],
)
def test_a_visit_moves_only_into_the_near_future(house, starts_at):
    """P12: the past, a time without zone and a date years away are refused and change nothing."""
    visit = Appointment.objects.get(client=builders.alice(visit=VISIT).client)
    before = builders.counts()
    with pytest.raises(Refusals) as caught:
        appointment.move(appointment_id=visit.pk, starts_at=starts_at, by="staff:1", now=NOW)
    assert [fault.field for fault in caught.value.faults] == ["to"]
    assert builders.counts() == before
    visit.refresh_from_db()
    assert visit.starts_at == VISIT


def test_a_visit_nobody_knows_is_refused(house):
    """P12."""
    with pytest.raises(Refusals, match="is not known here"):
        appointment.move(appointment_id=4711, starts_at=VISIT, by="staff:1", now=NOW)


@pytest.mark.parametrize(("days", "tasks"), [(27, 1), (28, 0), (42, 0), (43, 1)])
def test_staff_hear_of_a_visit_outside_the_approved_interval(house, days, tasks):
    """S12: 28 to 42 days, both included."""
    builders.alice(visit=NOW + timedelta(days=days))
    assert StaffTask.objects.filter(kind="interval").count() == tasks


def test_after_a_stop_a_moved_visit_plans_nothing(house):
    """P1, P2: a plan is made for consents that stand."""
    alice = builders.alice(visit=VISIT, consents=builders.SERVICE[:2]).client
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP")
    visit = Appointment.objects.get(client=alice)
    appointment.move(appointment_id=visit.pk, starts_at=VISIT + timedelta(days=1), by="staff:1", now=NOW)
    assert [each for each in _open(alice) if each.cls == "course"] == []
