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
from worker.actions.consent.share_stop import share_stop
from worker.actions.consent.twins import address_of
from worker.actions.record.task import open_task
from worker.models import Client, ClientSearch, Contact, Hold, Message, StaffContact, Standing
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
    address = address_of(row)
    if address is None:
        return False  # it is gone, or not what this row was made of: leave it alone
    newest = sealed.fingerprints(row.clinic_id, row.channel, address)[0]
    same = Standing.objects.filter(clinic_id=row.clinic_id, channel=row.channel, fingerprint=newest.digest)
    twin = same.exclude(pk=row.pk).first()
    if twin is not None:
        return row.pk, twin.pk
    row.key_id, row.fingerprint = newest.key_id, newest.digest
    row.save(update_fields=["key_id", "fingerprint"])
    return True


@transaction.atomic
def _settle_twins(ids: Iterable[int], now: datetime) -> None:
    """One address got several rows, because processes ran with different key lists: in doubt, nothing is sent.

    A stop of one becomes a stop of all; else each but the first is held before staff, for a STOP to a process that
    lacks a key would reach one of them alone; about the same two they are asked once. `ids` are two of them: with three
    keys there may be a third.
    """
    first, *others = rows = standings.lock_addresses(ids)
    if share_stop(rows, now=now):
        return
    for row in others:
        pair = f"address_twice:{first.pk}:{row.pk}"  # the task's cause too, so that whoever releases has done it
        if row.held_at is None and not _was_let_go(row, pair):
            hold_standing(row, why="address_twice", source=pair, now=now)
            facts = {"standings": [first.pk, row.pk]}
            open_task(clinic_id=row.clinic_id, client_id=None, kind="address_twice", cause=pair, facts=facts, now=now)


def _was_let_go(row: Standing, pair: str) -> bool:
    """Staff have looked at these two and let her go on: the same two say nothing new, and a stop was looked for anew.

    Held by each rotation, she would miss her course for what a person has answered (P3, P7).
    """
    return Hold.objects.filter(standing=row, source=pair, released_at__isnull=False).exists()


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
