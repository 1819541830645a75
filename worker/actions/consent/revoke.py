"""STOP, in whatever way it was said: recorded, obeyed and final in one transaction, with the database alone (P2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q

from worker.actions.consent import ledger, standing
from worker.actions.course.cancel import cancel
from worker.actions.receive.hand_over import coming_instructions, hand_over_after_stop
from worker.actions.record.audit import record
from worker.models import Client, Grant, Suppression
from worker.models.consent import Act
from worker.rules.names import AnswerKind, Channel, MessageClass, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Standing
    from worker.models.suppression import SuppressionReason


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
    row.save(update_fields=["suppressed_at", "suppressed_why", "changed_at"])
    Suppression.objects.create(
        clinic_id=row.clinic_id,
        standing=row,
        channel=row.channel,
        reason=said.reason,
        source=said.source,
        since=min(said.received_at, now),
    )
    grants = list(Grant.objects.filter(standing=row).order_by("pk"))
    acts = [_act(said, grant.client_id, Purpose(grant.purpose), zone) for grant, zone in _zones(grants)]
    ledger.write(row, acts or [_act(said, None, purpose, "UTC") for purpose in Purpose], now=now)
    _end(row, Q(), said, now)
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
        ended += _end(row, Q(client=client, purpose__in=wanted), said, now)
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


def _end(row: Standing, narrower: Q, said: Revocation, now: datetime) -> int:
    """Cancel what is planned there; after STOP only the one confirmation of that STOP may leave (rule 22)."""
    course = Q(cls=MessageClass.COURSE) | Q(kind__in=(AnswerKind.OPTIN_QUESTION, AnswerKind.OPTIN_CONFIRMATION))
    which = Q(standing=row) & course & narrower
    instructions = coming_instructions(which, now=now)
    ended = cancel(which=which, reason="revoked", actor=said.by, now=now)
    hand_over_after_stop(instructions, now=now)
    return ended


def _zones(grants: list[Grant]) -> list[tuple[Grant, str]]:
    zones = dict(Client.objects.filter(pk__in={grant.client_id for grant in grants}).values_list("pk", "zone"))
    return [(grant, zones[grant.client_id]) for grant in grants]


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
