"""A desk's whole day at random: enrol, move, cancel, miss, complete, STOP, pause, send; and what must always hold.

A state machine over the real actions. After every step: no open message speaks of a time that is no longer true
(P7), nothing is open at an address that said stop (P2), nobody's phone rang twice for a step (P4), and the chain is
whole (P8).
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from tests import builders
from tests.actions import post
from tests.builders import NOW
from tests.lives import live
from worker.actions.consent.hold import pause, resume
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.course import appointment
from worker.actions.send.due import close_missed
from worker.channels.base import Accepted, NotStarted, TryLater, Unknown
from worker.models import Appointment, Attempt, Message, Pause
from worker.models.appointment import AppointmentStatus
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.hold import PauseScope
from worker.reading.chain import faults
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN

PHONES = ("+12125550121", "+12125550122")
ANSWERS = st.sampled_from([Accepted("SM1", 1), Unknown("reset"), TryLater("20429", None), NotStarted("late")])


class Desk(RuleBasedStateMachine):
    """What Sam, the clients and the provider may do, in any order."""

    visits = Bundle("visits")

    @initialize()
    def begin(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.house = builders.house()
        self.now = NOW
        self.number = 0

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @rule(target=visits, phone=st.sampled_from(PHONES), days=st.integers(1, 60), shared=st.booleans())
    def enrol(self, phone, days, shared):
        self.number += 1
        mailbox = "family" if shared else f"a{self.number}"
        visit = {"external_id": f"V-{self.number}", "starts_at": (self.now + timedelta(days=days)).isoformat()}
        try:
            client = builders.alice(
                now=self.now, treated=self.now, external_id=f"A-{self.number}", phone=phone,
                email=f"{mailbox}@example.com", appointment=visit,
            ).client  # fmt: skip
        except Refusals:
            return None
        return client.appointments.get().pk

    @rule(visit=visits, days=st.integers(1, 60))
    def move(self, visit, days):
        if visit is None or Appointment.objects.get(pk=visit).status != "booked":
            return
        appointment.move(appointment_id=visit, starts_at=self.now + timedelta(days=days), by="staff:1", now=self.now)

    @rule(visit=consumes(visits), status=st.sampled_from([each for each in AppointmentStatus if each != "booked"]))
    def end(self, visit, status):
        if visit is not None:
            appointment.end(appointment_id=visit, status=status, by="staff:1", now=self.now)

    @rule(
        phone=st.sampled_from(PHONES), body=st.sampled_from(["STOP", "stop everything", "HELP", "START", "hm?", "ok"])
    )
    def text(self, phone, body):
        builders.text_from(self.house.lakeside, phone, body, now=self.now)

    @rule(visit=visits)
    def click(self, visit):
        if visit is not None:
            contact = Appointment.objects.get(pk=visit).client.contacts.get(channel="email")
            assert unsubscribe(link_key=contact.link_key, method="one-click", now=self.now)

    @rule()
    def pause_or_resume(self):
        if Pause.objects.filter(ended_at=None).exists():
            resume(scope=PauseScope.ALL, value="", by="staff:1", now=self.now)
        else:
            pause(scope=PauseScope.ALL, value="", why="tests", by="staff:1", now=self.now)

    @rule(hours=st.integers(1, 100), answers=st.lists(ANSWERS, max_size=4), channel=st.sampled_from(["sms", "email"]))
    def time_passes_and_the_post_goes(self, hours, answers, channel):
        self.now += timedelta(hours=hours)
        close_missed(now=self.now, machine=self.now)
        post.round_of_post(self.now, post.Provider(answers), channel=channel)

    @invariant()
    def nothing_open_speaks_of_an_old_time(self):
        for each in Message.objects.filter(state__in=OPEN, appointment__isnull=False).select_related("appointment"):
            assert each.appointment.status == ("cancelled" if each.kind == "cancellation" else "booked")
            assert each.generation == each.appointment.generation
        booked = Appointment.objects.filter(status="booked").values("client_id")
        assert not Message.objects.filter(state__in=OPEN, step__anchor="course", client_id__in=booked).exists()

    @invariant()
    def nothing_is_open_where_she_said_stop(self):
        stopped = Message.objects.filter(state__in=OPEN, standing__suppressed_at__isnull=False)
        assert not stopped.filter(cls="course").exists()

    @invariant()
    def nobodys_phone_rang_twice_for_a_step(self):
        rang = Counter(
            Attempt.objects.filter(state__in=MAY_HAVE_LEFT, cls="course", message__kind="").values_list(
                "message__client_id", "message__step_id", "channel", "message__treatment_id", "message__generation"
            )
        )
        assert not [key for key, times in rang.items() if times > 1]

    @invariant()
    def nothing_was_decided_for_a_stopped_address(self):
        late = Attempt.objects.filter(cls="course", standing__suppressed_at__isnull=False)
        assert not [
            each.pk for each in late.select_related("standing") if each.decided_at > each.standing.suppressed_at
        ]

    @invariant()
    def the_record_is_whole(self):
        assert faults() == []


@pytest.mark.usefixtures("db")
def test_whatever_happens_at_the_desk():
    """P2, P4, P7, P8 over random sequences of operations."""
    live(Desk, lives=10, steps=12)
