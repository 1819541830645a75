"""STOP, in whatever way it was said: recorded, obeyed and final in one transaction, with the database alone (P2)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from worker.actions.consent import ledger, standing
from worker.actions.consent.optin_follows import optin_follows
from worker.actions.course.cancel import end
from worker.actions.receive.hand_over import coming, hand_over_after_stop
from worker.actions.record.audit import record
from worker.actions.restore import spool
from worker.models import Suppression
from worker.models.consent import Act
from worker.models.rows import among, change, fetch
from worker.models.store import store
from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from worker.actions.consent.revocation import Revocation
    from worker.models import Client, Standing


@transaction.atomic
def revoke_address(*, clinic_id: int, channel: Channel, address: str, said: Revocation, now: datetime) -> Standing:
    """End every purpose at one address of a clinic, for whoever shares it, known or not (rules 25, 34, 134)."""
    rows = standing.all_locked(clinic_id=clinic_id, channel=channel, address=address, now=now)
    revoke_standings([Ended(row, said, already=row.suppressed_at is not None) for row in rows], now=now)
    return rows[0]


def revoke_standing(row: Standing, *, said: Revocation, now: datetime) -> None:
    """The same for a standing row whose lock the caller holds."""
    revoke_standings([Ended(row, said, already=row.suppressed_at is not None)], now=now)


def revoke_once(rows: Sequence[Standing], *, said: Revocation, now: datetime) -> bool:
    """End everything at those rows of an address that the same reason has not ended yet; False when it had ended all.

    Asked of the suppressions, not of the rows: a bounce that staff lift later must not lift the client's own stop.
    """
    there = Suppression.objects.filter(standing__in=rows, reason=said.reason, lifted_at__isnull=True)
    ended = set(there.values_list("standing_id", flat=True))
    left = [row for row in rows if row.pk not in ended]
    if left:
        revoke_standings([Ended(row, said, already=row.suppressed_at is not None) for row in left], now=now)
    return bool(left)


class Ended(NamedTuple):
    """One address, who said that it ends, and whether it was stopped before."""

    row: Standing
    said: Revocation
    already: bool


def revoke_standings(ended: Sequence[Ended], *, now: datetime) -> None:
    """The same for several, in as many statements as for one; the caller holds the locks of the rows."""
    _close(ended, now)
    store(
        [
            Suppression(
                clinic_id=row.clinic_id, standing=row, channel=row.channel, reason=said.reason, source=said.source,
                since=min(said.received_at, now),
            )
            for row, said, _ in ended
        ]
    )  # fmt: skip
    granted = _granted([each.row for each in ended])
    ledger.write_all([(row, act) for row, said, _ in ended for act in _acts(said, granted[row.pk])], now=now)
    _end_all([(row, said.by) for row, said, _ in ended], now)
    for row, said, already in ended:
        spool.keep(row.pk, Channel(row.channel), said)
        record(
            clinic_id=row.clinic_id, kind="revoked", subject=f"standing:{row.pk}", actor=said.by, at=now,
            code=said.reason, facts={"method": said.method, "already": already}, sealed=True,
        )  # fmt: skip


def _close(ended: Sequence[Ended], now: datetime) -> None:
    """Nothing is decided for these any more; a STOP by text has said so already (`receive.follow_up`)."""
    for row, said, _ in ended:
        if row.suppressed_at is None or row.suppressed_why != said.reason:
            row.suppressed_at, row.suppressed_why, row.changed_at = row.suppressed_at or now, said.reason, now
            change(
                "UPDATE aftercare_standing SET suppressed_at = %s, suppressed_why = %s, changed_at = %s WHERE id = %s",
                [row.suppressed_at, row.suppressed_why, row.changed_at, row.pk],
            )


@transaction.atomic
def revoke_client(
    *, client: Client, channel: Channel, purposes: Iterable[Purpose], said: Revocation, now: datetime
) -> int:
    """End some purposes of a client on one channel (a link or the desk may be narrower than STOP); messages ended.

    What she kept there goes on: the question and the confirmation that it waits for are planned again.
    """
    wanted = frozenset(purposes)
    ended = 0
    for contact in client.contacts.filter(channel=channel, valid_to__isnull=True).select_related("standing"):
        row = type(contact.standing).objects.select_for_update(no_key=True).get(pk=contact.standing_id)
        row.changed_at = now
        row.save(update_fields=["changed_at"])
        acts = [_act(said, client.pk, purpose, client.zone) for purpose in sorted(wanted)]
        ledger.write(row, acts, now=now)
        ended += _end(row, said, now, client.pk, wanted)
        optin_follows(contact, by=said.by, now=now)
        spool.keep(row.pk, channel, said, client_id=client.pk, purposes=wanted)
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


def _end(row: Standing, said: Revocation, now: datetime, client_id: int, purposes: Collection[Purpose]) -> int:
    """Cancel what is planned there for one client and these purposes; how many."""
    return _end_all([(row, said.by)], now, client_id, purposes)


def _end_all(
    rows: Sequence[tuple[Standing, str]],
    now: datetime,
    client_id: int | None = None,
    purposes: Collection[Purpose] = tuple(Purpose),
) -> int:
    """Cancel what is planned at addresses, each with who ended it; after STOP only its one confirmation may leave."""
    ending = coming([row for row, _ in rows], client_id=client_id, purposes=purposes)
    for actor in dict.fromkeys(actor for _, actor in rows):
        theirs = [(each.pk, row.clinic_id) for row, by in rows if by == actor for each in ending[row.pk]]
        end(theirs, reason="revoked", actor=actor, now=now)
    hand_over_after_stop([(row, ending[row.pk]) for row, _ in rows], now=now)
    return sum(map(len, ending.values()))


Granted = tuple[int, str, str]
"""The client's number, the purpose and the client's zone."""


def _granted(rows: Iterable[Standing]) -> dict[int, list[Granted]]:
    """The grants at each address, the oldest first."""
    these, ids = among("g.standing_id", [row.pk for row in rows])
    granted: dict[int, list[Granted]] = defaultdict(list)
    for standing_id, *grant in fetch(
        "SELECT g.standing_id, g.client_id, g.purpose, c.zone FROM aftercare_grant g "
        f"JOIN aftercare_client c ON c.id = g.client_id WHERE {these} ORDER BY g.id",
        ids,
    ):
        granted[standing_id].append((grant[0], grant[1], grant[2]))
    return granted


def _acts(said: Revocation, granted: Sequence[Granted]) -> list[ledger.ConsentAct]:
    """One for each grant; for a number that nobody has, one for each purpose and nobody (rule 34)."""
    of_clients = [_act(said, client_id, Purpose(purpose), zone) for client_id, purpose, zone in granted]
    return of_clients or [_act(said, None, purpose, "UTC") for purpose in Purpose]


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
