"""Change one visit, and let the plan follow: the one place where a visit's time or state is written (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.consent import standing as standings
from worker.actions.course.agree import agree
from worker.actions.course.cancel import cancel
from worker.actions.course.care import care_of
from worker.actions.course.her_calendar import bring_after
from worker.actions.course.plan import Result, plan
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Appointment, Contact, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rendering import version as compiled
from worker.rules.interval import IntervalWarning, session_interval_warning
from worker.rules.local_time import zone
from worker.rules.plan import Anchor
from worker.timeline import Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client, ProtocolVersion

ENDS = {
    AppointmentStatus.CANCELLED: "appointment_cancelled",
    AppointmentStatus.NO_SHOW: "appointment_missed",
    AppointmentStatus.COMPLETED: "appointment_done",
}
WAITS = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW})
"""After these the client has to book anew; who came has been asked in the room."""


def lock_client(client_id: int) -> None:
    """Lock the standing rows of a client's addresses: what plans for her comes in turn (lock order: standing first)."""
    contacts = Contact.objects.filter(client_id=client_id, valid_to__isnull=True)
    standings.lock(contacts.values_list("standing_id", flat=True))


def change(visit: Appointment, *, starts_at: datetime, status: AppointmentStatus, by: str, now: datetime) -> Result:
    """Give a visit a time and a state, and plan what follows, in the caller's transaction (who holds the locks).

    A new time is a new generation. A visit that comes back at the time it had keeps its own, so that the client is
    not told again what she was told (P4); its answer counts for as long as its time does.
    """
    moved, was = visit.starts_at != starts_at, visit.status
    visit.starts_at, visit.status, visit.changed_at = starts_at, status, now
    visit.generation += moved
    visit.edition += 1
    if moved:
        visit.answer, visit.answered_at = "", None
    visit.save()
    kind = "moved" if moved and status == was else "reopened" if status == AppointmentStatus.BOOKED else status
    note(kind, visit, by, now)
    if moved or status != AppointmentStatus.BOOKED:
        reason = ENDS.get(status, "appointment_moved")
        cancel(which=Q(appointment=visit), reason=reason, actor=by, now=now)
    planned = follow(visit, by=by, now=now)
    told = bring_after(visit, by=by, now=now)
    return Result(messages=planned.messages + told.messages, hand_over=planned.hand_over + told.hand_over)


def follow(visit: Appointment, *, by: str, now: datetime) -> Result:
    """Plan a booked visit's reminders, or the one invitation to book where none is booked any more."""
    planned = _follow(visit, by, now)
    agree(visit.client, by=by, now=now)
    return planned


def _follow(visit: Appointment, by: str, now: datetime) -> Result:
    if visit.status == AppointmentStatus.BOOKED:
        warn_if_outside(visit, now)
        if visit.starts_at > now:
            cancel(which=invitations(visit.client, visit.version), reason="appointment_booked", actor=by, now=now)
        return plan(course_of(visit, now), anchors=[Anchor.APPOINTMENT], now=now)
    if visit.status not in WAITS or is_booked(visit.client, visit.version, now):
        return Result()
    return plan(course_of(visit, now), anchors=[Anchor.COURSE], now=now)


def invitations(client: Client, version: ProtocolVersion) -> Q:
    """The messages that ask a client to book under a protocol."""
    return Q(client=client, version__protocol=version.protocol_id, step__anchor=Anchor.COURSE)


def is_booked(client: Client, version: ProtocolVersion, now: datetime) -> bool:
    """Whether a visit under the same protocol is still to come."""
    booked = Appointment.objects.filter(client=client, status=AppointmentStatus.BOOKED, starts_at__gt=now)
    return booked.filter(version__protocol=version.protocol_id).exists()


def course_of(visit: Appointment, now: datetime) -> Course:
    """The course that a visit stands in; the visit itself only while it is booked."""
    return Course(
        clinic=visit.clinic,
        client=visit.client,
        version=visit.version,
        care=care_of(visit.client, visit.version, now),
        treatment=last_treatment(visit.client, visit.version),
        appointment=visit if visit.status == AppointmentStatus.BOOKED else None,
    )


def last_treatment(client: Client, version: ProtocolVersion) -> Treatment | None:
    """The client's newest treatment under the same protocol."""
    done = Treatment.objects.filter(client=client, version__protocol=version.protocol_id, voided_at__isnull=True)
    return done.order_by("-performed_at", "-pk").first()


def warn_if_outside(visit: Appointment, now: datetime) -> IntervalWarning | None:
    """Tell staff when a visit is booked outside the approved interval (S12); what was said, or None."""
    treatment = last_treatment(visit.client, visit.version)
    if treatment is None:
        return None
    shortest, longest = compiled(visit.version.document).source.interval_days
    warning = session_interval_warning(treatment.performed_at, visit.starts_at, shortest, longest, zone(visit.zone))
    if warning is None:
        return None
    open_task(
        clinic_id=visit.clinic_id,
        client_id=visit.client_id,
        kind="interval",
        cause=f"interval:{visit.pk}:g{visit.generation}",
        facts={"appointment": visit.pk, "days": warning.days, "too_early": warning.too_early},
        now=now,
    )
    return warning


def note(kind: str, visit: Appointment, by: str, now: datetime) -> None:
    """Write what happened to a visit into the record."""
    record(
        clinic_id=visit.clinic_id,
        kind=f"appointment_{kind}",
        subject=f"appointment:{visit.pk}",
        actor=by,
        at=now,
        facts={"generation": visit.generation, "edition": visit.edition, "source_version": visit.source_version},
    )
