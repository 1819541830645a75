"""The audit record and its chain: one row per change, and a hash over all before it (P8, rule 142)."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import Max

from worker import meters
from worker.models import Clinic, Event, Seal
from worker.models.chain import INSTALLATION, LOOK_BACK, START, next_head, row_hash
from worker.models.rows import fetch, locking
from worker.models.store import store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from django.db.models import Model, QuerySet


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
) -> None:
    """Write one event inside the caller's transaction; `sealed` chains it in that same transaction.

    `facts` carries ids, codes and versions only, never a name, address or text (P9). What a request caused names its
    number, which its log lines and its answer carry too.
    """
    said = {**(facts or {}), **_request()}
    event = Event(clinic_id=clinic_id, kind=kind, subject=subject, actor=actor, at=at, code=code, facts=said)
    waiting = _at_the_end.get()
    if waiting is None:
        store([event])
    else:
        waiting.events.append(event)
    if kind == "revoked":
        meters.revoked(code)
    if sealed:
        append_seals(clinic_id, "event", [event])


def request_number() -> str:
    """The number of the web request that is being answered; "" outside one."""
    return str(structlog.contextvars.get_contextvars().get("request", ""))


def _request() -> dict[str, str]:
    number = request_number()
    return {"request": number} if number else {}


def append_seals(clinic_id: int, table: str, rows: Sequence[Model]) -> None:
    """Chain rows of one clinic, in order, in the caller's transaction; the clinic's row is the chain's lock."""
    waiting = _at_the_end.get()
    if waiting is None:
        _append(clinic_id, [(table, row) for row in rows])
    else:
        waiting.links.extend((clinic_id, table, row) for row in rows)


@dataclass(slots=True)
class _Waiting:
    """What a transaction has recorded so far: events that are not stored yet, and what is to be chained."""

    events: list[Event] = field(default_factory=list)
    links: list[tuple[int, str, Model]] = field(default_factory=list)


@contextmanager
def chained_at_the_end() -> Iterator[None]:
    """Write all events within at its end, and chain what is sealed, in the caller's transaction and in order.

    Every STOP of a clinic waits for the one before it at the clinic's row: held for four statements instead of forty,
    that is what two hundred a second need.
    """
    waiting = _Waiting()
    before = _at_the_end.set(waiting)
    try:
        yield
    finally:
        _at_the_end.reset(before)
    store(waiting.events)
    for clinic_id in sorted({clinic_id for clinic_id, _, _ in waiting.links}):
        _append(clinic_id, [(table, row) for whose, table, row in waiting.links if whose == clinic_id])


_at_the_end: ContextVar[_Waiting | None] = ContextVar("at_the_end", default=None)


def _append(clinic_id: int, rows: Sequence[tuple[str, Model]]) -> None:
    hashed = [(table, row, row_hash(row)) for table, row in rows]  # before the lock: others wait for it
    lock_chain(clinic_id)
    last = fetch(
        "SELECT number, head FROM aftercare_seal WHERE clinic_id = %s ORDER BY number DESC LIMIT 1", [clinic_id]
    )
    number, head = last[0] if last else (0, START)
    seals = []
    for table, row, digest in hashed:
        number += 1
        head = next_head(head, number, table, int(row.pk), digest)
        seals.append(Seal(clinic_id=clinic_id, number=number, table=table, row_id=row.pk, row_sha256=digest, head=head))
    store(seals)


def lock_chain(clinic_id: int) -> None:
    """One writer at a time for each chain: the clinic's row; for the installation's chain that of the first clinic."""
    lock = locking("FOR NO KEY UPDATE")
    if clinic_id == INSTALLATION:
        fetch(f"SELECT id FROM aftercare_clinic ORDER BY id LIMIT 1 {lock}", [])
    elif not fetch(f"SELECT id FROM aftercare_clinic WHERE id = %s {lock}", [clinic_id]):
        raise Clinic.DoesNotExist


def unsealed(clinic_id: int | None, limit: int) -> QuerySet[Event]:
    """Event rows that no seal covers yet, oldest first, of one clinic or of all; the sealer's work.

    Looks back over the last LOOK_BACK numbers only: a row that committed later than so many others is reported by
    `verify`. The whole history would cost a quarter of a second at 200,000 rows, under the clinic's lock.
    """
    newest = Seal.objects.filter(table="event").aggregate(last=Max("row_id"))["last"] or 0
    since = max(0, newest - LOOK_BACK)
    covered = Seal.objects.filter(table="event", row_id__gt=since).values("row_id")
    found = Event.objects.filter(pk__gt=since).exclude(pk__in=covered).order_by("pk")
    return (found if clinic_id is None else found.filter(clinic_id=clinic_id))[:limit]
