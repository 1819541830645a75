"""Where a client lives becomes known, or is put right: her plan is made anew on her own clock (P6, rule 47)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker import sealed
from worker.actions.clients import find
from worker.actions.course.agree import agree
from worker.actions.course.cancel import cancel
from worker.actions.course.her_calendar import bring_after, untrue
from worker.actions.course.plan import plan
from worker.actions.course.replan import courses
from worker.actions.course.visit import lock_client
from worker.actions.record.audit import record
from worker.models import Appointment, Client, Contact, Message, Treatment
from worker.models.appointment import AppointmentStatus
from worker.opening import hours_of
from worker.rules.clocks import clocks
from worker.rules.hours import next_opening
from worker.rules.local_time import zone
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import OPEN
from worker.timeline import OF_PLAN

if TYPE_CHECKING:
    from datetime import datetime

REASON = "zone_told"


@dataclass(frozen=True, slots=True)
class Told:
    """Her zone as it counts now; how many messages ended with the old clock, and those that were planned on hers."""

    zone: str
    ended: int = 0
    planned: list[Message] = field(default_factory=list)


@transaction.atomic
def tell_zone(*, client_id: int, name: str, by: str, now: datetime) -> Told:
    """Give a client her zone, and plan on it whatever was still to come. Raises Refusals; then nothing changed.

    `name` is an IANA zone, `by` the email of one of the desk. Nothing that went goes again, and what was missed or
    handed over stays so; a visit keeps its instant. The zone that she has already changes nothing.
    """
    client = Client.objects.select_related("clinic").filter(pk=client_id, erased_at__isnull=True).first()
    if client is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    place = _place(name)
    person = find.staff(by, clinic_id=client.clinic_id, roles=find.DESK, field="by")
    lock_client(client.pk)
    client = Client.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=client.pk)
    if client.zone_is_known and client.zone == place:
        return Told(place)
    _move(client, place, now)
    ended, planned = _plan_anew(client, f"staff:{person.pk}", now)
    record(
        clinic_id=client.clinic_id, kind=REASON, subject=f"client:{client.pk}", actor=f"staff:{person.pk}", at=now,
        facts={"ended": ended, "planned": len(planned)},
    )  # fmt: skip
    return Told(place, ended, planned)


def _place(name: str) -> str:
    try:
        return zone(name, "zone").key
    except Refusal as refusal:
        raise Refusals([refusal]) from None


def _move(client: Client, place: str, now: datetime) -> None:
    """Write the zone wherever her clock counts. Raises Refusals where no hour would be left (a presumed zone stays)."""
    own, *others = clocks(place, client.clinic.zone, _number(client))
    hours = hours_of(client.clinic, Channel.SMS, Purpose.AFTERCARE, own, *others)
    if next_opening(now, hours.windows, *hours.zones) is None:
        mend = "look whether it is right; her number's own zone counts beside it"
        raise Refusals([Refusal("zone", "leaves no hour at which she may be written to", mend)])
    client.zone, client.zone_is_known, client.other_clocks = own, True, " ".join(others)
    client.save(update_fields=["zone", "zone_is_known", "other_clocks"])
    Treatment.objects.filter(client=client, voided_at__isnull=True).update(zone=own)
    Appointment.objects.filter(client=client, status=AppointmentStatus.BOOKED, starts_at__gt=now).update(zone=own)


def _number(client: Client) -> str:
    contact = Contact.objects.filter(client=client, channel=Channel.SMS, valid_to__isnull=True).first()
    stored = contact.address_sealed if contact else None
    return sealed.unseal(stored, "contact.address") if stored else ""


def _plan_anew(client: Client, by: str, now: datetime) -> tuple[int, list[Message]]:
    """How many open messages of the plan ended, and those that came in their place.

    What a person sent again, or what stands in for another channel, is due already: it keeps its moment, and its hours
    are read on the new clock.
    """
    still = Message.objects.filter(client=client, state__in=OPEN)
    which = OF_PLAN & Q(client=client)
    waiting = frozenset(still.filter(which).values_list("step__code", flat=True))
    ended = cancel(which=which, reason=REASON, actor=by, now=now)
    still.update(zone=client.zone)
    planned: list[Message] = []
    for course, anchors in courses(client, now):
        planned += plan(course, anchors=anchors, now=now, handing_over=waiting).messages
    for visit in untrue(client, now):
        planned += bring_after(visit, by=by, now=now).messages
    agree(client, by=by, now=now)
    return ended, planned
