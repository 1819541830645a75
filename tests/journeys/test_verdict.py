"""The demo's judge can fail: for every promise a log, or a record, that breaks it."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import timedelta

import pytest

from tests import builders
from tests.actions.post import Provider, round_of_post
from tests.builders import BOBS_PHONE, NOW
from worker import dates
from worker.actions.course import appointment
from worker.actions.send.due import close_missed
from worker.channels.base import Sms
from worker.models import Appointment, Approval, ConsentEvent, Event, Message
from worker.models.appointment import AppointmentStatus
from worker.rules.local_time import zone
from worker.sandbox import player, verdict
from worker.sandbox.story import Happenings

pytestmark = pytest.mark.usefixtures("really")
TEXTS = (("sms", "aftercare"), ("sms", "reminders"))
STOP_AT = NOW + timedelta(days=3, hours=2)
MOVED_AT = NOW + timedelta(days=20)
VISIT = NOW + timedelta(days=35)
END = NOW + timedelta(days=45)


class Told:
    """Six weeks of Alice and Bob, as the outside would have logged them."""

    def __init__(self):
        self.log = []
        self.story = Happenings(sandbox=None, began=NOW, said=str)

    def post(self, now):
        """One round of the post, seen from outside."""
        for channel in ("sms", "email"):
            provider = Provider()
            round_of_post(now, provider, channel=channel)
            self.log += [self._entry(out, now) for out in provider.taken]
        close_missed(now=now, machine=now)

    def _entry(self, out, now):
        seen = {"seq": len(self.log) + 1, "calendar": now.timestamp(), "accepted": True}
        if isinstance(out, Sms):
            params = {"To": out.to, "Body": out.body, "StatusCallback": out.status_callback}
            return seen | {"kind": "create", "params": params}
        return seen | {"kind": "mail", "rcpt": [out.to], "text": out.text, "mail_from": out.envelope_sender}

    def broken(self, log=None):
        """The promises that the judge calls broken."""
        return {
            each.promise for each in verdict.verdicts(self.log if log is None else log, self.story) if not each.held
        }


@pytest.fixture
def told(db):
    """Alice's course with a moved visit, Bob's with a STOP, and Emil, who agreed to nothing."""
    houses, told = builders.house(), Told()
    told.alice = builders.alice(consents=(*TEXTS, ("email", "aftercare")), visit=VISIT).client
    told.bob = builders.bob(consents=TEXTS).client
    builders.alice(consents=(), external_id="E-1", phone="+12125550199", email="emil@example.com")
    happenings = [(STOP_AT, lambda: _stop(told, houses)), (MOVED_AT, lambda: _move(told)), (END, _end)]
    now = NOW
    while now is not None:
        told.post(now)
        while happenings and happenings[0][0] <= now:
            happenings.pop(0)[1]()
            told.post(now)
        moments = [player.next_moment(now), happenings[0][0] if happenings else None]
        now = min((each for each in moments if each), default=None)
    return told


def _stop(told, houses):
    builders.text_from(houses.hillside, BOBS_PHONE, "STOP", now=STOP_AT)
    told.story.stopped_at[BOBS_PHONE] = STOP_AT


def _move(told):
    visit = Appointment.objects.get()
    told.story.old_times.append(visit.starts_at)
    appointment.move(appointment_id=visit.pk, starts_at=visit.starts_at + timedelta(days=2), by="desk", now=MOVED_AT)


def _end():
    appointment.end(appointment_id=Appointment.objects.get().pk, status=AppointmentStatus.COMPLETED, by="desk", now=END)


def place(told, step, to=None):
    """Where in the log the first text of a step stands."""
    return next(
        number
        for number, each in enumerate(verdict.arrived(told.log))
        if each.attempt.message.step.code == step and each.attempt.channel == "sms" and to in (None, each.to)
    )


def changed(told, number, *, hours=0, **params):
    """The log with one entry changed."""
    log = copy.deepcopy(told.log)
    log[number]["calendar"] += hours * 3600
    log[number]["params"] |= params
    return log


def test_a_true_story_is_held(told):
    """Nothing was tampered with: every promise was kept, over more than one case."""
    judged = verdict.verdicts(told.log, told.story)
    assert [(each.promise, each.faults) for each in judged] == [(f"P{number}", []) for number in range(1, 9)]
    assert min(each.cases for each in judged) > 2
    assert Counter(each.to for each in verdict.arrived(told.log))[BOBS_PHONE] == 5


def test_nothing_to_judge_is_not_a_promise_kept(told):
    """An empty log proves nothing: what could not be broken is not called held, and what we call sent is lost."""
    assert told.broken([]) == {"P3", "P4", "P5", "P6", "P7"}


def test_a_text_to_somebody_without_consent_breaks_p1(told, unguarded):
    """In the ledger Alice's answer to what she got was no (P1)."""
    ConsentEvent.objects.filter(client_id=told.alice.pk, purpose="reminders").update(act="revoked")
    assert told.broken() == {"P1"}


def test_a_text_after_a_stop_breaks_p2(told):
    """Bob's last aftercare came an hour after his STOP; his consent was gone by then, too (P1, P2)."""
    late = place(told, "day-1", BOBS_PHONE)
    after = (STOP_AT - verdict.arrived(told.log)[late].at).total_seconds() / 3600 + 1
    assert {"P1", "P2"} <= told.broken(changed(told, late, hours=after))


def test_a_second_word_after_a_stop_breaks_p2(told):
    """The webhook answered with a text of its own, beside the one confirmation (P2, rule 22)."""
    answer = {"kind": "answer", "to": BOBS_PHONE, "calendar": STOP_AT.timestamp()}
    assert told.broken([*told.log, answer]) == {"P2"}


def test_other_words_break_p3(told):
    """One character more than was decided on (P3)."""
    number = place(told, "day-7")
    body = told.log[number]["params"]["Body"]
    assert told.broken(changed(told, number, Body=body + "!")) == {"P3"}


def test_a_withdrawn_approval_breaks_p3(told):
    """What left after the practitioner took the approval back (P3)."""
    taken_back = Approval.objects.filter(version__protocol__clinic=told.alice.clinic_id)
    taken_back.update(withdrawn_at=NOW + timedelta(days=1), withdrawn_by=taken_back.get().by)
    assert told.broken() == {"P3"}


def test_a_second_ring_breaks_p4(told):
    """The same attempt twice in the log (P4)."""
    again = copy.deepcopy(told.log[place(told, "day-3")])
    assert told.broken([*told.log, again]) == {"P4"}


def test_a_lost_message_breaks_p5(told):
    """We call it sent, and the outside never saw it; or it was never decided at all (P5)."""
    number = place(told, "day-3")
    assert told.broken([entry for place, entry in enumerate(told.log) if place != number]) == {"P5"}
    Message.objects.filter(client=told.alice, step__code="week-3").update(state="planned")
    assert "P5" in told.broken()


def test_a_text_at_night_breaks_p6(told):
    """Fourteen hours later, past midnight on her clock, though the words would still be true (P6)."""
    assert told.broken(changed(told, place(told, "day-7"), hours=14)) == {"P6"}


def test_a_text_that_came_too_late_breaks_p7(told):
    """At the right hour, a week after its words were true (P7)."""
    assert told.broken(changed(told, place(told, "day-7"), hours=24 * 8)) == {"P7"}


def test_a_dead_date_breaks_p7(told):
    """A reminder that names the time from before the visit was moved (P7)."""
    number = place(told, "next-session-day")
    new_york = zone("America/New_York")
    old, new = (dates.said_date(VISIT + timedelta(days=days), new_york, "en") for days in (0, 2))
    body = told.log[number]["params"]["Body"]
    assert new in body
    assert told.broken(changed(told, number, Body=body.replace(new, old))) == {"P3", "P7"}


def test_a_missing_decision_breaks_p8(told, unguarded):
    """Nobody can say why one message left (P8)."""
    Event.objects.filter(subject=f"message:{Message.objects.filter(client=told.alice).earliest('pk').pk}").delete()
    assert told.broken() == {"P8"}


def test_a_text_that_nobody_decided_breaks_p8(told):
    """It came from our account, and no attempt of ours explains it (P8)."""
    number = place(told, "day-3")
    foreign = changed(told, number, StatusCallback=f"http://127.0.0.1/hooks?d={'0' * 32}")[number]
    assert told.broken([*told.log, foreign]) == {"P8"}
