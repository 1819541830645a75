"""STOP, in whatever way it was said: recorded, obeyed and final in one transaction, with the database alone (P2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker.actions.consent import ledger, standing
from worker.actions.course.cancel import end
from worker.actions.receive.hand_over import coming, hand_over_after_stop
from worker.actions.record.audit import record
from worker.models import Suppression
from worker.models.consent import Act
from worker.models.rows import change, fetch
from worker.models.store import store
from worker.rules.names import Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from worker.models import Client, Standing
    from worker.models.suppression import SuppressionReason
    from worker.rules.names import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Who said stop, how and when; `evidence` (the reply as written) is sealed."""

    reason: SuppressionReason
    method: str
    by: str
    received_at: datetime
    source: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def revoke_address(*, clinic_id: int, channel: Channel, address: str, said: Revocation, now: datetime) -> Standing:
    """End every purpose at one address of a clinic, for whoever shares it, known or not (rules 25, 34, 134)."""
    row = standing.locked(clinic_id=clinic_id, channel=channel, address=address, now=now)
    revoke_standing(row, said=said, now=now)
    return row


def revoke_standing(row: Standing, *, said: Revocation, now: datetime) -> None:
    """The same for a standing row whose lock the caller holds."""
    already = row.suppressed_at is not None
    row.suppressed_at, row.suppressed_why, row.changed_at = row.suppressed_at or now, said.reason, now
    change(
        "UPDATE aftercare_standing SET suppressed_at = %s, suppressed_why = %s, changed_at = %s WHERE id = %s",
        [row.suppressed_at, row.suppressed_why, row.changed_at, row.pk],
    )
    suppression = Suppression(
        clinic_id=row.clinic_id,
        standing=row,
        channel=row.channel,
        reason=said.reason,
        source=said.source,
        since=min(said.received_at, now),
    )
    store([suppression])
    acts = [_act(said, client_id, Purpose(purpose), zone) for client_id, purpose, zone in _granted(row)]
    ledger.write(row, acts or [_act(said, None, purpose, "UTC") for purpose in Purpose], now=now)
    _end(row, said, now)
    record(
        clinic_id=row.clinic_id,
        kind="revoked",
        subject=f"standing:{row.pk}",
        actor=said.by,
        at=now,
        code=said.reason,
        facts={"method": said.method, "already": already},
        sealed=True,
    )


@transaction.atomic
def revoke_client(
    *, client: Client, channel: Channel, purposes: Iterable[Purpose], said: Revocation, now: datetime
) -> int:
    """End some purposes of a client on one channel (a link or the desk may be narrower than STOP); messages ended."""
    wanted = frozenset(purposes)
    ended = 0
    for contact in client.contacts.filter(channel=channel, valid_to__isnull=True).select_related("standing"):
        row = type(contact.standing).objects.select_for_update(no_key=True).get(pk=contact.standing_id)
        row.changed_at = now
        row.save(update_fields=["changed_at"])
        acts = [_act(said, client.pk, purpose, client.zone) for purpose in sorted(wanted)]
        ledger.write(row, acts, now=now)
        ended += _end(row, said, now, client_id=client.pk, purposes=wanted)
        record(
            clinic_id=row.clinic_id,
            kind="revoked",
            subject=f"client:{client.pk}",
            actor=said.by,
            at=now,
            code=said.reason,
            facts={"method": said.method, "channel": channel, "purposes": sorted(wanted)},
            sealed=True,
        )
    return ended


def _end(
    row: Standing,
    said: Revocation,
    now: datetime,
    client_id: int | None = None,
    purposes: Collection[Purpose] = tuple(Purpose),
) -> int:
    """Cancel what is planned there; after STOP only the one confirmation of that STOP may leave (rule 22)."""
    ended = coming(row, client_id=client_id, purposes=purposes)
    end([(each.pk, row.clinic_id) for each in ended], reason="revoked", actor=said.by, now=now)
    hand_over_after_stop(row, ended, now=now)
    return len(ended)


def _granted(row: Standing) -> list[tuple[int, str, str]]:
    """Of each grant there the client's number, the purpose and the client's zone, the oldest first."""
    return fetch(
        "SELECT g.client_id, g.purpose, c.zone FROM aftercare_grant g JOIN aftercare_client c ON c.id = g.client_id "
        "WHERE g.standing_id = %s ORDER BY g.id",
        [row.pk],
    )


def _act(said: Revocation, client_id: int | None, purpose: Purpose, zone: str) -> ledger.ConsentAct:
    return ledger.ConsentAct(
        client_id=client_id,
        purpose=purpose,
        act=Act.REVOKED,
        method=said.method,
        happened_at=said.received_at,
        zone=zone,
        recorded_by=said.by,
        source=said.source,
        evidence=said.evidence,
    )
