"""Claim a batch: a lease on rows of the ready table, with a fence that grows with every claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection, transaction

from worker.models.rows import fetch, update_many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta


STRIDE = 16
"""A claim raises the fence by one, a decision to wait lifts it to the next multiple of this: it only ever grows, and
what it is beyond a multiple counts the claims since then that ended without any decision."""


class Claim(NamedTuple):
    """One message that this worker holds until its lease ends, and the fence under which it does."""

    message_id: int
    lease: int


@transaction.atomic
def claim(*, channel: str, limit: int, now: datetime, machine: datetime, lease: timedelta, worker: str) -> list[Claim]:
    """Lease up to `limit` due messages of a channel, oldest first; two workers never get the same one.

    `now` is calendar time (what is due), `machine` machine time (which leases are over).
    """
    skip = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    rows = fetch(
        "WITH due(claimed) AS MATERIALIZED (SELECT message_id FROM aftercare_ready "
        "WHERE channel = %s AND due_at <= %s AND free_at <= %s "
        f"ORDER BY due_at LIMIT {int(limit)} {skip}) "
        "UPDATE aftercare_ready AS r SET lease = r.lease + 1, free_at = %s, worker = %s "
        "FROM due WHERE r.message_id = due.claimed RETURNING message_id, lease",
        [channel, now, machine, machine + lease, worker],
    )
    return [Claim(*row) for row in rows]


@transaction.atomic
def give_back(claims: Sequence[Claim], *, free_at: datetime) -> None:
    """End these leases at `free_at` (machine time), where nobody claimed after us: they were not decided."""
    for lease in {claim.lease for claim in claims}:
        rows = [(claim.message_id, free_at) for claim in claims if claim.lease == lease]
        update_many("aftercare_ready", "message_id", ("free_at",), rows, f"t.lease = {int(lease)}")
