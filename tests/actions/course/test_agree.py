"""Two treatments, one client: contradictions stop before the practitioner, repetitions go once (anchors C8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.course.versions import approved, newest
from tests.builders import NOW, OKAFOR, SAM
from worker.actions.clients.zone import tell_zone
from worker.actions.consent.hold import pause, resume
from worker.actions.course import appointment, put_right, treatment
from worker.actions.course.settle import settle
from worker.actions.record.task import finish
from worker.models import Attempt, Message, Ready, StaffTask
from worker.models.appointment import AppointmentStatus
from worker.models.hold import PauseScope
from worker.rules.refusal import Refusals
from worker.rules.steps import Instruction, Telling
from worker.rules.taken_back import VoidReason

DAY = timedelta(days=1)
NOT_FOR_14 = Instruction(topic="exfoliating", telling=Telling.AVOID, until_day=14)
FROM_3 = Instruction(topic="exfoliating", telling=Telling.DO, from_day=3)
NOT_FOR_7 = replace(NOT_FOR_14, until_day=7)


def saying(source, **says):
    """The protocol with instructions on some of its steps and on no other, day_3 for "day-3"."""
    found = {step.replace("_", "-"): (said,) for step, said in says.items()}
    return replace(
        source,
        steps=tuple(
            replace(step, rule=replace(step.rule, says=found.get(step.rule.code, ()))) for step in source.steps
        ),
    )


def two(house, first, second):
    """Alice, under needling and then under peeling on the same day; the two treatments."""
    source = newest(house.lakeside)
    approved(house.lakeside, saying(source, **first), NOW)
    approved(house.lakeside, saying(replace(source, code="peeling"), **second), NOW)
    alice = builders.alice().client
    done = treatment.Done(client_id=alice.pk, protocol="peeling", external_id="T-2", performed_at=NOW)
    made, _ = treatment.add(done=done, by="staff:1", now=NOW)
    return alice.treatments.exclude(pk=made.pk).get(), made


def texts(of, code):
    """(state, reason) of a step's text."""
    return Message.objects.filter(treatment=of, step__code=code, channel="sms").values_list("state", "reason").get()


def test_a_contradiction_waits_for_the_practitioner(house):
    """C8: "not for 14 days" of one and "from day 3" of the other are both held; all else goes on."""
    needling, peeling = two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    assert texts(needling, "day-1") == texts(peeling, "day-3") == ("held", "contradiction")
    assert texts(needling, "day-3") == texts(peeling, "day-1") == ("planned", "")
    task = StaffTask.objects.get(kind="contradiction")
    assert task.facts == {"treatments": [needling.pk, peeling.pk], "topic": "exfoliating"}
    held = Message.objects.filter(state="held")
    assert not Ready.objects.filter(message__in=held).exists()
    for day in range(1, 5):
        post.round_of_post(NOW + day * DAY)
    assert not Attempt.objects.filter(message__in=held).exists()


def test_the_practitioner_decides_and_it_stays_decided(house):
    """C8: the kept treatment's words go, the other's end; a correction afterwards doesn't bring them back."""
    needling, peeling = two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    task = StaffTask.objects.get(kind="contradiction")
    settle(task_id=task.pk, keep=needling.pk, by=OKAFOR, now=NOW)
    assert texts(needling, "day-1") == ("planned", "")
    assert texts(peeling, "day-3") == ("cancelled", "contradicted")
    put_right.correct(treatment_id=peeling.pk, performed_at=NOW - timedelta(hours=2), by=SAM, now=NOW)
    again = Message.objects.filter(treatment=peeling, step__code="day-3", channel="sms")
    assert set(again.values_list("state", flat=True)) == {"cancelled"}
    assert StaffTask.objects.filter(kind="contradiction").count() == 1


def test_what_went_already_stops_what_would_contradict_it(house):
    """C8: she was told yesterday; the other treatment's text is held, though the first can't be."""
    source = newest(house.lakeside)
    approved(house.lakeside, saying(source, day_1=NOT_FOR_14), NOW)
    approved(house.lakeside, saying(replace(source, code="peeling"), day_3=FROM_3), NOW)
    alice = builders.alice().client
    post.confirmed(NOW)
    assert post.round_of_post(NOW + DAY) == ["day-1"]
    done = treatment.Done(client_id=alice.pk, protocol="peeling", external_id="T-2", performed_at=NOW + DAY)
    made, _ = treatment.add(done=done, by="staff:1", now=NOW + DAY)
    assert texts(made, "day-3") == ("held", "contradiction")


def test_a_contradiction_is_decided_and_not_ticked_off(house):
    """Anchors C8, P5: "done" decides nothing; both texts would wait until they are missed, with nothing open."""
    two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    task = StaffTask.objects.get(kind="contradiction")
    with pytest.raises(Refusals, match="aftercare settle"):
        finish(task_id=task.pk, by=OKAFOR, now=NOW)
    task.refresh_from_db()
    assert task.done_at is None


def test_a_pause_that_ends_lets_no_contradiction_go(house):
    """C8: what a pause held is held for the contradiction now."""
    source = newest(house.lakeside)
    approved(house.lakeside, saying(source, day_1=NOT_FOR_14), NOW)
    approved(house.lakeside, saying(replace(source, code="peeling"), day_3=FROM_3), NOW)
    alice = builders.alice().client
    post.confirmed(NOW)
    pause(scope=PauseScope.ALL, value="", why="tests", by="staff:1", now=NOW)
    post.round_of_post(NOW + DAY)
    first = alice.treatments.get()
    assert texts(first, "day-1") == ("held", "paused")
    done = treatment.Done(client_id=alice.pk, protocol="peeling", external_id="T-2", performed_at=NOW + DAY)
    treatment.add(done=done, by="staff:1", now=NOW + DAY)
    resume(scope=PauseScope.ALL, value="", by="staff:1", now=NOW + DAY)
    assert texts(first, "day-1") == ("held", "contradiction")


def test_what_both_say_on_one_day_goes_once_by_the_stricter(house):
    """C8: the same topic on the same day; the text that asks for less ends, in neither course anything else."""
    needling, peeling = two(house, {"day_3": NOT_FOR_14}, {"day_3": NOT_FOR_7})
    assert texts(needling, "day-3") == ("planned", "")
    assert texts(peeling, "day-3") == ("cancelled", "merged")
    assert texts(peeling, "day-1") == ("planned", "")
    assert not StaffTask.objects.filter(kind="contradiction").exists()


@pytest.mark.parametrize("by", [SAM, builders.MILLER])
def test_only_the_clinics_practitioner_settles(house, by):
    """P3, P10: neither the desk nor another clinic's practitioner, and only for one of the two."""
    needling, _ = two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    task = StaffTask.objects.get(kind="contradiction")
    for who, keep in ((by, needling.pk), (OKAFOR, 10**9)):
        with pytest.raises(Refusals):
            settle(task_id=task.pk, keep=keep, by=who, now=NOW)
    assert texts(needling, "day-1") == ("held", "contradiction")


def test_what_was_merged_comes_back_where_the_other_is_taken_back(house):
    """P5, C8: the stricter treatment was another client's; the aftercare of this one must not be lost with it."""
    needling, peeling = two(house, {"day_3": NOT_FOR_7}, {"day_3": NOT_FOR_14})
    assert texts(needling, "day-3") == ("cancelled", "merged")
    due_at = builders.message(needling.client, "day-3").due_at
    put_right.void(treatment_id=peeling.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW + DAY)
    back = Message.objects.filter(treatment=needling, step__code="day-3", channel="sms").latest("pk")
    assert (back.state, back.due_at) == ("planned", due_at)
    tell_zone(client_id=needling.client.pk, name="America/Los_Angeles", by=SAM, now=NOW + DAY)
    moved = Message.objects.filter(treatment=needling, step__code="day-3", channel="sms").latest("pk")
    assert (moved.state, moved.due_at) == (
        "planned",
        due_at + timedelta(hours=3),
    )  # ten on her wall, wherever that hangs


def test_what_was_decided_against_comes_back_where_the_other_is_taken_back(house):
    """P5, C8: a decision between two treatments ends with one of them."""
    needling, peeling = two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    settle(task_id=StaffTask.objects.get(kind="contradiction").pk, keep=needling.pk, by=OKAFOR, now=NOW)
    put_right.void(treatment_id=needling.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW)
    back = Message.objects.filter(treatment=peeling, step__code="day-3", channel="sms").latest("pk")
    assert back.state == "planned"


def test_a_contradiction_that_is_over_holds_nothing_and_asks_nobody(house):
    """P5, C8: with one of the two taken back the other goes on by itself, and the practitioner's task is done."""
    needling, peeling = two(house, {"day_1": NOT_FOR_14}, {"day_3": FROM_3})
    put_right.void(treatment_id=peeling.pk, why=VoidReason.NOT_DONE, by=SAM, now=NOW)
    assert texts(needling, "day-1") == ("planned", "")
    assert StaffTask.objects.get(kind="contradiction").done_at == NOW
    again = treatment.Done(client_id=needling.client_id, protocol="peeling", external_id="T-3", performed_at=NOW)
    treatment.add(done=again, by="staff:1", now=NOW)
    assert texts(needling, "day-1") == ("held", "contradiction")
    assert StaffTask.objects.filter(kind="contradiction", done_at__isnull=True).count() == 1


@pytest.mark.parametrize("keep", ["treatment", "visit"])
def test_a_visit_is_compared_like_a_treatment(house, keep):
    """C8: what one treatment forbids for 14 days the words before another's visit on day 7 ask for."""
    source = newest(house.lakeside)
    approved(house.lakeside, saying(source, day_1=NOT_FOR_14), NOW)
    approved(house.lakeside, saying(replace(source, code="peeling"), before_session=replace(FROM_3, from_day=0)), NOW)
    alice = builders.alice().client
    visit = appointment.book(
        client_id=alice.pk, starts_at=NOW + 7 * DAY, external_id="V-7", protocol="peeling", by="staff:1", now=NOW
    )
    needling, code = alice.treatments.get(), "before-session"
    text = Message.objects.filter(step__code=code, channel="sms", client=alice)
    assert texts(needling, "day-1") == text.values_list("state", "reason").get() == ("held", "contradiction")
    task = StaffTask.objects.get(kind="contradiction")
    assert task.facts["treatments"] == [needling.pk, f"visit:{text.get().appointment_id}"]
    settle(task_id=task.pk, keep=task.facts["treatments"][keep == "visit"], by=OKAFOR, now=NOW)
    kept, lost = ("planned", ""), ("cancelled", "contradicted")
    assert texts(needling, "day-1") == (kept if keep == "treatment" else lost)
    assert text.values_list("state", "reason").get() == (kept if keep == "visit" else lost)
    assert visit


def test_a_visit_that_is_cancelled_contradicts_nothing(house):
    """C8, P7: with it goes what it asked for, and what it held up goes on."""
    source = newest(house.lakeside)
    approved(house.lakeside, saying(source, day_1=NOT_FOR_14), NOW)
    approved(house.lakeside, saying(replace(source, code="peeling"), before_session=replace(FROM_3, from_day=0)), NOW)
    alice = builders.alice().client
    appointment.book(
        client_id=alice.pk, starts_at=NOW + 7 * DAY, external_id="V-7", protocol="peeling", by="staff:1", now=NOW
    )
    visit = Message.objects.filter(client=alice, step__code="before-session").latest("pk").appointment
    appointment.end(appointment_id=visit.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    assert texts(alice.treatments.get(), "day-1") == ("planned", "")


def test_the_shipped_steps_say_what_they_ask(house):
    """C8: of two courses with the shipped words each day's goes once; what says more than it asks goes for both."""
    source = newest(house.lakeside)
    approved(house.lakeside, replace(source, code="peeling"), NOW)
    alice = builders.alice().client
    done = treatment.Done(client_id=alice.pk, protocol="peeling", external_id="T-2", performed_at=NOW)
    made, _ = treatment.add(done=done, by="staff:1", now=NOW)
    repeats = Message.objects.filter(treatment=made, channel="sms", reason="merged")
    assert {"day-1", "day-3", "day-7", "day-14", "week-3"} <= set(repeats.values_list("step__code", flat=True))
    assert texts(made, "expectations") == ("planned", "")
