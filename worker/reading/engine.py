"""What the machine room shows: workers, beats, the sweep, the database's own health; flat at any number of rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max

from worker import clock
from worker.models import Pulse
from worker.models.pulse import PulseKind
from worker.models.rows import fetch

if TYPE_CHECKING:
    from datetime import datetime

FRESH = timedelta(seconds=30)
HOT = ("aftercare_ready", "aftercare_message", "aftercare_attempt", "aftercare_event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Signs of life (machine time): `workers` are the processes that live, `newest_worker` is when one last worked."""

    workers: list[Pulse]
    beats: list[Pulse]
    newest_worker: datetime | None
    last_tick: datetime | None
    last_sweep: datetime | None

    @property
    def consumers(self) -> dict[str, int]:
        """How many live processes take from each queue."""
        taken = [queue for each in self.workers for queue in each.queues.split(",") if queue]
        return {queue: taken.count(queue) for queue in ("sms", "email", "tend")}


def engine() -> Engine:
    """Who gave a sign of life within the last half minute, and when each kind was last at work."""
    since = clock.machine() - FRESH
    pulses = Pulse.objects.filter(seen_at__gt=since).order_by("name")
    kinds = Pulse.objects.order_by().values_list("kind").annotate(Max("seen_at"), Max("worked_at"))
    newest = {kind: worked if kind == PulseKind.WORKER else seen for kind, seen, worked in kinds}
    return Engine(
        workers=[each for each in pulses if each.kind == PulseKind.WORKER],
        beats=[each for each in pulses if each.kind == PulseKind.BEAT],
        newest_worker=newest.get(PulseKind.WORKER),
        last_tick=newest.get(PulseKind.BEAT),
        last_sweep=newest.get(PulseKind.SWEEP),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One round trip in seconds; on PostgreSQL also its clock minus ours, its oldest transaction, and dead rows.

    Without `sees_all` the transaction is the oldest of our own role: the server shows it no other's.
    """

    seconds: float
    skew: float = 0.0
    oldest_transaction: float = 0.0
    sees_all: bool = True
    dead_rows: dict[str, int] | None = None


def database() -> Database:
    """Ask the database how it is."""
    began = time.monotonic()
    fetch("SELECT 1", [])
    seconds = time.monotonic() - began
    if connection.vendor != "postgresql":
        return Database(seconds=seconds)
    # Clients alone: the server's own vacuum is at large tables for hours. It holds up nobody, nor does a person's
    # VACUUM, unless it is FULL.
    there, oldest, sees_all = fetch(
        "SELECT clock_timestamp(), coalesce((SELECT extract(epoch FROM clock_timestamp() - min(xact_start)) "
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend' AND (query !~* '^\\s*vacuum\\M' OR query ~* '\\mfull\\M')), 0)::float8, "
        "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')",
        [],
    )[0]
    skew = (there - clock.machine()).total_seconds()
    rows = fetch("SELECT relname::text, n_dead_tup FROM pg_stat_user_tables WHERE relname = ANY(%s::text[])", [[*HOT]])
    dead = {name.removeprefix("aftercare_"): many for name, many in rows}
    return Database(seconds=seconds, skew=skew, oldest_transaction=oldest, sees_all=sees_all, dead_rows=dead)
