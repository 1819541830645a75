"""A session is recorded: the aftercare of the newest one counts (P7). One on record is put right in `put_right`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.clients import find
from worker.actions.course import appointment, session
from worker.actions.course.plan import Result
from worker.actions.course.visit import lock_client
from worker.models import Appointment, Client, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A session that was done: the protocol's code, the clinic's own id of it, and who did it ("" if not said)."""

    client_id: int
    protocol: str
    external_id: str
    performed_at: datetime
    practitioner: str = ""
    appointment_id: int | None = None


@transaction.atomic
def add(*, done: Done, by: str, now: datetime) -> tuple[Treatment, Result]:
    """Record another session; the visit it was booked as is done with it. Raises Refusals.

    The aftercare of an earlier session under the same protocol ends: what was right after that one ("exfoliate again")
    may be harm a day after this one. The very same session again changes nothing, whatever id it brings: a form that
    was sent twice would text her everything twice (P4).
    """
    client = Client.objects.select_related("clinic").filter(pk=done.client_id, erased_at__isnull=True).first()
    if client is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    session.refuse_odd_time(done.performed_at, now)
    lock_client(client.pk)
    known = Treatment.objects.filter(client=client, external_id=done.external_id).first()
    if known is not None:
        if known.performed_at == done.performed_at and known.voided_at is None:
            return known, Result()
        mend = "correct that one, or give this one its own id"
        raise Refusals([Refusal("external_id", "is another session of this client", mend)])
    same = Treatment.objects.filter(
        client=client, version__protocol__code=done.protocol, performed_at=done.performed_at, voided_at__isnull=True
    ).first()
    if same is not None:
        return same, Result()
    made = Treatment.objects.create(
        clinic=client.clinic, client=client, external_id=done.external_id, performed_at=done.performed_at,
        version=find.approved_version(done.protocol, clinic_id=client.clinic_id, now=now, field="protocol"),
        zone=client.zone, practitioner=_practitioner(done, client), created_at=now,
    )  # fmt: skip
    session.note("added", made, by=by, now=now)
    if done.appointment_id is not None:
        _fulfil(done.appointment_id, made, by, now)
    return made, session.follow(client, made.version, by=by, now=now)


def _fulfil(appointment_id: int, made: Treatment, by: str, now: datetime) -> None:
    """The visit that this session was is done, early or on its day."""
    visit = Appointment.objects.filter(pk=appointment_id, client=made.client).first()
    if visit is None:
        raise Refusals(
            [Refusal("appointment", "is no visit of this client", "see `aftercare messages --json` for ids")]
        )
    if visit.status != AppointmentStatus.COMPLETED:
        appointment.end(appointment_id=visit.pk, status=AppointmentStatus.COMPLETED, by=by, now=now)


def _practitioner(done: Done, client: Client) -> str:
    """Who did it, by staff id; an unknown address is not stored (it would be personal data in a plain column)."""
    found: Staff | None = None
    if done.practitioner:
        found = client.clinic.staff.filter(email__iexact=done.practitioner).first()
    return f"staff:{found.pk}" if found else ""
