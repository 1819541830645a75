"""Signs of life: a worker's process, a beat whose tick arrived, the round that looks for what is due.

Written by whoever is at work anyway, and seldom, so that it costs nothing beside it. A process to whom no hint comes
says so by a timer (`life`): that it lives, and not that it worked.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf

import structlog
from django.db import DatabaseError, connection

from worker import clock
from worker.models import Hour, Pulse
from worker.models.pulse import PulseKind
from worker.models.rows import insert_many

log = structlog.get_logger("aftercare.pulse")
EVERY = 3.0  # seconds; alarms begin at a minute
IDLE = 5.0  # seconds without a sign before the timer gives one: half its own time, so that no gap grows to 15
FORGET_PULSES = timedelta(days=7)
FORGET_HOURS = timedelta(days=400)
# A process's first sign begins its row anew: in a container that is started again, host and number are the same.
ANEW = "since = excluded.since, shift_seconds = excluded.shift_seconds, worked_at = excluded.worked_at"
ON = (
    "shift_seconds = coalesce(excluded.shift_seconds, aftercare_pulse.shift_seconds), "
    "worked_at = coalesce(excluded.worked_at, aftercare_pulse.worked_at)"
)


@dataclass(slots=True)
class _Shown:
    """What this process knows of one sign: since when it gives it, when it last tried, whether it was ever written."""

    since: datetime = field(default_factory=clock.machine)
    tried: float = -inf  # clock.running()
    written: bool = False


_shown: dict[tuple[int, str], _Shown] = {}  # by process and name


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
    now = clock.machine()
    _show(PulseKind.WORKER, own_name(), now, worked_at=now, shift_seconds=shift_seconds)


def lives() -> None:
    """This process is there, whether it works or not; nothing is written where it said so within IDLE seconds."""
    _show(PulseKind.WORKER, own_name(), clock.machine(), every=IDLE)


def own_name() -> str:
    """By which status names this process."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}"


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


def _show(
    kind: PulseKind,
    name: str,
    at: datetime,
    *,
    worked_at: datetime | None = None,
    shift_seconds: float | None = None,
    every: float = EVERY,
) -> None:
    """Write it, unless it was written a moment ago; a database that is away hears of it next time."""
    shown, running = _shown.setdefault((os.getpid(), name), _Shown()), clock.running()
    if running - shown.tried < every:
        return
    shown.tried = running
    own = kind == PulseKind.WORKER
    queues = os.environ.get("AFTERCARE_QUEUES", "")[:60] if own else ""
    try:
        insert_many(
            "aftercare_pulse",
            ("name", "kind", "queues", "since", "seen_at", "worked_at", "shift_seconds"),
            [(name, kind, queues, shown.since, at, worked_at, shift_seconds)],
            "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, queues = excluded.queues, "
            f"{ANEW if own and not shown.written else ON}",
        )
        shown.written = True
    except DatabaseError as error:
        log.warning("pulse not written", error=type(error).__name__)
        connection.close_if_unusable_or_obsolete()


def forget_last() -> None:
    """Write the next sign at once; for tests that roll back what was written."""
    _shown.clear()
