"""What would be planned for a client, without writing anything: for the plan itself and for rehearsals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from worker import rendering
from worker.models import Grant, Link
from worker.models.appointment import AppointmentStatus
from worker.models.standing import GrantState
from worker.opening import hours_of
from worker.rules.local_time import zone
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import Anchor, PlannedMessage, plan_course
from worker.rules.steps import OF_CALENDAR

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from worker.models import Appointment, Client, Clinic, ProtocolVersion, Treatment
    from worker.rules.hours import Hours

OF_PLAN = Q(cls=MessageClass.COURSE, kind__in=("", *OF_CALENDAR), fallback_of__isnull=True) & ~Q(wall_time="")
"""What a plan brought, and would bring anew; not what a person sent again, nor what stands in for another channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a plan is made for: one client under one version, after a treatment, before a visit, or both."""

    clinic: Clinic
    client: Client
    version: ProtocolVersion
    care: Link | None = None  # None in a rehearsal
    treatment: Treatment | None = None
    appointment: Appointment | None = None
    enrolled_at: datetime | None = None  # set once, when the opt-in confirmation is to be planned
    changed: Appointment | None = None  # a visit of which her calendar holds what is not so any more
    changed_at: datetime | None = None  # from when on a mail may tell her calendar


def lay_out(
    course: Course,
    consented: frozenset[tuple[Channel, Purpose]],
    now: datetime,
    *,
    future_only: bool = False,
    late: frozenset[str] = frozenset(),
) -> tuple[PlannedMessage, ...]:
    """What would be planned, without writing anything: for the plan itself and for rehearsals."""
    source = rendering.version(course.version.document).source
    place, changed = zone(course.client.zone), course.changed
    return plan_course(
        [step.rule for step in source.steps if step.rule.anchor is not Anchor.REPLY],
        anchors={
            Anchor.ENROLMENT: course.enrolled_at,
            Anchor.TREATMENT: course.treatment.performed_at if course.treatment else None,
            Anchor.APPOINTMENT: course.appointment.starts_at if course.appointment else None,
            Anchor.COURSE: course.treatment.performed_at if course.treatment else None,
            **({_of_calendar(changed): course.changed_at} if changed else {}),
        },
        zone=place,
        hours_by_channel=_hours(course.clinic, course.client.clocks),
        now=now,
        consented=consented,
        future_only=future_only,
        late=late,
        at_latest=dict.fromkeys(OF_CALENDAR, changed.starts_at) if changed else None,
    )


def _of_calendar(visit: Appointment) -> Anchor:
    return Anchor.CANCELLATION if visit.status == AppointmentStatus.CANCELLED else Anchor.CHANGE


def consents_of(client: Client) -> frozenset[tuple[Channel, Purpose]]:
    """The channels and purposes a client agreed to, as her standing says now.

    Those that wait for her yes are among them: what is planned meanwhile waits at the gate, and goes if it comes in
    time (rule 7).
    """
    return consents_of_many([client.pk])[client.pk]


def consents_of_many(clients: Collection[int]) -> dict[int, frozenset[tuple[Channel, Purpose]]]:
    """The same for each of several clients, in one query."""
    given = (GrantState.ACTIVE, GrantState.PENDING)
    agreed = Grant.objects.filter(client__in=clients, state__in=given, standing__suppressed_at__isnull=True)
    found: dict[int, set[tuple[Channel, Purpose]]] = {pk: set() for pk in clients}
    for pk, channel, purpose in agreed.values_list("client_id", "standing__channel", "purpose"):
        found[pk].add((Channel(channel), Purpose(purpose)))
    return {pk: frozenset(said) for pk, said in found.items()}


def protocols_of(client: Client) -> frozenset[str]:
    """The codes of the protocols whose course the client is under."""
    under = Link.objects.filter(client=client, ended_at__isnull=True)
    return frozenset(under.values_list("version__protocol__code", flat=True))


def open_channels(client: Client) -> frozenset[Channel]:
    """The channels on which some consent is active: only there is there anything to confirm (rule 6)."""
    active = Grant.objects.filter(client=client, state=GrantState.ACTIVE, standing__suppressed_at__isnull=True)
    return frozenset(Channel(channel) for channel in active.values_list("standing__channel", flat=True))


def _hours(clinic: Clinic, clocks: tuple[str, ...]) -> dict[Channel, Hours]:
    return {channel: hours_of(clinic, channel, Purpose.AFTERCARE, *clocks) for channel in Channel}
