"""A revocation that staff write down: a voice mail, a letter, a word at the desk (rule 27)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_address, revoke_client, revoke_standing
from worker.actions.receive.follow_up import follow_up
from worker.models import Client, Contact
from worker.models.suppression import SuppressionReason
from worker.rules.address import normalise_email
from worker.rules.names import Channel
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic
    from worker.rules.names import Purpose


def from_desk(
    *,
    clinic_slug: str,
    phone: str,
    email: str,
    client_id: int | None,
    reason: str,
    received_at: datetime | None,
    now: datetime,
    by: str = "staff",
) -> int:
    """End everything at a phone, a mailbox, or every address of a client; how many addresses. Raises Refusals.

    `by` is "staff:12" where it is known who wrote it down.
    """
    said = replace(_said(reason, received_at, now), by=by)
    if client_id is not None:
        return _client(client_id, said, now)
    clinic = find.clinic(clinic_slug) if clinic_slug else find.only_clinic()
    channel, address = _address(phone, email, clinic)
    revoke_address(clinic_id=clinic.pk, channel=channel, address=address, said=said, now=now)
    return 1


def _said(reason: str, received_at: datetime | None, now: datetime) -> Revocation:
    when = received_at or now
    if when.tzinfo is None or when > now:
        mend = "for example 2026-05-03T09:00:00-04:00"
        raise Refusals([Refusal("received-at", "has no offset, or lies in the future", mend)])
    return Revocation(
        reason=SuppressionReason.DESK,
        method="desk",
        by="staff",
        received_at=when,
        evidence={"reason": reason},
    )


@transaction.atomic
def _client(client_id: int, said: Revocation, now: datetime) -> int:
    if not Client.objects.filter(pk=client_id).exists():
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    hers = Contact.objects.filter(client_id=client_id, valid_to__isnull=True).values_list("standing_id", flat=True)
    ids = set(hers)
    rows = standings.lock_addresses(ids)
    follow_up(rows, now=now)
    for row in rows:
        revoke_standing(row, said=said, now=now)
    return len(ids)


def _address(phone: str, email: str, clinic: Clinic) -> tuple[Channel, str]:
    """The number, or else the mailbox. Raises Refusals."""
    try:
        return (Channel.SMS, _phone(phone, clinic)) if phone else (Channel.EMAIL, normalise_email(email)[1])
    except Refusal as refusal:
        raise Refusals([refusal]) from None


def _phone(phone: str, clinic: Clinic) -> str:
    """A number that says stop is taken from any country: refusing it would be the wrong way to be strict."""
    return parse_phone(phone, clinic.country, allow_fiction=settings.ALLOW_FICTION_NUMBERS, field="phone").e164


@transaction.atomic
def part_from_desk(
    *, client: Client, channel: Channel, purpose: Purpose, reason: str, by: str, received_at: datetime, now: datetime
) -> int:
    """End one purpose of a client on one channel, as she told the desk; how many messages ended. Raises Refusals."""
    contacts = Contact.objects.filter(client=client, valid_to__isnull=True)
    standings.lock(contacts.values_list("standing_id", flat=True))
    said = replace(_said(reason, received_at, now), by=by)
    return revoke_client(client=client, channel=channel, purposes=[purpose], said=said, now=now)
