"""After a stop: which instructions this client now will not get, so that a person hands them over (rules 35, 41)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from worker.actions.record.task import open_task
from worker.models import Message
from worker.rules.names import MessageClass, Purpose
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import Q

REACHES_HER = (*OPEN, State.SENDING, State.ACCEPTED, State.DELIVERED)  # an unknown outcome is no instruction read


def coming_instructions(which: Q, *, now: datetime) -> list[Message]:
    """The aftercare that `which` selects and that was still to be read, first due first; asked before it is cancelled.

    The caller holds the lock of the standing row, so that none of it is decided meanwhile.
    """
    aftercare = Message.objects.filter(which, cls=MessageClass.COURSE, purpose=Purpose.AFTERCARE)
    coming = aftercare.filter(state__in=OPEN, expires_at__gt=now, client__isnull=False)
    return list(coming.select_related("step").order_by("due_at", "pk"))


def hand_over_after_stop(cancelled: Sequence[Message], *, now: datetime) -> None:
    """Tell staff, once per client, what was cancelled and comes to her in no other way; nothing when that is nothing.

    In the caller's transaction, after the messages were cancelled. What also goes by her other channel she will read
    there: a second stop there is told then.
    """
    lost: dict[int, list[Message]] = defaultdict(list)
    for each in cancelled:
        if each.client_id is not None and not _comes_otherwise(each):
            lost[each.client_id].append(each)
    for client_id, hers in lost.items():
        first = hers[0]
        open_task(
            clinic_id=first.clinic_id,
            client_id=client_id,
            kind="hand_over_after_stop",
            cause=f"hand_over_after_stop:{client_id}:{first.pk}",
            facts={"channel": first.channel, "steps": [_said(each) for each in hers]},
            due_at=max(now, first.due_at),
            now=now,
        )


def _comes_otherwise(each: Message) -> bool:
    same: dict[str, Any] = {"client": each.client_id, "step": each.step_id, "treatment": each.treatment_id}
    twins = Message.objects.filter(**same, state__in=REACHES_HER)
    return twins.exclude(channel=each.channel).exists()


def _said(each: Message) -> dict[str, object]:
    return {"message": each.pk, "step": each.step.code, "due_at": each.due_at.isoformat()}
