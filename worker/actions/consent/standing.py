"""Find, create and lock the standing rows that every decision and every revocation goes through (P2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from worker import clock, sealed
from worker.actions.consent.twins import rows_of, twins_of
from worker.models import Standing
from worker.models.rows import fetch, locking, moment
from worker.rules.refusal import Refusal, Refusals

KEYS_LOOKED_UP_EVERY = 600.0  # seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from worker.rules.names import Channel


def locked(*, clinic_id: int, channel: Channel, address: str, now: datetime) -> Standing:
    """The standing row of one normalised address, created when unknown and locked until the transaction ends.

    With a twin the one that said stop, as `ensure`.
    """
    rows = all_locked(clinic_id=clinic_id, channel=channel, address=address, now=now)
    return min(rows, key=lambda row: row.suppressed_at is None)


def all_locked(*, clinic_id: int, channel: Channel, address: str, now: datetime) -> list[Standing]:
    """The same with its twins: where processes ran with different keys one address has two rows, and a STOP ends both.

    One statement for a known address, as many rows as it has.
    """
    known = _find_locked(clinic_id, channel, [each.digest for each in sealed.fingerprints(clinic_id, channel, address)])
    return known or lock([ensure(clinic_id=clinic_id, channel=channel, address=address, now=now)])


def lock(ids: Iterable[int]) -> list[Standing]:
    """Lock standing rows in id order, the order everywhere, so that two transactions never wait for each other."""
    return list(Standing.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk"))


def lock_addresses(ids: Iterable[int]) -> list[Standing]:
    """The same with their twins: for whatever ends, suppresses, holds or frees an address that a row stands for (P2).

    All in one turn, for a row that is locked later would break the order. With a single key it costs no more than
    `lock`; see `twins_of`.
    """
    named = set(ids)
    return lock([*named, *twins_of(named)])


def ensure(*, clinic_id: int, channel: Channel, address: str, now: datetime) -> int:
    """The id of an address's standing row, created when unknown, not locked.

    Looks under every fingerprint key, so that no suppression hides behind a rotated one (rule 61). Of twins it is the
    one that said stop: who asks for a single row wants to write there, and the other would let her in (P2).
    """
    first, *more = ensure_all(clinic_id=clinic_id, channel=channel, address=address, now=now)
    if not more:
        return first
    stopped = Standing.objects.filter(pk__in=(first, *more), suppressed_at__isnull=False).order_by("pk")
    return stopped.values_list("pk", flat=True).first() or first


def strictest(rows: Iterable[Standing], *, hers: Collection[int] = ()) -> Standing:
    """Of an address's rows, all locked by the caller, the one that decides and is written to (P2, rule 17).

    One that is stopped before all, for the address is; then that of `hers` where the client is already, else one that
    is held, and of like ones the first. Chosen after the lock: a STOP may come between a look and a lock.
    """
    return min(rows, key=lambda row: (row.suppressed_at is None, row.pk not in hers, row.held_at is None, row.pk))


def ensure_all(*, clinic_id: int, channel: Channel, address: str, now: datetime) -> list[int]:
    """The same with its twins, the row itself first."""
    if found := rows_of(clinic_id, channel, address):
        return found
    refuse_lost_keys()
    newest = sealed.fingerprints(clinic_id, channel, address)[0]
    row = Standing(
        clinic_id=clinic_id, channel=channel, fingerprint=newest.digest, key_id=newest.key_id, changed_at=now
    )
    Standing.objects.bulk_create([row], ignore_conflicts=True)  # another may have been first; its row is the row
    made = rows_of(clinic_id, channel, address)
    assert made
    return made


def refuse_lost_keys() -> None:
    """Make no new row while fingerprints are stored under a key that this process lacks: a STOP may hide there.

    Looked up once in ten minutes. Raises Refusals; a webhook answers 503 then, and the provider comes again.
    """
    global _keys_seen_at  # noqa: PLW0603 - one answer per process
    if clock.running() - _keys_seen_at < KEYS_LOOKED_UP_EVERY:
        return
    known = {made.key_id for made in sealed.fingerprints(0, "", "")}
    if Standing.objects.exclude(key_id__in=known).exists():
        mend = "put the missing key back at the end of FINGERPRINT_KEYS; a new key goes to the end first, everywhere"
        raise Refusals([Refusal("FINGERPRINT_KEYS", "lacks a key that stored addresses need", mend)])
    _keys_seen_at = clock.running()


_keys_seen_at = -1e9


_COLUMNS = [str(field.column) for field in Standing._meta.concrete_fields]  # noqa: SLF001 - Django documents _meta as public
_MOMENTS = {"suppressed_at", "held_at", "changed_at"}


def _find_locked(clinic_id: int, channel: Channel, digests: list[bytes]) -> list[Standing]:
    """The rows of a known address, found and locked in one statement, in id order; none when it is unknown."""
    found = fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM aftercare_standing WHERE clinic_id = %s AND channel = %s "
        f"AND fingerprint IN ({', '.join(['%s'] * len(digests))}) ORDER BY id {locking('FOR NO KEY UPDATE')}",
        [clinic_id, channel, *digests],
    )
    return [_read(row) for row in found]


def _read(row: tuple[object, ...]) -> Standing:
    values = [
        moment(value) if name in _MOMENTS and value is not None else value
        for name, value in zip(_COLUMNS, row, strict=True)
    ]
    return Standing.from_db(connection.alias, _COLUMNS, values)
