"""The state of the house at a glance: due, late, unknown, paused, by channel (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from worker.models import Attempt, Clinic, Message, Pause, ProviderCopy, Sender, StaffTask, Watermark
from worker.models.attempt import AttemptState
from worker.models.provider_copy import CopyState
from worker.models.scope_names import names_of
from worker.reading import pauses
from worker.reading.backlog import backlog
from worker.reading.circuits import circuits
from worker.reading.counted import counted
from worker.reading.feeds import feeds
from worker.reading.red_flags import red_flags
from worker.reading.unconfirmed import unconfirmed
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models.scope_names import ScopeName
    from worker.reading.backlog import Backlog

MOST_LISTS = 20  # the ones furthest behind


def status(*, now: datetime, clinic: Clinic | None = None) -> dict[str, Any]:
    """Counts are capped at 10,001; ages in seconds of calendar time.

    Counts are those of the whole house, whose queues are shared. For a clinic's people, rows (pauses, circuits,
    calendars, lists of incoming texts) are those that their `clinic` feels, and a pause says who gave it (P10).
    """
    standing = list(Pause.objects.filter(ended_at__isnull=True).order_by("pk"))
    if clinic:
        standing = pauses.felt(standing, clinic)
    names = names_of((each.scope, each.value) for each in standing)
    told = pauses.told(standing, clinic) if clinic else {}
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
        "inbound_lists": [_list_of(each, now) for each in _lists(clinic).order_by("read_to")[:MOST_LISTS]],
        "feeds": [each for each in feeds(now=now) if clinic is None or each["clinic"] == clinic.slug],
        "paused": [_pause(each, names[each.scope, each.value]) | told.get(each.pk, {}) for each in standing],
        "circuits": circuits(standing, now=now),
    }


def _pause(standing: Pause, name: ScopeName) -> dict[str, Any]:
    return {
        "id": standing.pk,
        "scope": standing.scope,
        "value": standing.value,
        "name": name.name,
        "clinic": name.clinic,
        "plain": str(name),
        "why": standing.why,
        "by": standing.by,
        "since": standing.since.isoformat(),
    }


def _list_of(row: Watermark, now: datetime) -> dict[str, Any]:
    """How far a list of incoming texts was read (calendar seconds); its failures in a row, and the last one's code."""
    return {
        "name": row.name,
        "behind_seconds": (now - row.read_to).total_seconds(),
        "failures": row.failures,
        "code": row.code,
    }


def _lists(clinic: Clinic | None) -> QuerySet[Watermark]:
    """Lists of incoming texts: of every number, or of the numbers and accounts that a clinic's texts come to."""
    lists = Watermark.objects.filter(name__startswith="inbound:")
    if clinic is None:
        return lists
    own = Sender.objects.filter(clinic=clinic, channel=Channel.SMS).values_list("pk", "account_sid")
    names = {f"inbound:{sid or settings.TWILIO_ACCOUNT_SID}" for _, sid in own}
    return lists.filter(name__in=names | {f"inbound:sender:{pk}" for pk, _ in own})


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
