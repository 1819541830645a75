"""What a calendar says of a visit becomes the visit, whatever the order in which it arrives (P4, P7)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from worker.actions.course.appointment import BY_HAND, FARTHEST_VISIT, version_for
from worker.actions.course.plan import Result
from worker.actions.course.visit import change, follow, lock_client, note
from worker.models import Appointment, Client
from worker.models.appointment import AppointmentStatus
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.visit import VisitFile


class Outcome(StrEnum):
    """What became of one piece of news."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One visit of one source, as that source has it."""

    clinic_id: int
    source: str
    external_id: str
    visit: VisitFile


@dataclass(frozen=True, slots=True)
class Taken:
    """The visit after the news, and what was planned."""

    outcome: Outcome
    visit: Appointment
    result: Result = field(default_factory=Result)


def tell(told: Told, *, by: str, now: datetime) -> Taken:
    """Take one piece of news of a visit. Raises Refusals; then nothing has changed.

    An older version of the source never beats a newer one; the same version again changes nothing, and is refused
    where it says something else. A visit that the desk booked under the same id becomes the source's.
    """
    try:
        return _tell(told, by, now)
    except IntegrityError:  # the same news twice at once: the other one made the visit
        return _tell(told, by, now)


@transaction.atomic
def preview(told: Told, *, by: str, now: datetime) -> Outcome:
    """What `tell` would do, with nothing done. Raises Refusals as it does."""
    outcome = _tell(told, by, now).outcome
    transaction.set_rollback(True)
    return outcome


@transaction.atomic
def _tell(told: Told, by: str, now: datetime) -> Taken:
    client = _client(told)
    lock_client(client.pk)
    known = _known(told, client)
    if known is None:
        return _create(told, client, by, now)
    if known.source == told.source and not _is_news(told, known):
        return Taken(_old(told, known), known)
    _refuse_far(told, now)
    same = (known.starts_at, known.status) == (told.visit.starts_at, told.visit.status)
    known.source, known.source_version, known.told_sha256 = told.source, told.visit.source_version, _digest(told)
    if same:
        known.save(update_fields=["source", "source_version", "told_sha256"])
        return Taken(Outcome.UNCHANGED, known)
    status = AppointmentStatus(told.visit.status)
    return Taken(Outcome.CHANGED, known, change(known, starts_at=told.visit.starts_at, status=status, by=by, now=now))


def _client(told: Told) -> Client:
    found = Client.objects.select_related("clinic").filter(clinic_id=told.clinic_id, external_id=told.visit.client)
    client = found.filter(erased_at__isnull=True).first()
    if client is None:
        raise Refusals([Refusal("client", "is no client of this clinic", "enrol her first, or leave the visit out")])
    return client


def _known(told: Told, client: Client) -> Appointment | None:
    """The visit, locked; one that the desk booked under the same id too. Raises Refusals for another client's."""
    found = Appointment.objects.select_for_update(of=("self",)).filter(
        clinic_id=told.clinic_id, external_id=told.external_id, source__in=(told.source, BY_HAND)
    )
    visits = {each.source: each for each in found.select_related("clinic", "client", "version").order_by("pk")}
    known = visits.get(told.source) or visits.get(BY_HAND)
    if known is not None and known.client_id != client.pk:
        raise Refusals([Refusal("client", "is not whose visit this was", "give the visit a new external_id")])
    return known


def _is_news(told: Told, known: Appointment) -> bool:
    return told.visit.source_version > known.source_version or not known.told_sha256


def _old(told: Told, known: Appointment) -> Outcome:
    if told.visit.source_version < known.source_version:
        return Outcome.OUTDATED
    if known.told_sha256 != _digest(told):
        mend = "raise source_version with every change of the visit"
        raise Refusals([Refusal("source_version", "was told before, with other details", mend)])
    return Outcome.UNCHANGED


def _create(told: Told, client: Client, by: str, now: datetime) -> Taken:
    _refuse_far(told, now)
    visit = Appointment.objects.create(
        clinic=client.clinic, client=client, version=version_for(client, told.visit.protocol, now), source=told.source,
        external_id=told.external_id, source_version=told.visit.source_version, told_sha256=_digest(told),
        starts_at=told.visit.starts_at, zone=client.zone, status=told.visit.status, changed_at=now,
    )  # fmt: skip
    visit.status = AppointmentStatus(visit.status)
    note("booked" if visit.status == AppointmentStatus.BOOKED else visit.status, visit, by, now)
    return Taken(Outcome.CREATED, visit, follow(visit, by=by, now=now))


def _refuse_far(told: Told, now: datetime) -> None:
    """A calendar's history may come along; another century is a slip."""
    if abs(told.visit.starts_at - now) >= FARTHEST_VISIT:
        raise Refusals([Refusal("starts_at", "is more than two years away", "correct it, or leave the visit out")])


def _digest(told: Told) -> str:
    """What the source said, so that a repeat is told from a contradiction; ids and times, nothing personal."""
    return hashlib.sha256(told.visit.model_dump_json().encode()).hexdigest()
