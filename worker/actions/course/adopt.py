"""A practitioner lets running courses go on under a protocol's newest approved version, client by client (P3, P7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Q

from worker.actions.clients import find
from worker.actions.course.agree import agree
from worker.actions.course.cancel import cancel
from worker.actions.course.care import care_of
from worker.actions.course.her_calendar import bring_after, untrue
from worker.actions.course.plan import plan
from worker.actions.course.visit import last_treatment, lock_client
from worker.actions.protocols.approve import practitioner
from worker.actions.record.audit import record
from worker.models import Appointment, Client, Message, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rules.plan import Anchor
from worker.rules.states import OPEN
from worker.timeline import OF_PLAN, Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Protocol, ProtocolVersion

log = structlog.get_logger("aftercare.adopt")


@dataclass(frozen=True, slots=True)
class Adopted:
    """To which version how many clients went over, and how many of their messages ended and were planned."""

    version: int
    clients: int
    ended: int
    planned: int
    left: int = 0


def adopt(*, protocol: Protocol, by: str, now: datetime, most: int | None = None) -> Adopted:
    """Bring every running course of a protocol, or `most` of them, under its newest approved version. Raises Refusals.

    A transaction for each client: killed in the middle, it is run again and does the rest. Nothing of a client's old
    plan leaves after hers; what went already doesn't go again, whichever version it came from (P4).
    """
    person = practitioner(protocol, by)
    newest = find.approved_version(protocol.code, clinic_id=protocol.clinic_id, now=now, field="protocol")
    waiting = running(newest)
    moved = [_one(client_id, newest, f"staff:{person.pk}", now) for client_id in waiting[:most]]
    ended, planned = sum(ended for ended, _ in moved), sum(made for _, made in moved)
    done = Adopted(newest.number, len(moved), ended, planned, left=len(waiting) - len(moved))
    log.info("version adopted", version=newest.pk, clients=done.clients, ended=done.ended, planned=done.planned)
    return done


def running(newest: ProtocolVersion) -> list[int]:
    """The clients who still have something to come under another version of the same protocol."""
    found = Message.objects.filter(_older(newest)).order_by("client_id").values_list("client_id", flat=True)
    return [int(pk) for pk in found.distinct() if pk is not None]


def _older(newest: ProtocolVersion) -> Q:
    """What a plan brought under another version, and the new one brings anew.

    A correction, what a person sent again and what stands in for another channel are nobody's plan: no step of the new
    version would bring them. They are due already and keep their moment, as when her zone is told.
    """
    return OF_PLAN & Q(version__protocol=newest.protocol_id, state__in=OPEN) & ~Q(version=newest)


@transaction.atomic
def _one(client_id: int, newest: ProtocolVersion, by: str, now: datetime) -> tuple[int, int]:
    """How many messages of one client ended, and how many were planned."""
    lock_client(client_id)
    client = Client.objects.select_related("clinic").get(pk=client_id)
    which = _older(newest) & Q(client=client)
    waiting = frozenset(Message.objects.filter(which).values_list("step__code", flat=True))
    ended = cancel(which=which, reason="version_changed", actor=by, now=now)
    booked = Appointment.objects.filter(
        client=client, version__protocol=newest.protocol_id, status=AppointmentStatus.BOOKED, starts_at__gt=now
    )
    booked.update(version=newest)
    treatment = last_treatment(client, newest)
    if treatment is not None:
        Treatment.objects.filter(pk=treatment.pk).update(version=newest)
    made = 0
    visits: list[Appointment | None] = list(booked.order_by("starts_at")) or [None]
    for place, visit in enumerate(visits):
        course = Course(
            clinic=client.clinic, client=client, version=newest, care=care_of(client, newest, now),
            treatment=treatment, appointment=visit,
        )  # fmt: skip
        anchors = [Anchor.APPOINTMENT] if place else [Anchor.TREATMENT, Anchor.APPOINTMENT, Anchor.COURSE]
        made += len(plan(course, anchors=anchors, now=now, handing_over=waiting).messages)
    made += _calendars(client, newest, by, now)
    agree(client, by=by, now=now)
    record(
        clinic_id=client.clinic_id, kind="version_adopted", subject=f"client:{client.pk}", actor=by, at=now,
        facts={"version": newest.pk, "ended": ended, "planned": made},
    )  # fmt: skip
    return ended, made


def _calendars(client: Client, newest: ProtocolVersion, by: str, now: datetime) -> int:
    """How many mails to her calendar go on under the new version; a cancelled visit goes over with its own."""
    made = 0
    for visit in untrue(client, now):
        if visit.version.protocol_id == newest.protocol_id:
            visit.version = newest
            visit.save(update_fields=["version"])
            made += len(bring_after(visit, by=by, now=now).messages)
    return made
