"""A visit is booked, moved, cancelled, missed, done or taken up again by hand: the plan follows as one (P7)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from worker.actions.clients import find
from worker.actions.course.plan import Result
from worker.actions.course.visit import change, follow, lock_client, note
from worker.models import Appointment, Client, ProtocolVersion
from worker.models.appointment import AppointmentStatus
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import protocols_of

FARTHEST_VISIT = timedelta(days=730)
BY_HAND = "desk"
_AGAIN = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW})


@transaction.atomic
def book(
    *, client_id: int, starts_at: datetime, by: str, now: datetime, protocol: str = "", external_id: str = ""
) -> tuple[Appointment, Result]:
    """Book a visit at `starts_at` (aware); under the client's one protocol unless another is named. Raises Refusals.

    One that she has at that moment under that protocol is that visit: booked twice, it would remind her twice (P4).
    """
    client = Client.objects.select_related("clinic").filter(pk=client_id, erased_at__isnull=True).first()
    if client is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    refuse_odd_time(starts_at, now, field="at")
    lock_client(client.pk)
    name = external_id or f"desk-{uuid.uuid4().hex[:12]}"
    if Appointment.objects.filter(clinic=client.clinic, external_id=name).exists():
        raise Refusals([Refusal("external_id", "is a visit already", "move that one, or give another id")])
    version = version_for(client, protocol, now)
    same = Appointment.objects.filter(
        client=client, version__protocol=version.protocol_id, starts_at=starts_at, status=AppointmentStatus.BOOKED
    ).first()
    if same is not None:
        return same, Result()
    visit = Appointment.objects.create(
        clinic=client.clinic, client=client, version=version, source=BY_HAND, external_id=name, starts_at=starts_at,
        zone=client.zone, status=AppointmentStatus.BOOKED, changed_at=now,
    )  # fmt: skip
    note("booked", visit, by, now)
    return visit, follow(visit, by=by, now=now)


def version_for(client: Client, protocol: str, now: datetime) -> ProtocolVersion:
    """The approved version of the protocol named, or of the only one the client is under. Raises Refusals."""
    under = [protocol] if protocol else sorted(protocols_of(client))
    if len(under) != 1:
        problem = "must be named: she is under several" if under else "must be named: she is under none yet"
        raise Refusals([Refusal("protocol", problem, "name the protocol that the visit belongs to")])
    return find.approved_version(under[0], clinic_id=client.clinic_id, now=now, field="protocol")


@transaction.atomic
def move(*, appointment_id: int, starts_at: datetime, by: str, now: datetime) -> Result:
    """Move a booked visit to `starts_at` (aware UTC): old reminders end, new ones are planned. Raises Refusals."""
    visit = _locked(appointment_id)
    refuse_odd_time(starts_at, now, field="to")
    if visit.status != AppointmentStatus.BOOKED:
        raise Refusals([Refusal("appointment", f"is {visit.status}, not booked", "book a new one, or reopen it")])
    if visit.starts_at == starts_at:
        return Result()
    return change(visit, starts_at=starts_at, status=AppointmentStatus.BOOKED, by=by, now=now)


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
    return change(visit, starts_at=visit.starts_at, status=status, by=by, now=now)


@transaction.atomic
def reopen(*, appointment_id: int, by: str, now: datetime) -> Result:
    """Take up a cancelled or missed visit at the time it had; its reminders come back, none of them twice (P4, P7).

    One whose time is past stands again, and nothing is planned for it: a slip is mended, and what she is told stays.
    Raises Refusals for a visit that was done; a booked one stays as it is.
    """
    visit = _locked(appointment_id)
    if visit.status == AppointmentStatus.BOOKED:
        return Result()
    if visit.status not in _AGAIN:
        raise Refusals([Refusal("appointment", f"is {visit.status}", "book a new one")])
    if visit.starts_at <= now:
        visit.status, visit.changed_at, visit.edition = AppointmentStatus.BOOKED, now, visit.edition + 1
        visit.save(update_fields=["status", "changed_at", "edition"])
        note("reopened", visit, by, now)
        return Result()
    return change(visit, starts_at=visit.starts_at, status=AppointmentStatus.BOOKED, by=by, now=now)


def refuse_odd_time(starts_at: datetime, now: datetime, *, field: str) -> None:
    """Raise Refusals for a visit's time without offset, in the past, or more than two years away."""
    if starts_at.tzinfo is None or not now < starts_at < now + FARTHEST_VISIT:
        mend = "give the new time with its offset, for example 2026-03-08T10:00:00-05:00"
        raise Refusals([Refusal(field, "has no offset, is past, or more than two years away", mend)])


def _locked(appointment_id: int) -> Appointment:
    """The visit, with its client's standing rows locked first (lock order: standing, then message)."""
    found = Appointment.objects.filter(pk=appointment_id, client__erased_at__isnull=True).first()
    if found is None:
        raise Refusals([Refusal("appointment", "is not known here", "see `aftercare messages --json` for ids")])
    lock_client(found.client_id)
    return (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("clinic", "client", "version")
        .get(pk=appointment_id)
    )
