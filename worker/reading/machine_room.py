"""The machine room at a glance: who works, what waits in Redis, and how the day goes against its forecast (P5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker import clock
from worker.models import Hour, Message
from worker.reading.counted import counted
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.broker import Broker
    from worker.models import Pulse
    from worker.reading.parts import Parts

DAY = timedelta(days=1)


def machine_room(*, now: datetime, there: Parts) -> dict[str, Any]:
    """Ages in seconds of machine time; the last 24 hours by the hour, and what the next 24 will bring, to 10,001."""
    seen, machine = there.engine, clock.machine()
    coming = Message.objects.filter(state=State.PLANNED, due_at__gt=now, due_at__lte=now + DAY)
    hours = _hours(now)
    return {
        "workers": [_worker(each, machine) for each in seen.workers],
        "beats": [{"name": each.name, "seen_seconds": _age(each.seen_at, machine)} for each in seen.beats],
        "last_tick_seconds": _age(seen.last_tick, machine),
        "last_sweep_seconds": _age(seen.last_sweep, machine),
        "consumers": seen.consumers,
        "broker": _broker(there.broker),
        "broker_is_redis": there.by_redis,
        "hours": hours,
        "day": {
            "went": sum(each["accepted"] for each in hours),
            "called": sum(each["called"] for each in hours),
            "coming": counted(coming=coming)["coming"],
        },
    }


def _worker(pulse: Pulse, machine: datetime) -> dict[str, Any]:
    return {
        "name": pulse.name,
        "queues": pulse.queues,
        "up_seconds": _age(pulse.since, machine),
        "seen_seconds": _age(pulse.seen_at, machine),
        "worked_seconds": _age(pulse.worked_at, machine),
        "shift_seconds": pulse.shift_seconds,
    }


def _age(at: datetime | None, machine: datetime) -> float | None:
    return max(0.0, round((machine - at).total_seconds(), 1)) if at else None


def _broker(seen: Broker | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "version": seen.version,
        "depth": seen.depth,
        "evicts_nothing": seen.policy_ok,
        "used_bytes": seen.used_bytes,
        "limit_bytes": seen.limit_bytes,
    }


def _hours(now: datetime) -> list[dict[str, Any]]:
    found = Hour.objects.filter(hour__gt=now - DAY, hour__lte=now).order_by("hour", "channel")
    return [
        {
            "hour": each.hour.isoformat(),
            "channel": each.channel,
            "called": each.called,
            "accepted": each.accepted,
            "refused": each.refused,
            "unknown": each.unknown,
            "late_seconds": round(each.late_seconds / each.called, 1) if each.called else 0.0,
            "latest_seconds": round(each.latest_seconds, 1),
        }
        for each in found
    ]
