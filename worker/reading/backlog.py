"""What is due and not decided, asked of the messages themselves: the table of what is ready may be behind (P5).

That table is filled by a worker. When none works it grows no more, and would say that nothing is due: just then
somebody has to hear of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.models import Message, Ready
from worker.reading.counted import MANY
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages of a channel are due, counted to 10,001, and for how many seconds the oldest has been."""

    due_now: int
    oldest_seconds: float


def backlog(*, now: datetime) -> dict[Channel, Backlog]:
    """By channel; `now` is calendar time. One walk along the index of what is planned, oldest first."""
    due = Message.objects.filter(state=State.PLANNED, due_at__lte=now).order_by("due_at")
    rows = list(due.values_list("channel", "due_at")[:MANY])
    counted = Counter(channel for channel, _ in rows)
    oldest = dict(reversed(rows))  # the first of each channel stays
    return {channel: _of(channel, counted, oldest, now) for channel in Channel}


def _of(channel: Channel, counted: Counter[str], oldest: dict[str, datetime], now: datetime) -> Backlog:
    """Where ten thousand of the other channel are older, the table of what is ready tells of this one."""
    first = oldest.get(channel)
    if first is None and counted.total() == MANY:
        ready = Ready.objects.filter(channel=channel, due_at__lte=now).order_by("due_at")
        first = ready.values_list("due_at", flat=True).first()
    return Backlog(max(counted[channel], int(first is not None)), (now - first).total_seconds() if first else 0.0)
