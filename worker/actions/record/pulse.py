"""Signs of life: a worker's process, a beat whose tick arrived, the round that looks for what is due.

Written by whoever is at work anyway, so that it proves work and not merely a process; and seldom, so that it costs
nothing beside it.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DatabaseError, connection

from worker import clock
from worker.models import Hour, Pulse
from worker.models.pulse import PulseKind
from worker.models.rows import insert_many

log = structlog.get_logger("aftercare.pulse")
EVERY = 3.0  # seconds; alarms begin at a minute
FORGET_PULSES = timedelta(days=7)
FORGET_HOURS = timedelta(days=400)
_last: dict[tuple[int, str], float] = {}  # by process and name: clock.running() when it was last written


@dataclass(frozen=True, slots=True)
class Tick:
    """A beat's tick as it arrived: who sent it, and when (machine time)."""

    origin: str
    at: datetime

    @classmethod
    def of(cls, origin: str, at: str) -> Tick | None:
        """The tick that a task's headers speak of; None where they don't, or where anybody wrote nonsense there."""
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        return cls(origin[:60], moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def worked(*, shift_seconds: float | None = None) -> None:
    """This process has just done a round of work, a shift of so many seconds among it."""
    name = f"{socket.gethostname()[:40]}:{os.getpid()}"
    _show(PulseKind.WORKER, name, clock.machine(), os.environ.get("AFTERCARE_QUEUES", ""), shift_seconds)


def swept() -> None:
    """The round that looks for what is due came to its end."""
    _show(PulseKind.SWEEP, "sweep", clock.machine())


def ticked(tick: Tick) -> None:
    """A beat's tick arrived, whatever it was for."""
    _show(PulseKind.BEAT, tick.origin, tick.at)


def forget_old(*, now: datetime) -> int:
    """Drop the signs of life of what ended a week ago, and hours of more than a year ago; how many."""
    ended, _ = Pulse.objects.filter(seen_at__lt=clock.machine() - FORGET_PULSES).delete()
    over, _ = Hour.objects.filter(hour__lt=now - FORGET_HOURS).delete()
    return ended + over


def _show(kind: PulseKind, name: str, at: datetime, queues: str = "", shift_seconds: float | None = None) -> None:
    """Write it, unless it was written a moment ago; a database that is away hears of it next time."""
    key, running = (os.getpid(), name), clock.running()
    if running - _last.get(key, -EVERY) < EVERY:
        return
    _last[key] = running
    try:
        insert_many(
            "aftercare_pulse",
            ("name", "kind", "queues", "since", "seen_at", "shift_seconds"),
            [(name, kind, queues[:60], clock.machine(), at, shift_seconds)],
            "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, queues = excluded.queues, "
            "shift_seconds = coalesce(excluded.shift_seconds, aftercare_pulse.shift_seconds)",
        )
    except DatabaseError as error:
        log.warning("pulse not written", error=type(error).__name__)
        connection.close_if_unusable_or_obsolete()


def forget_last() -> None:
    """Write the next sign at once; for tests that roll back what was written."""
    _last.clear()
