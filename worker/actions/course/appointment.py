"""A visit is booked, moved, cancelled, missed or done: the plan follows as one, in one transaction (P7)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from worker.actions.consent import standing as standings
from worker.actions.course.cancel import cancel
from worker.actions.course.plan import Result, plan
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Appointment, Contact, Link, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rendering import version as compiled
from worker.rules.local_time import zone
from worker.rules.plan import Anchor, IntervalWarning, session_interval_warning
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course

FARTHEST_VISIT = timedelta(days=730)
ENDS = {
    AppointmentStatus.CANCELLED: "appointment_cancelled",
    AppointmentStatus.NO_SHOW: "appointment_missed",
    AppointmentStatus.COMPLETED: "appointment_done",
}


@transaction.atomic
def move(*, appointment_id: int, starts_at: datetime, by: str, now: datetime) -> Result:
    """Move a booked visit to `starts_at` (aware UTC): old reminders end, new ones are planned. Raises Refusals."""
    visit = _locked(appointment_id)
    if starts_at.tzinfo is None or not now < starts_at < now + FARTHEST_VISIT:
        mend = "give the new time with its offset, for example 2026-03-08T10:00:00-05:00"
        raise Refusals([Refusal("to", "has no offset, is past, or more than two years away", mend)])
    if visit.status != AppointmentStatus.BOOKED:
        raise Refusals([Refusal("appointment", f"is {visit.status}, not booked", "book a new one")])
    visit.starts_at, visit.generation, visit.changed_at = starts_at, visit.generation + 1, now
    visit.save(update_fields=["starts_at", "generation", "changed_at"])
    _end_reminders(visit, "appointment_moved", by, now)
    _note("moved", visit, by, now)
    warn_if_outside(visit, now)
    return plan(_course(visit, booked=True), anchors=[Anchor.APPOINTMENT], now=now)


@transaction.atomic
def end(*, appointment_id: int, status: AppointmentStatus, by: str, now: datetime) -> Result:
    """Cancel, miss or complete a visit: its reminders end; with nothing booked the course reminder is planned.

    Saying the same thing again changes nothing. Raises Refusals for a visit that ended in another way.
    """
    visit = _locked(appointment_id)
    if visit.status == status:
        return Result()
    if visit.status != AppointmentStatus.BOOKED:
        raise Refusals([Refusal("appointment", f"is {visit.status} already", "nothing to do")])
    visit.status, visit.generation, visit.changed_at = status, visit.generation + 1, now
    visit.save(update_fields=["status", "generation", "changed_at"])
    _end_reminders(visit, ENDS[status], by, now)
    _note(status, visit, by, now)
    others = Appointment.objects.filter(client=visit.client, status=AppointmentStatus.BOOKED).exists()
    if others or status == AppointmentStatus.COMPLETED:
        return Result()
    return plan(_course(visit, booked=False), anchors=[Anchor.COURSE], now=now)


def _locked(appointment_id: int) -> Appointment:
    """The visit, with its client's standing rows locked first (lock order: standing, then message)."""
    found = Appointment.objects.filter(pk=appointment_id).first()
    if found is None:
        raise Refusals([Refusal("appointment", "is not known here", "see `aftercare messages --json` for ids")])
    contacts = Contact.objects.filter(client_id=found.client_id, valid_to__isnull=True)
    standings.lock(contacts.values_list("standing_id", flat=True))
    return (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("clinic", "client", "version")
        .get(pk=appointment_id)
    )


def _end_reminders(visit: Appointment, reason: str, by: str, now: datetime) -> None:
    cancel(which=Q(appointment=visit), reason=reason, actor=by, now=now)


def _course(visit: Appointment, *, booked: bool) -> Course:
    return Course(
        clinic=visit.clinic,
        client=visit.client,
        version=visit.version,
        care=Link.objects.filter(client=visit.client, version=visit.version).latest("pk"),
        treatment=last_treatment(visit),
        appointment=visit if booked else None,
    )


def last_treatment(visit: Appointment) -> Treatment | None:
    """The client's newest treatment under the same protocol."""
    return (
        Treatment.objects.filter(client=visit.client, version__protocol=visit.version.protocol_id)
        .order_by("-performed_at")
        .first()
    )


def warn_if_outside(visit: Appointment, now: datetime) -> IntervalWarning | None:
    """Tell staff when a visit is booked outside the approved interval (S12); what was said, or None."""
    treatment = last_treatment(visit)
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


def _note(kind: str, visit: Appointment, by: str, now: datetime) -> None:
    record(
        clinic_id=visit.clinic_id,
        kind=f"appointment_{kind}",
        subject=f"appointment:{visit.pk}",
        actor=by,
        at=now,
        facts={"generation": visit.generation},
    )
