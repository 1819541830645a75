"""Claim a batch: a lease on rows of the ready table, with a fence that grows with every claim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction

from worker.models.rows import among, fetch, update_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta


STRIDE = 16
"""A claim raises the fence by one, a decision to wait lifts it to the next multiple of this: it only ever grows, and
what it is beyond a multiple counts the claims since then that ended without any decision."""


class Claim(NamedTuple):
    """One message that this worker holds until its lease ends, and the fence under which it does."""

    message_id: int
    lease: int


@transaction.atomic
def claim(
    *,
    channel: str,
    limit: int,
    now: datetime,
    machine: datetime,
    lease: timedelta,
    worker: str,
    crowded: bool = True,
    caps: Mapping[int, int] | None = None,
) -> list[Claim]:
    """Lease up to `limit` due messages of a channel, oldest first; two workers never get the same one.

    When it is `crowded`, more being due than one claim takes, each clinic that has something due gets the same share
    of the claim and the rest goes by age: one clinic's flood never delays another's text. `caps` says by clinic how
    many it may have at best, where its sender's limits are near.
    `now` is calendar time (what is due), `machine` machine time (which leases are over).
    """
    ask = _Ask(channel, now, machine, machine + lease, worker)
    clinics = ask.clinics() if crowded or caps else []
    if len(clinics) < 2 and not caps:  # noqa: PLR2004 - alone there is nobody to be fair to
        return ask.oldest(limit)
    claims = ask.shares(clinics, limit, caps or {}) if clinics else []
    return claims + (ask.oldest(limit - len(claims), beside=caps) if len(claims) < limit else [])


def _beside(clinics: Iterable[int] | None) -> tuple[str, list[Any]]:
    """The condition that a row belongs to none of these clinics, to be added to another; and its parameters."""
    if not clinics:
        return "", []
    these, ids = among("clinic_id", clinics)
    return f" AND NOT {these}", ids


DUE = "FROM aftercare_ready WHERE channel = %s AND due_at <= %s AND free_at <= %s"


@dataclass(frozen=True, slots=True)
class _Ask:
    """One claim's question to the table of what is ready."""

    channel: str
    now: datetime
    machine: datetime
    until: datetime
    worker: str

    @property
    def _due(self) -> list[Any]:
        return [self.channel, self.now, self.machine]

    def oldest(self, limit: int, *, beside: Iterable[int] | None = None) -> list[Claim]:
        """Claim by age alone, but for some clinics."""
        others, ids = _beside(beside)
        picked = f"SELECT message_id {DUE}{others} ORDER BY due_at LIMIT {int(limit)} {_skip()}"
        return self._lease(picked, [*self._due, *ids])

    def shares(self, clinics: list[int], limit: int, caps: Mapping[int, int]) -> list[Claim]:
        """Claim the oldest few of each clinic, `caps` at most."""
        share = max(1, limit // len(clinics))
        few = {clinic_id: min(share, caps.get(clinic_id, share)) for clinic_id in clinics}
        if connection.vendor == "postgresql":
            one = f"SELECT message_id, due_at {DUE} AND clinic_id = c.id ORDER BY due_at LIMIT c.few {_skip()}"
            these, listed = "unnest(%s::bigint[], %s::bigint[]) AS c(id, few)", [list(few), list(few.values())]
            picked = (
                f"SELECT d.message_id FROM {these} CROSS JOIN LATERAL ({one}) d ORDER BY d.due_at LIMIT {int(limit)}"
            )
            return self._lease(picked, [*listed, *self._due])
        place = "row_number() OVER (PARTITION BY clinic_id ORDER BY due_at) AS place"
        ranked = f"SELECT message_id, due_at, clinic_id, {place} {DUE}"
        fewer = " ".join(f"WHEN {int(clinic_id)} THEN {int(many)}" for clinic_id, many in few.items())
        picked = f"SELECT message_id FROM ({ranked}) WHERE place <= CASE clinic_id {fewer} END "
        return self._lease(f"{picked} ORDER BY due_at LIMIT {int(limit)}", self._due)

    def clinics(self) -> list[int]:
        """Every clinic that has something due, from index entry to index entry: a flood costs no more than one text."""
        first = f"SELECT min(clinic_id) {DUE}"
        found = fetch(
            f"WITH RECURSIVE c(id) AS ({first} UNION ALL SELECT ({first} AND clinic_id > c.id) FROM c "
            "WHERE c.id IS NOT NULL) SELECT id FROM c WHERE id IS NOT NULL",
            [*self._due, *self._due],
        )
        return [row[0] for row in found]

    def _lease(self, picked: str, params: list[Any]) -> list[Claim]:
        rows = fetch(
            f"WITH due(claimed) AS MATERIALIZED ({picked}) "
            "UPDATE aftercare_ready AS r SET lease = r.lease + 1, free_at = %s, worker = %s "
            "FROM due WHERE r.message_id = due.claimed RETURNING message_id, lease",
            [*params, self.until, self.worker],
        )
        return [Claim(*row) for row in rows]


def _skip() -> str:
    return "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""


@transaction.atomic
def give_back(claims: Sequence[Claim], *, free_at: datetime) -> None:
    """End these leases at `free_at` (machine time), where nobody claimed after us: they were not decided."""
    for lease in {claim.lease for claim in claims}:
        rows = [(claim.message_id, free_at) for claim in claims if claim.lease == lease]
        update_many("aftercare_ready", "message_id", ("free_at",), rows, f"t.lease = {int(lease)}")
