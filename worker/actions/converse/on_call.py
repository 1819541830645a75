"""Who of the staff is called, and where: each person agrees for herself, and leaves as easily."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from worker import sealed
from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.record.audit import record
from worker.models import StaffContact
from worker.models.staff import Role
from worker.rules.address import normalise_email
from worker.rules.names import Channel
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic

ANYONE = tuple(Role)


@transaction.atomic
def agree(*, clinic: Clinic, by: str, address: str, affirmed: bool, now: datetime) -> StaffContact:
    """One of the staff agrees to be told by text or email at her own address. Raises Refusals.

    `by` is her email: nobody agrees for a colleague. Another address takes the place of the one before.
    """
    staff = find.staff(by, clinic_id=clinic.pk, roles=ANYONE, field="by")
    if not affirmed:
        raise Refusals([Refusal("affirmed", "is missing", "tick that you want to be told there")])
    channel, sending, normal = _read(address, clinic)
    row = standings.locked(clinic_id=clinic.pk, channel=channel, address=normal, now=now)
    if row.suppressed_at is not None:
        raise Refusals([Refusal("address", "said STOP here", "text START from that phone, or use another address")])
    _end(staff.pk, channel, f"staff:{staff.pk}", now)
    made = StaffContact.objects.create(
        clinic=clinic, staff=staff, channel=channel, standing=row,
        address_sealed=sealed.seal(sending, "contact.address"), agreed_at=now,
    )  # fmt: skip
    _note("staff_agreed", made, now)
    return made


@transaction.atomic
def leave(*, clinic: Clinic, by: str, channel: Channel, now: datetime) -> int:
    """Take oneself off the list on one channel; 0 when one was not on it. Raises Refusals."""
    staff = find.staff(by, clinic_id=clinic.pk, roles=ANYONE, field="by")
    return _end(staff.pk, channel, f"staff:{staff.pk}", now)


def _read(address: str, clinic: Clinic) -> tuple[Channel, str, str]:
    """The channel, and the address for sending and for the fingerprint. Raises Refusals."""
    try:
        return _parsed(address, clinic)
    except Refusal as refusal:
        raise Refusals([refusal]) from None


def _parsed(address: str, clinic: Clinic) -> tuple[Channel, str, str]:
    if "@" in address:
        return Channel.EMAIL, *normalise_email(address, field="address")
    phone = parse_phone(
        address, clinic.country, countries=clinic.allowed_countries, allow_fiction=settings.ALLOW_FICTION_NUMBERS,
        field="address",
    )  # fmt: skip
    return Channel.SMS, phone.e164, phone.e164


def _end(staff_id: int, channel: Channel, actor: str, now: datetime) -> int:
    current = StaffContact.objects.filter(staff_id=staff_id, channel=channel, ended_at__isnull=True)
    ended = list(current.select_for_update(no_key=True))
    for each in ended:
        each.ended_at, each.ended_by, each.address_sealed = now, actor, None
        each.save(update_fields=["ended_at", "ended_by", "address_sealed"])
        _note("staff_left", each, now)
    return len(ended)


def _note(kind: str, contact: StaffContact, now: datetime) -> None:
    record(
        clinic_id=contact.clinic_id, kind=kind, subject=f"staff:{contact.staff_id}", actor=f"staff:{contact.staff_id}",
        at=now, facts={"contact": contact.pk, "channel": contact.channel}, sealed=True,
    )  # fmt: skip
