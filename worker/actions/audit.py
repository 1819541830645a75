"""The audit record and its chain: one row per change, and a hash over all before it (P8, rule 142)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Max

from worker.models import Clinic, Event, Seal
from worker.models.chain import START, next_head, row_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import Model, QuerySet

LOOK_BACK = 20_000


def record(
    *,
    clinic_id: int,
    kind: str,
    subject: str,
    actor: str,
    at: datetime,
    code: str = "",
    facts: dict[str, Any] | None = None,
    sealed: bool = False,
) -> Event:
    """Write one event inside the caller's transaction; `sealed` chains it in that same transaction.

    `facts` carries ids, codes and versions only, never a name, address or text (P9).
    """
    event = Event.objects.create(
        clinic_id=clinic_id, kind=kind, subject=subject, actor=actor, at=at, code=code, facts=facts or {}
    )
    if sealed:
        append_seals(clinic_id, "event", [event])
    return event


def append_seals(clinic_id: int, table: str, rows: Sequence[Model]) -> None:
    """Chain rows of one clinic, in order, in the caller's transaction; the clinic's row is the chain's lock."""
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic_id)
    last = Seal.objects.filter(clinic_id=clinic_id).order_by("-number").first()
    number, head = (last.number, last.head) if last else (0, START)
    seals = []
    for row in rows:
        number += 1
        digest = row_hash(row)
        head = next_head(head, number, table, int(row.pk), digest)
        seals.append(Seal(clinic_id=clinic_id, number=number, table=table, row_id=row.pk, row_sha256=digest, head=head))
    Seal.objects.bulk_create(seals)


def unsealed(clinic_id: int | None, limit: int) -> QuerySet[Event]:
    """Event rows that no seal covers yet, oldest first, of one clinic or of all; the sealer's work.

    Looks back over the last 20,000 numbers only: a row that committed later than so many others would be reported by
    `verify`. The whole history would cost a quarter of a second at 200,000 rows, under the clinic's lock.
    """
    newest = Seal.objects.filter(table="event").aggregate(last=Max("row_id"))["last"] or 0
    since = max(0, newest - LOOK_BACK)
    covered = Seal.objects.filter(table="event", row_id__gt=since).values("row_id")
    found = Event.objects.filter(pk__gt=since).exclude(pk__in=covered).exclude(clinic_id=0).order_by("pk")
    return (found if clinic_id is None else found.filter(clinic_id=clinic_id))[:limit]
