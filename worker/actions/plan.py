"""Turn what the rules planned into message rows, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from worker.actions.send.due import make_ready
from worker.actions.task import open_task
from worker.models import Contact, Message, Step
from worker.rules.names import Channel, MessageClass
from worker.rules.plan import Anchor, HandOver, Planned, PlannedMessage
from worker.rules.states import State
from worker.timeline import Course, consents_of, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What was planned, and what a person has to hand over now."""

    messages: list[Message] = field(default_factory=list)
    hand_over: list[PlannedMessage] = field(default_factory=list)


def plan(course: Course, *, anchors: Iterable[Anchor], now: datetime) -> Result:
    """Write the messages of the given anchors that are not written yet; what can't go becomes a staff task.

    The caller holds the locks of the client's standing rows. Planning the same occasion twice plans it once (P4).
    """
    wanted = frozenset(anchors)
    laid = [each for each in lay_out(course, consents_of(course.client), now) if each.rule.anchor in wanted]
    steps = {step.code: step for step in Step.objects.filter(version=course.version)}
    contacts = {
        Channel(contact.channel): contact
        for contact in Contact.objects.filter(client=course.client, valid_to__isnull=True)
    }
    rows = [
        _message(course, each, each.outcome, steps[each.rule.code], contacts[each.channel], now)
        for each in laid
        if isinstance(each.outcome, Planned)
    ]
    fresh = Message.objects.bulk_create(_not_planned_yet(rows))
    make_ready(fresh, now=now)
    hand_over = [each for each in laid if isinstance(each.outcome, HandOver)]
    for each in hand_over:
        _hand_over(course, each, now)
    return Result(messages=fresh, hand_over=hand_over)


def _not_planned_yet(rows: list[Message]) -> list[Message]:
    """Without those planned before; one that was cancelled before any attempt comes back under its next number."""
    known = dict(Message.objects.filter(occasion__in=[row.occasion for row in rows]).values_list("occasion", "pk"))
    fresh = []
    for row in rows:
        before = Message.objects.filter(pk=known[row.occasion]).first() if row.occasion in known else None
        while before is not None and before.state == State.CANCELLED and before.attempts == 0:
            row.resend += 1
            row.occasion = f"{row.occasion.rpartition(':r')[0]}:r{row.resend}"
            before = Message.objects.filter(occasion=row.occasion).first()
        if before is None:
            fresh.append(row)
    return fresh


def _message(
    course: Course, each: PlannedMessage, outcome: Planned, step: Step, contact: Contact, now: datetime
) -> Message:
    anchor = each.rule.anchor
    appointment = course.appointment if anchor is Anchor.APPOINTMENT else None
    treatment = course.treatment if anchor in (Anchor.TREATMENT, Anchor.COURSE) else None
    generation = _generation(course, each)
    return Message(
        clinic=course.clinic,
        client=course.client,
        contact=contact,
        standing_id=contact.standing_id,
        channel=each.channel,
        purpose=each.rule.purpose,
        cls=each.rule.cls,
        kind=step.kind if each.rule.cls is MessageClass.ANSWER else "",
        version=course.version,
        step=step,
        treatment=treatment,
        appointment=appointment,
        care=course.care,
        generation=generation,
        occasion=occasion(course, each, generation),
        language=course.client.language,
        zone=course.client.zone,
        wall_time=f"{outcome.local_date}T{outcome.local_time:%H:%M}",
        state=State.PLANNED,
        due_at=outcome.due_at,
        expires_at=max(outcome.expires_at, now + timedelta(microseconds=1)),
        created_at=now,
    )


def _generation(course: Course, each: PlannedMessage) -> int:
    """Of what the step counts from: a moved visit plans anew."""
    subject = course.appointment if each.rule.anchor is Anchor.APPOINTMENT else course.treatment
    return subject.generation if subject and each.rule.anchor is not Anchor.ENROLMENT else 1


def occasion(course: Course, each: PlannedMessage, generation: int, resend: int = 0) -> str:
    """The key by which one step rings once: clinic, subject, step, channel, generation and resend number (P4)."""
    subject = {
        Anchor.APPOINTMENT: f"appointment:{course.appointment.pk if course.appointment else 0}",
        Anchor.TREATMENT: f"treatment:{course.treatment.pk if course.treatment else 0}",
        Anchor.COURSE: f"treatment:{course.treatment.pk if course.treatment else 0}",
    }.get(each.rule.anchor, f"client:{course.client.pk}")
    return f"c:{course.clinic.pk}:{subject}:{each.rule.code}:{each.channel}:g{generation}:r{resend}"


def _hand_over(course: Course, each: PlannedMessage, now: datetime) -> None:
    open_task(
        clinic_id=course.clinic.pk,
        client_id=course.client.pk,
        kind="hand_over",
        cause=f"hand_over:{occasion(course, each, _generation(course, each))}",
        facts={"step": each.rule.code, "channel": each.channel, "version": course.version.pk},
        due_at=each.outcome.expires_at,
        now=now,
    )
