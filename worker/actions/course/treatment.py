"""A treatment is added, corrected or taken back: the aftercare of the newest one counts, and moves as one (P7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker.actions.clients import find
from worker.actions.course import appointment
from worker.actions.course.agree import agree
from worker.actions.course.cancel import cancel
from worker.actions.course.care import care_of
from worker.actions.course.plan import Result, plan
from worker.actions.course.visit import last_treatment, lock_client, warn_if_outside
from worker.actions.record.audit import record
from worker.models import Appointment, Client, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.plan import Anchor
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course

if TYPE_CHECKING:
    from worker.models import ProtocolVersion, Staff

OLDEST = timedelta(days=120)
SKEW = timedelta(minutes=5)  # what two clocks at a front desk may differ


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
    _refuse_odd(done.performed_at, now)
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
    _note("added", made, by, now)
    if done.appointment_id is not None:
        _fulfil(done.appointment_id, made, by, now)
    return made, _settle(client, made.version, by, now)


@transaction.atomic
def correct(*, treatment_id: int, performed_at: datetime, by: str, now: datetime) -> Result:
    """Give a session the time it really had: its plan is made anew, without what went already. Raises Refusals."""
    known = _locked(treatment_id)
    _refuse_odd(performed_at, now)
    if known.performed_at == performed_at:
        return Result()
    known.performed_at, known.generation = performed_at, known.generation + 1
    known.save(update_fields=["performed_at", "generation"])
    cancel(which=Q(treatment=known), reason="treatment_corrected", actor=by, now=now)
    _note("corrected", known, by, now)
    return _settle(known.client, known.version, by, now)


@transaction.atomic
def void(*, treatment_id: int, by: str, now: datetime) -> Result:
    """Take back a session that was never done, or was another client's: its plan ends. Raises Refusals."""
    known = _locked(treatment_id)
    known.voided_at, known.generation = now, known.generation + 1
    known.save(update_fields=["voided_at", "generation"])
    cancel(which=Q(treatment=known), reason="treatment_void", actor=by, now=now)
    _note("voided", known, by, now)
    return _settle(known.client, known.version, by, now)


def _settle(client: Client, version: ProtocolVersion, by: str, now: datetime) -> Result:
    """Aftercare, and the invitation to book, of the newest session under a protocol and of no other."""
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


def _fulfil(appointment_id: int, made: Treatment, by: str, now: datetime) -> None:
    """The visit that this session was is done, early or on its day."""
    visit = Appointment.objects.filter(pk=appointment_id, client=made.client).first()
    if visit is None:
        raise Refusals(
            [Refusal("appointment", "is no visit of this client", "see `aftercare messages --json` for ids")]
        )
    if visit.status != AppointmentStatus.COMPLETED:
        appointment.end(appointment_id=visit.pk, status=AppointmentStatus.COMPLETED, by=by, now=now)


def _locked(treatment_id: int) -> Treatment:
    found = Treatment.objects.filter(pk=treatment_id).first()
    if found is None:
        raise Refusals([Refusal("treatment", "is not known here", "see `aftercare rehearse CLIENT` for ids")])
    lock_client(found.client_id)
    known = (
        Treatment.objects.select_for_update(of=("self",))
        .select_related("clinic", "client", "client__clinic", "version")
        .get(pk=treatment_id)
    )
    if known.voided_at is not None:
        raise Refusals([Refusal("treatment", "was taken back", "record the session anew, under its own id")])
    return known


def _refuse_odd(performed_at: datetime, now: datetime) -> None:
    if performed_at.tzinfo is None or not now - OLDEST <= performed_at <= now + SKEW:
        mend = "give when it was done, with its offset, for example 2026-03-08T10:00:00-05:00"
        raise Refusals([Refusal("performed_at", "has no offset, lies ahead, or is more than 120 days old", mend)])


def _practitioner(done: Done, client: Client) -> str:
    """Who did it, by staff id; an unknown address is not stored (it would be personal data in a plain column)."""
    found: Staff | None = None
    if done.practitioner:
        found = client.clinic.staff.filter(email__iexact=done.practitioner).first()
    return f"staff:{found.pk}" if found else ""


def _note(kind: str, known: Treatment, by: str, now: datetime) -> None:
    record(
        clinic_id=known.clinic_id, kind=f"treatment_{kind}", subject=f"treatment:{known.pk}", actor=by, at=now,
        facts={"generation": known.generation, "version": known.version_id},
    )  # fmt: skip
