"""What follows from the sessions of a client: the aftercare of the newest under a protocol, and of no other (P7)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.course.agree import agree
from worker.actions.course.cancel import cancel
from worker.actions.course.care import care_of
from worker.actions.course.plan import Result, plan
from worker.actions.course.visit import last_treatment, lock_client, warn_if_outside
from worker.actions.record.audit import record
from worker.models import Appointment, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.plan import Anchor
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client, ProtocolVersion

OLDEST = timedelta(days=120)
SKEW = timedelta(minutes=5)  # what two clocks at a front desk may differ


def follow(client: Client, version: ProtocolVersion, *, by: str, now: datetime) -> Result:
    """Plan the aftercare, and the invitation to book, of the newest session under a protocol; that of others ends.

    In the caller's transaction, who holds the client's locks.
    """
    newest = last_treatment(client, version)
    if newest is None:
        agree(client, by=by, now=now)
        return Result()
    older = Q(treatment__client=client, treatment__version__protocol=version.protocol_id) & ~Q(treatment=newest)
    cancel(which=older, reason="newer_treatment", actor=by, now=now)
    booked = Appointment.objects.filter(
        client=client, version__protocol=version.protocol_id, status=AppointmentStatus.BOOKED, starts_at__gt=now
    )
    visits = list(booked.select_related("client", "version").order_by("starts_at"))
    for visit in visits:
        warn_if_outside(visit, now)
    course = Course(
        clinic=client.clinic, client=client, version=newest.version, care=care_of(client, newest.version, now),
        treatment=newest, appointment=visits[0] if visits else None,
    )  # fmt: skip
    planned = plan(course, anchors=[Anchor.TREATMENT, Anchor.COURSE], now=now)
    agree(client, by=by, now=now)
    return planned


def locked(treatment_id: int) -> Treatment:
    """A session, with its client's standing rows locked first (lock order: standing first). Raises Refusals."""
    whose = Treatment.objects.filter(pk=treatment_id).values_list("client_id", flat=True).first()
    if whose is not None:
        lock_client(whose)
    rows = Treatment.objects.select_for_update(of=("self",)).filter(client__erased_at__isnull=True)  # even meanwhile
    known = rows.select_related("clinic", "client", "client__clinic", "version").filter(pk=treatment_id).first()
    if known is None:
        raise Refusals([Refusal("treatment", "is not known here", "see `aftercare rehearse CLIENT` for ids")])
    return known


def refuse_odd_time(performed_at: datetime, now: datetime) -> None:
    """Raise Refusals for a session's time without offset, ahead, or more than 120 days ago."""
    if performed_at.tzinfo is None or not now - OLDEST <= performed_at <= now + SKEW:
        mend = "give when it was done, with its offset, for example 2026-03-08T10:00:00-05:00"
        raise Refusals([Refusal("performed_at", "has no offset, lies ahead, or is more than 120 days old", mend)])


def note(kind: str, known: Treatment, *, by: str, now: datetime, code: str = "") -> None:
    """Write what happened to a session into the record."""
    record(
        clinic_id=known.clinic_id, kind=f"treatment_{kind}", subject=f"treatment:{known.pk}", actor=by, at=now,
        code=code, facts={"generation": known.generation, "version": known.version_id},
    )  # fmt: skip
