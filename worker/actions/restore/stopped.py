"""After a restore: obey again what clients, mailboxes and the desk had ended, out of the spool of stops (P2).

Read from some minutes before the lost time: whoever kept a stop has another clock than the database. What the backup
knows itself is not obeyed again, or a yes that came after it would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_client, revoke_once
from worker.actions.restore import coverage, spool
from worker.models import ConsentEvent, Contact, Grant
from worker.models.consent import Act
from worker.models.standing import GrantState
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.actions.restore.spool import Stop
    from worker.models import Standing

BY = "system"
MARGIN = timedelta(minutes=15)  # as for texts


@dataclass(slots=True)
class Stopped:
    """What the spool held: `obeyed` anew, `known` to the backup, and of `strangers` whom the backup does not know.

    `erased` are the ids of clients who were erased, and whom the backup has brought back; `unread` says why the spool
    can't know all stops of the lost time.
    """

    obeyed: int = 0
    known: int = 0
    strangers: int = 0
    erased: list[int] = field(default_factory=list)
    unread: str = ""


def obey(*, since: datetime, now: datetime) -> Stopped:
    """Obey each stop that was kept since then (machine time); may be run again. `now` is calendar time.

    Raises Refusals when the spool can't be read.
    """
    try:
        return _obey(Stopped(unread=coverage.gap(since)), spool.since(since - MARGIN), now)
    except OSError as error:
        mend = (
            "give the user that runs this the right to read it, or put the file back from a copy, and run it again; "
            "when it is gone for good: restore-check --release --unchecked"
        )
        problem = f"{error.filename or spool.folder()} can't be read ({error.strerror or type(error).__name__})"
        raise Refusals([Refusal("spool", problem, mend)]) from None


def _obey(told: Stopped, stops: Iterable[Stop], now: datetime) -> Stopped:
    for stop in stops:
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
        wanted = set(stop.purposes) - set(
            _recorded(stop, rows, client_id=contact.client_id).values_list("purpose", flat=True)
        )
        granted = Grant.objects.filter(client=contact.client_id, standing__in=rows, purpose__in=wanted)
        open_still = granted.exclude(state=GrantState.REVOKED).exists()
        if open_still:
            revoke_client(client=contact.client, channel=stop.channel, purposes=wanted, said=said, now=now)
        return open_still
    known = set(_recorded(stop, rows).values_list("standing_id", flat=True))
    return revoke_once([row for row in rows if row.pk not in known], said=said, now=now)


def _recorded(stop: Stop, rows: Sequence[Standing], **more: int) -> QuerySet[ConsentEvent]:
    """This very act, as the ledger has it: whatever was agreed to after it is known here as well, and holds."""
    ended = ConsentEvent.objects.filter(standing_id__in=[row.pk for row in rows], act__in=(Act.REVOKED, Act.CLOSED))
    return ended.filter(method=stop.method, happened_at=stop.received_at, **more)
