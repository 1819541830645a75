"""Whatever happens to visits and treatments, in whatever order it is told: a state machine over the real actions (P7).

A calendar tells each version of its visits late, early and twice; the desk books, moves and cancels between; sessions
are added, corrected and taken back; the practitioner changes the protocol under running courses; and the post goes.
After every step: nothing open or just sent names a time that is not the visit's, no step went twice, and the
aftercare of the newest session is all there, sent, planned or handed over.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests import builders
from tests.actions import post
from tests.actions.course.versions import next_version
from tests.builders import NOW, OKAFOR, SAM
from tests.lives import live
from worker import dates, rendering
from worker.actions.course import appointment, foresee, put_right, treatment
from worker.actions.course.adopt import adopt
from worker.actions.course.told import Outcome, Told, tell
from worker.actions.protocols.approve import the_protocol
from worker.actions.send.due import close_missed
from worker.channels.base import Accepted, NotStarted, TryLater, Unknown
from worker.intake.visit import VisitFile
from worker.models import Appointment, Attempt, Message, StaffTask, Treatment
from worker.models.attempt import MAY_HAVE_LEFT
from worker.rules.local_time import zone
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN, State
from worker.rules.steps import OF_CALENDAR
from worker.rules.taken_back import VoidReason

ANSWERS = st.sampled_from([Accepted("SM1", 1), Unknown("reset"), TryLater("20429", None), NotStarted("late")])
STATUSES = ("booked", "booked", "cancelled", "no_show", "completed")
VISITS = ("V-1", "V-2")


class Course(RuleBasedStateMachine):
    """Alice's course, as everybody who may change it changes it."""

    @initialize(days=st.integers(20, 60))
    def begin(self, days):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.house, self.now = builders.house(), NOW
        visit = {"external_id": "V-1", "starts_at": (NOW + timedelta(days=days)).isoformat()}
        self.alice = builders.alice(appointment=visit).client
        self.versions, self.applied, self.by_hand = {}, {}, {"V-1"}
        self.sessions, self.adopted = 1, 0

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(
        name=st.sampled_from(VISITS),
        number=st.integers(1, 6),
        days=st.integers(1, 60),
        status=st.sampled_from(STATUSES),
    )
    def the_calendar_tells(self, name, number, days, status):
        """A version says the same each time it is told."""
        said = self.versions.setdefault((name, number), (self.now + timedelta(days=days), status))
        file = VisitFile(client=self.alice.external_id, starts_at=said[0], status=said[1], source_version=number)
        told = Told(clinic_id=self.house.lakeside.pk, source="cliniko", external_id=name, visit=file)
        taken = tell(told, by="key:1", now=self.now)
        before = self.applied.get(name, 0)
        assert (taken.outcome is Outcome.OUTDATED) == (number < before)
        if number > before:
            self.applied[name] = number
            self.by_hand.discard(name)

    @rule(name=st.sampled_from(VISITS), act=st.sampled_from(["move", "end", "reopen"]), days=st.integers(1, 60))
    def the_desk_changes(self, name, act, days):
        visit = Appointment.objects.filter(client=self.alice, external_id=name).first()
        if visit is None:
            return
        whose = {"appointment_id": visit.pk, "by": "staff:1", "now": self.now}
        try:
            if act == "move":
                appointment.move(starts_at=self.now + timedelta(days=days), **whose)
            elif act == "end":
                appointment.end(status=("cancelled", "no_show", "completed")[days % 3], **whose)
            else:
                appointment.reopen(**whose)
        except Refusals:
            return
        self.by_hand.add(name)

    @rule(hours=st.integers(0, 24 * 10))
    def another_session(self, hours):
        self.sessions += 1
        done = treatment.Done(
            client_id=self.alice.pk, protocol=builders.PROTOCOL, external_id=f"T-{self.sessions}",
            performed_at=self.now - timedelta(hours=hours),
        )  # fmt: skip
        treatment.add(done=done, by="staff:1", now=self.now)

    @rule(hours=st.integers(0, 24 * 10), which=st.integers(0, 9), how=st.sampled_from(["correct", "void", "stand"]))
    def a_session_is_put_right(self, hours, which, how):
        """And the preview, which changed nothing, said what then happens (P8)."""
        known = list(Treatment.objects.filter(client=self.alice, voided_at__isnull=how != "stand").order_by("pk"))
        if not known:
            return
        one = {"treatment_id": known[which % len(known)].pk, "now": self.now}
        look, act, more = {
            "correct": (foresee.correction, put_right.correct, {"performed_at": self.now - timedelta(hours=hours)}),
            "void": (foresee.voiding, partial(put_right.void, why=VoidReason.NOT_DONE), {}),
            "stand": (foresee.standing_again, put_right.stand_again, {}),
        }[how]
        counted, before = builders.counts(), self._coming()
        try:
            foreseen = look(**one, **more)
        except Refusals:  # the time of another session
            with pytest.raises(Refusals):
                act(**one, **more, by=SAM)
            assert builders.counts() == counted
            return
        assert (builders.counts(), self._coming()) == (counted, before)
        act(**one, **more, by=SAM)
        changed = {(each[0][:2], each[1]) for each in before ^ self._coming()}
        said = {((each.step, each.channel), at) for each in foreseen.turns for at in each[2:] if at is not None}
        assert said == changed

    def _coming(self):
        """What is to come: step, channel and visit, with its hour."""
        rows = Message.objects.filter(client=self.alice, state__in=OPEN, cls="course")
        found = rows.values_list("step__code", "channel", "appointment_id", "due_at")
        return {((step, channel, visit), due_at) for step, channel, visit, due_at in found}

    @precondition(lambda self: self.adopted < 2)  # each new document costs a quarter of a second
    @rule()
    def the_practitioner_changes_the_protocol(self):
        self.adopted += 1
        version = next_version(self.house.lakeside, self.now)
        protocol = the_protocol(builders.PROTOCOL, clinic_slug="lakeside")
        adopt(protocol=protocol, by=OKAFOR, now=self.now)
        assert not Message.objects.filter(state__in=OPEN, cls="course").exclude(version=version).exists()

    @rule(hours=st.integers(1, 80), answers=st.lists(ANSWERS, max_size=4), channel=st.sampled_from(["sms", "email"]))
    def time_passes_and_the_post_goes(self, hours, answers, channel):
        self.now += timedelta(hours=hours)
        close_missed(now=self.now, machine=self.now)
        before = set(Attempt.objects.values_list("pk", flat=True))
        provider = post.Provider(answers)
        post.round_of_post(self.now, provider, channel=channel)
        for each in Attempt.objects.exclude(pk__in=before).select_related("message__appointment", "message__step"):
            self._is_true(each.message)
        self._says_the_time(provider)

    def _is_true(self, message):
        if message.appointment is not None:
            status = "cancelled" if message.kind == "cancellation" else "booked"
            assert (message.appointment.status, message.appointment.generation) == (status, message.generation)
        if message.treatment is not None:
            assert message.treatment.voided_at is None

    def _says_the_time(self, provider):
        booked = Appointment.objects.filter(client=self.alice, status="booked")
        times = {dates.said_time(each.starts_at, zone(each.zone), "US") for each in booked}
        for said in (getattr(each, "body", "") or each.text for each in provider.taken):
            assert "we expect you on" not in said or any(time in said for time in times)

    @invariant()
    def nothing_open_names_a_dead_time(self):
        newest = Treatment.objects.filter(client=self.alice, voided_at=None).order_by("performed_at", "pk").last()
        for each in Message.objects.filter(state__in=OPEN).select_related("appointment", "treatment"):
            self._is_true(each)
            assert each.treatment is None or (each.treatment == newest and each.generation == newest.generation)
        booked = Appointment.objects.filter(client=self.alice, status="booked", starts_at__gt=self.now)
        assert not (booked.exists() and Message.objects.filter(state__in=OPEN, step__anchor="course").exists())

    @invariant()
    def no_step_went_twice(self):
        course = Attempt.objects.filter(state__in=MAY_HAVE_LEFT, cls="course")
        rang = course.exclude(message__kind__in=OF_CALENDAR).values_list(  # those ring for each edition of a visit
            "message__step__code", "channel", "message__treatment_id", "message__appointment_id",
            "message__generation",
        )  # fmt: skip
        times = Counter(
            (code, channel, treated, visit, generation if visit else 0)
            for code, channel, treated, visit, generation in rang
        )
        assert [key for key, count in times.items() if count > 1] == []

    @invariant()
    def no_aftercare_of_the_last_session_is_dropped(self):
        last = Treatment.objects.filter(client=self.alice, voided_at=None).order_by("performed_at", "pk").last()
        if last is None:
            return
        there = set(
            Message.objects.filter(treatment=last).exclude(state=State.CANCELLED).values_list("step__code", "channel")
        )
        there |= {
            (each.facts["step"], each.facts["channel"])
            for each in StaffTask.objects.filter(client=self.alice, kind="hand_over")
        }
        there |= set(  # she read it since, for a session that was taken back: it rings once
            Attempt.objects.filter(
                state__in=MAY_HAVE_LEFT, message__treatment__voided_at__isnull=False, decided_at__gte=last.performed_at
            ).values_list("message__step__code", "channel")
        )
        wanted = {
            (step.rule.code, channel.value)
            for step in rendering.version(last.version.document).source.steps
            if step.rule.anchor == "treatment"
            for channel in step.rule.channels
        }
        assert wanted - there == set()

    @invariant()
    def the_newest_news_stands(self):
        for name, number in self.applied.items():
            visit = Appointment.objects.get(client=self.alice, external_id=name)
            assert visit.source_version == number
            if name not in self.by_hand:
                assert (visit.starts_at, visit.status) == self.versions[name, number]


@pytest.mark.usefixtures("db")
def test_no_order_of_events_breaks_the_plan():
    """P4, P7, anchors C6: over random orders of news, changes by hand, corrections, versions and sending."""
    live(Course, lives=6, steps=14, shrink=False)
