"""After a restore: obey again what clients, mailboxes and the desk had ended, out of the spool of stops (P2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_client, revoke_once
from worker.actions.restore import spool
from worker.models import Contact, Grant
from worker.models.standing import GrantState

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.restore.spool import Stop

BY = "system"


@dataclass(slots=True)
class Stopped:
    """What the spool held: `obeyed` anew, `known` to the backup, and of `strangers` whom the backup does not know.

    `erased` are the ids of clients who were erased, and whom the backup has brought back.
    """

    obeyed: int = 0
    known: int = 0
    strangers: int = 0
    erased: list[int] = field(default_factory=list)


def obey(*, since: datetime, now: datetime) -> Stopped:
    """Obey each stop that was kept since then (machine time); may be run again. `now` is calendar time.

    Raises OSError when the spool can't be read.
    """
    told = Stopped()
    for stop in spool.since(since):
        contact = Contact.objects.filter(link_key__in=stop.links).order_by("-pk").first()
        if contact is None:
            told.strangers += 1
            continue
        if _obeyed(stop, contact, now):
            told.obeyed += 1
        else:
            told.known += 1
        if _is_back(stop, contact) and contact.client_id not in told.erased:
            told.erased.append(contact.client_id)
    return told


def _is_back(stop: Stop, contact: Contact) -> bool:
    """Her data is here again; only a person of her clinic may erase it, so she is named and no more."""
    return stop.method == spool.ERASURE and contact.client.erased_at is None


@transaction.atomic
def _obeyed(stop: Stop, contact: Contact, now: datetime) -> bool:
    """False when it holds already."""
    said = Revocation(
        reason=stop.reason, method=stop.method, by=BY, received_at=min(stop.received_at, now), source="spool"
    )
    rows = standings.lock_addresses([contact.standing_id])
    if stop.purposes:
        granted = Grant.objects.filter(client=contact.client_id, standing__in=rows, purpose__in=stop.purposes)
        open_still = granted.exclude(state=GrantState.REVOKED).exists()
        if open_still:
            client = contact.client
            revoke_client(client=client, channel=stop.channel, purposes=stop.purposes, said=said, now=now)
        return open_still
    return revoke_once(rows, said=said, now=now)
