"""Turn what the rules planned into message rows, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from worker import traces
from worker.actions.record.task import open_task
from worker.actions.send.due import make_ready
from worker.models import Attempt, ConsentEvent, Contact, Message, Step
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.consent import Act
from worker.rules.names import Channel, MessageClass
from worker.rules.plan import Anchor, HandOver, Planned, PlannedMessage
from worker.rules.states import State
from worker.rules.steps import OF_CALENDAR
from worker.timeline import Course, consents_of, lay_out, open_channels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Appointment, Client


OF_TREATMENT = (Anchor.TREATMENT, Anchor.COURSE)
"""What counts from a session that was done."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was planned, and what a person has to hand over now."""

    messages: list[Message] = field(default_factory=list)
    hand_over: list[PlannedMessage] = field(default_factory=list)


def plan(
    course: Course,
    *,
    anchors: Iterable[Anchor],
    now: datetime,
    channels: Iterable[Channel] = tuple(Channel),
    future_only: bool = False,
    late: frozenset[str] = frozenset(),
    handing_over: frozenset[str] | None = None,
) -> Result:
    """Write the messages of the given anchors that are not written yet; what can't go becomes a staff task.

    The caller holds the locks of the client's standing rows (of those `channels`). Planning the same occasion twice
    plans it once (P4). With `future_only` nothing that should have gone by `now` is planned or handed over but the
    steps of `late`; with `handing_over` only these steps are handed over. None that may have left is (P8).
    """
    began = traces.moment()
    laid = lay_out(course, consents_of(course.client), now, future_only=future_only, late=late)
    wanted = _wanted(course, laid, frozenset(anchors), frozenset(channels))
    fresh = Message.objects.bulk_create(not_planned_yet(_rows(course, wanted, now)))
    make_ready(fresh, now=now)
    traces.planned((each.pk for each in fresh), clinic_id=course.client.clinic_id, since=began)
    too_late = [each for each in wanted if isinstance(each.outcome, HandOver)]
    if handing_over is not None:
        too_late = [each for each in too_late if each.rule.code in handing_over]
    hand_over = _not_told(course, too_late)
    for each in hand_over:
        hand_over_to_staff(course, each, now)
    return Result(messages=fresh, hand_over=hand_over)


def _wanted(
    course: Course, laid: Iterable[PlannedMessage], anchors: frozenset[Anchor], channels: frozenset[Channel]
) -> list[PlannedMessage]:
    """Of what is laid out: what counts from these anchors, goes by these channels, and has not rung for this session.

    An answer goes only where she has opened the channel.
    """
    opened = open_channels(course.client)
    went = _went(course) if anchors.intersection(OF_TREATMENT) else set()
    return [
        each
        for each in laid
        if each.rule.anchor in anchors
        and each.channel in channels
        and (each.rule.cls is not MessageClass.ANSWER or each.channel in opened)
        and (each.rule.anchor not in OF_TREATMENT or (each.rule.code, each.channel) not in went)
    ]


def _rows(course: Course, wanted: list[PlannedMessage], now: datetime) -> list[Message]:
    """The messages of what can still go, unsaved."""
    steps = {step.code: step for step in Step.objects.filter(version=course.version)}
    contacts = _contacts(course.client)
    return [
        message_of(course, each, each.outcome, steps[each.rule.code], contacts[each.channel], now)
        for each in wanted
        if isinstance(each.outcome, Planned)
    ]


def _contacts(client: Client) -> dict[Channel, Contact]:
    """Where she is reached today."""
    valid = Contact.objects.filter(client=client, valid_to__isnull=True)
    return {Channel(contact.channel): contact for contact in valid}


def _went(course: Course) -> set[tuple[str, str]]:
    """The steps, with their channels, that rang for this session before it was corrected: none of them rings again.

    Nor does one that rang since for a session that was taken back: recorded twice, she read it once already (P4). What
    rang for such a one before this session was done spoke of nothing that is true now, and counts for nothing.
    """
    if course.treatment is None or course.enrolled_at is not None:
        return set()
    own = Q(treatment=course.treatment)
    taken_back = Q(
        treatment__client=course.client, treatment__version__protocol=course.version.protocol_id,
        treatment__voided_at__isnull=False, tries__decided_at__gte=course.treatment.performed_at,
    )  # fmt: skip
    rang = Message.objects.filter(own | taken_back, client=course.client, tries__state__in=MAY_HAVE_LEFT)
    return set(rang.values_list("step__code", "channel"))


def _not_told(course: Course, late: list[PlannedMessage]) -> list[PlannedMessage]:
    """Without those that rang, or may have: a person would tell her what she read (a session taken back, P8)."""
    if not late:
        return late
    rang = Message.objects.filter(client=course.client, tries__state__in=MAY_HAVE_LEFT)
    told = {each.rpartition(":r")[0] for each in rang.values_list("occasion", flat=True)}
    return [each for each in late if occasion(course, each, _generation(course, each)).rpartition(":r")[0] not in told]


def not_planned_yet(rows: list[Message]) -> list[Message]:
    """Without those planned before; one that was cancelled and never rang comes back under its next number."""
    known = _open_again({row.occasion for row in rows})
    fresh = []
    for row in rows:
        before = known.get(row.occasion)
        while before:
            row.resend += 1
            row.occasion = f"{row.occasion.rpartition(':r')[0]}:r{row.resend}"
            before = _open_again({row.occasion}).get(row.occasion)
        if before is None:
            fresh.append(row)
    return fresh


def _open_again(occasions: set[str]) -> dict[str, bool]:
    """What was planned for these occasions: whether it was cancelled, and every attempt at it provably never left."""
    tries = Attempt.objects.filter(message=OuterRef("pk"))
    found = Message.objects.filter(occasion__in=occasions).annotate(
        tried=Exists(tries), rang=Exists(tries.filter(state__in=MAY_HAVE_LEFT))
    )
    return {
        occasion: state == State.CANCELLED and not rang and (tried or not attempts)
        for occasion, state, rang, tried, attempts in found.values_list(
            "occasion", "state", "rang", "tried", "attempts"
        )
    }


def message_of(
    course: Course, each: PlannedMessage, outcome: Planned, step: Step, contact: Contact, now: datetime
) -> Message:
    """The row of one planned step, unsaved."""
    anchor = each.rule.anchor
    appointment = _visit(course, anchor)
    treatment = course.treatment if anchor in OF_TREATMENT else None
    generation = _generation(course, each)
    return Message(
        clinic=course.clinic,
        client=course.client,
        contact=contact,
        standing_id=contact.standing_id,
        channel=each.channel,
        purpose=each.rule.purpose,
        cls=each.rule.cls,
        kind=anchor if anchor in OF_CALENDAR else step.kind if each.rule.cls is MessageClass.ANSWER else "",
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
    """Of what the step counts from: a moved visit plans anew, and a new yes is confirmed anew (rule 6)."""
    if each.rule.anchor is Anchor.ENROLMENT:
        return _times_given(course, each.channel)
    subject = _visit(course, each.rule.anchor) or course.treatment
    return subject.generation if subject else 1


def _visit(course: Course, anchor: Anchor) -> Appointment | None:
    """The visit that a step of this anchor is about."""
    if anchor in OF_CALENDAR:
        return course.changed
    return course.appointment if anchor is Anchor.APPOINTMENT else None


def _times_given(course: Course, channel: Channel) -> int:
    """How often this client gave, or was asked for, her consent on a channel; one form is once."""
    acts = ConsentEvent.objects.filter(clinic_id=course.clinic.pk, client_id=course.client.pk, channel=channel)
    return max(1, acts.filter(act__in=(Act.GIVEN, Act.ASKED)).values("recorded_at").distinct().count())


def occasion(course: Course, each: PlannedMessage, generation: int, resend: int = 0) -> str:
    """The key by which one step rings once: clinic, subject, step, channel, generation and resend number (P4).

    What corrects her calendar rings once for each edition of the visit: cancelled, taken up again and cancelled once
    more is two mails about one time.
    """
    visit, times = _visit(course, each.rule.anchor), f"g{generation}"
    subject = f"client:{course.client.pk}"
    if visit:
        subject = f"appointment:{visit.pk}"
        times = f"e{visit.edition}" if each.rule.anchor in OF_CALENDAR else times
    elif course.treatment and each.rule.anchor in OF_TREATMENT:
        subject = f"treatment:{course.treatment.pk}"
    return f"c:{course.clinic.pk}:{subject}:{each.rule.code}:{each.channel}:{times}:r{resend}"


def hand_over_to_staff(course: Course, each: PlannedMessage, now: datetime) -> None:
    """Ask a person to tell the client what can't be sent in time (P5)."""
    open_task(
        clinic_id=course.clinic.pk,
        client_id=course.client.pk,
        kind="hand_over",
        cause=f"hand_over:{occasion(course, each, _generation(course, each))}",
        facts={"step": each.rule.code, "channel": each.channel, "version": course.version.pk},
        due_at=each.outcome.expires_at,
        now=now,
    )
