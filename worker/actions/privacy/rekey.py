"""Write fingerprints anew under the newest of FINGERPRINT_KEYS, where the address can still be read.

The standing row is locked first, as every decision and every STOP does, and look-ups try all keys: whichever comes
first, a STOP finds the row (P2). A suppression whose address is gone stays under its old key, which must stay too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from worker import sealed
from worker.actions.clients import search
from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.actions.record.task import open_task
from worker.models import Client, ClientSearch, Contact, Message, StaffContact, Standing
from worker.models.suppression import SuppressionReason
from worker.rules.address import normalise_email
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.db.models import QuerySet


def key_ids() -> list[str]:
    """The ids of FINGERPRINT_KEYS, newest first."""
    return [made.key_id for made in sealed.fingerprints(0, "", "")]


def standings_waiting() -> QuerySet[Standing]:
    """Standing rows under an older key whose address we still hold."""
    contact = Contact.objects.filter(standing=OuterRef("pk"), address_sealed__isnull=False)
    answer = Message.objects.filter(standing=OuterRef("pk"), address_sealed__isnull=False)
    own = StaffContact.objects.filter(standing=OuterRef("pk"), address_sealed__isnull=False)
    late = Standing.objects.exclude(key_id=key_ids()[0])
    return late.filter(Q(Exists(contact)) | Q(Exists(answer)) | Q(Exists(own)))


def rekey_standings(*, batch: int, now: datetime) -> Iterator[int]:
    """Re-key standing rows in the order of their ids; after each batch: how many."""
    after = 0
    while True:
        with transaction.atomic():
            ids = list(standings_waiting().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:batch])
            told = [_rekey(row) for row in standings.lock(ids)]
        if not ids:
            return
        for twin in told:
            if isinstance(twin, tuple):
                _settle_twins(twin, now)
        after = ids[-1]
        yield told.count(True)


def _rekey(row: Standing) -> bool | tuple[int, int]:
    """True once the row is under the newest key; the ids of both rows where that fingerprint has a row already."""
    for address in _addresses(row):
        prints = sealed.fingerprints(row.clinic_id, row.channel, address)
        if bytes(row.fingerprint) not in {made.digest for made in prints}:
            continue  # not what this row was made of: leave it alone
        same = Standing.objects.filter(clinic_id=row.clinic_id, channel=row.channel, fingerprint=prints[0].digest)
        twin = same.exclude(pk=row.pk).first()
        if twin is not None:
            return row.pk, twin.pk
        row.key_id, row.fingerprint = prints[0].key_id, prints[0].digest
        row.save(update_fields=["key_id", "fingerprint"])
        return True
    return False


def _addresses(row: Standing) -> Iterator[str]:
    """What the row may have been made of, normalised; values that can't be read are passed over."""
    contacts = Contact.objects.filter(standing=row, address_sealed__isnull=False).order_by("-pk")
    answers = Message.objects.filter(standing=row, address_sealed__isnull=False).order_by("-pk")
    own = StaffContact.objects.filter(standing=row, address_sealed__isnull=False).order_by("-pk")
    values = [list(rows.values_list("address_sealed", flat=True)) for rows in (contacts, own)]
    for stored in (*values[0], *values[1], *_one(answers)):
        address = _opened(stored)
        if address:
            yield normalise_email(address)[1] if row.channel == Channel.EMAIL else address


def _one(answers: QuerySet[Message]) -> Iterable[bytes | memoryview | None]:
    return answers.values_list("address_sealed", flat=True)[:1]


def _opened(stored: bytes | memoryview | None) -> str:
    try:
        return sealed.unseal(stored, "contact.address") if stored else ""
    except sealed.Unreadable:
        return ""


@transaction.atomic
def _settle_twins(ids: Iterable[int], now: datetime) -> None:
    """One address got two rows, because two processes ran with different key lists: in doubt, nothing is sent.

    A stop of one becomes a stop of both; else the row that look-ups no longer find is held before staff, for a STOP
    would go to the other one.
    """
    first, second = standings.lock(ids)
    stopped = next((row for row in (first, second) if row.suppressed_at), None)
    source = f"standing:{first.pk}"
    if stopped is not None and stopped.suppressed_why:
        reason = SuppressionReason(stopped.suppressed_why)
        said = Revocation(reason=reason, method="rotation", by="system", received_at=now, source=source)
        for row in (first, second):
            if row.suppressed_at is None:
                revoke_standing(row, said=said, now=now)
    elif second.held_at is None:
        hold_standing(second, why="address_twice", source=source, now=now)
        facts = {"standings": [first.pk, second.pk]}
        cause = f"address_twice:{second.pk}"
        open_task(clinic_id=first.clinic_id, client_id=None, kind="address_twice", cause=cause, facts=facts, now=now)


def search_waiting() -> QuerySet[ClientSearch]:
    """Search hashes under an older key."""
    return ClientSearch.objects.exclude(key_id=key_ids()[0])


def rekey_search(*, batch: int) -> Iterator[tuple[int, list[str]]]:
    """Write clients' search hashes anew; after each batch: how many clients, and whose name can't be read."""
    after = 0
    while True:
        late = search_waiting().filter(client_id__gt=after).order_by("client_id")
        ids = list(late.values_list("client_id", flat=True).distinct()[:batch])
        if not ids:
            return
        told = [_reindex(client_id) for client_id in ids]
        after = ids[-1]
        yield told.count(True), [f"client {pk}" for pk, done in zip(ids, told, strict=True) if not done]


@transaction.atomic
def _reindex(client_id: int) -> bool:
    """The client's row is locked: an erasure that comes first leaves nothing to write anew."""
    client = Client.objects.select_for_update(no_key=True).get(pk=client_id)
    current = Contact.objects.filter(client=client, valid_to__isnull=True, address_sealed__isnull=False)
    try:
        name = sealed.unseal(client.name_sealed, "client.name") if client.name_sealed else ""
        found = {
            contact.channel: sealed.unseal(contact.address_sealed, "contact.address")
            for contact in current
            if contact.address_sealed
        }
    except sealed.Unreadable:
        return False
    email = found.get(Channel.EMAIL, "")
    ClientSearch.objects.filter(client=client).delete()
    search.index(client, name=name, phone=found.get(Channel.SMS, ""), email=normalise_email(email)[1] if email else "")
    return True
