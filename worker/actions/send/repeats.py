"""What goes once more, and an earlier number of it turns out to have left: it is stopped, or it is an alarm (P4).

Sent again because nobody knew, or because it had come back; it waits for a cap or an hour, and meanwhile a receipt, a
late answer or the provider's list shows that the first is on her phone. Without this hers rings again, hours later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from worker import meters
from worker.actions.course.cancel import end
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Event, Message
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.sent_again import later_numbers
from worker.rules.gate import Reason
from worker.rules.names import MessageClass
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from worker.models import Attempt

KIND = "reconciled"  # of the record, as all that is found out after a call
log = structlog.get_logger("aftercare.went")


def left_after_all(attempt: Attempt, message: Message, *, now: datetime) -> None:
    """Cancel the later numbers of a message whose `attempt` left, in the caller's transaction.

    One that may have left itself can't be taken back: that is the task `rang_twice`. Should its call prove never to
    have begun, it would be planned again: the record says that it is not needed, and the gate reads that (`needless`).

    The caller holds the attempt, the message, and the standing row of that attempt; the later ones are locked after it,
    in the order of their ids. One that goes to another address is under another standing row, which is not locked: a
    worker that decides it waits at the message, finds it ended, and decides its batch again.
    """
    if message.cls != MessageClass.COURSE:
        return
    ids = later_numbers(message)
    if not ids:
        return
    later = list(Message.objects.select_for_update().filter(pk__in=ids).order_by("pk"))
    waiting = [(each.pk, each.clinic_id) for each in later if each.state in OPEN]
    end(waiting, reason=Reason.NOT_NEEDED, actor="system", now=now)
    going = [each for each in later if each.state not in OPEN and _may_ring(each)]
    for each in going:
        record(
            clinic_id=each.clinic_id, kind=KIND, subject=f"message:{each.pk}", actor="system", at=now,
            code=Reason.NOT_NEEDED, facts={"message": message.pk},
        )  # fmt: skip
    if going:
        rang_twice(attempt, now)


def _may_ring(message: Message) -> bool:
    return message.state != State.UNDELIVERED and message.tries.filter(state__in=MAY_HAVE_LEFT).exists()


def needless(message_ids: Collection[int]) -> set[int]:
    """Those of which the record says that an earlier number had left, while they were on their way."""
    if not message_ids:
        return set()
    subjects = {f"message:{pk}": pk for pk in message_ids}
    told = Event.objects.filter(subject__in=subjects, kind=KIND, code=Reason.NOT_NEEDED)
    return {subjects[subject] for subject in told.values_list("subject", flat=True)}


def hand_over(message: Message, *, now: datetime) -> None:
    """Tell staff of what came back after its repeat had been cancelled for it: nothing else would bring it (P5)."""
    ids = later_numbers(message) if message.cls == MessageClass.COURSE else []
    if ids and Message.objects.filter(pk=ids[-1], state=State.CANCELLED, reason=Reason.NOT_NEEDED).exists():
        open_task(
            clinic_id=message.clinic_id, client_id=message.client_id, kind="not_sent",
            cause=f"not_sent:{message.pk}:{State.UNDELIVERED}",
            facts={"message": message.pk, "reason": message.reason}, now=now,
        )  # fmt: skip


def rang_twice(attempt: Attempt, now: datetime) -> None:
    """What was sent again had left already: it must never happen, and never silently."""
    transaction.on_commit(meters.DUPLICATES.inc)
    log.error("rang_twice", message=attempt.message_id, attempt=attempt.pk.hex)
    open_task(
        clinic_id=attempt.clinic_id, client_id=attempt.message.client_id, kind="rang_twice",
        cause=f"rang_twice:{attempt.pk}", facts={"message": attempt.message_id}, now=now,
    )  # fmt: skip
