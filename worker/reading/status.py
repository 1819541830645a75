"""The state of the house at a glance: due, late, unknown, paused, by channel (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models import Attempt, Clinic, Message, Pause, ProviderCopy, StaffTask, Watermark
from worker.models.attempt import AttemptState
from worker.models.provider_copy import CopyState
from worker.reading.backlog import backlog
from worker.reading.circuits import circuits
from worker.reading.counted import counted
from worker.reading.feeds import feeds
from worker.reading.red_flags import red_flags
from worker.reading.unconfirmed import unconfirmed
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.reading.backlog import Backlog
    from worker.rules.names import Channel

MOST_LISTS = 20  # the ones furthest behind


def status(*, now: datetime) -> dict[str, Any]:
    """Counts are capped at 10,001; ages in seconds of calendar time."""
    standing = list(Pause.objects.filter(ended_at__isnull=True).order_by("pk"))
    return {
        "now": now.isoformat(),
        "clinics": Clinic.objects.count(),
        "channels": {channel.value: _channel(channel, due, now) for channel, due in backlog(now=now).items()},
        **_counts(now),
        "red_flags": red_flags(now=now)._asdict(),
        "copies": counted(
            pending=ProviderCopy.objects.filter(state=CopyState.PENDING),
            failed=ProviderCopy.objects.filter(state=CopyState.FAILED),
        ),
        "inbound_lists": [
            {
                "name": each.name,
                "behind_seconds": (now - each.read_to).total_seconds(),
                "failures": each.failures,
                "code": each.code,
            }
            for each in Watermark.objects.filter(name__startswith="inbound:").order_by("read_to")[:MOST_LISTS]
        ],
        "feeds": feeds(now=now),
        "paused": [
            {
                "id": each.pk,
                "scope": each.scope,
                "value": each.value,
                "why": each.why,
                "by": each.by,
                "since": each.since.isoformat(),
            }
            for each in standing
        ],
        "circuits": circuits(standing, now=now),
    }


def _counts(now: datetime) -> dict[str, int]:
    tasks = StaffTask.objects.filter(done_at__isnull=True)
    return counted(
        unknown=Message.objects.filter(state=State.UNKNOWN),
        unconfirmed=unconfirmed(now=now),
        held=Message.objects.filter(state=State.HELD),
        in_flight=Attempt.objects.filter(state=AttemptState.SENDING),
        tasks_open=tasks,
        tasks_overdue=tasks.filter(due_at__lte=now),
        drift=tasks.filter(kind="ledger_drift"),
    )


def _channel(channel: Channel, due: Backlog, now: datetime) -> dict[str, Any]:
    coming = Message.objects.filter(channel=channel, state=State.PLANNED, due_at__gt=now).order_by("due_at")
    following = coming.values_list("due_at", flat=True).first()
    return {
        "due_now": due.due_now,
        "oldest_due_seconds": due.oldest_seconds,
        "next_due_at": following.isoformat() if following else None,
    }
