"""End a conversation: its texts go on, each through every gate anew; in a transaction of the caller, rows locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.record.audit import record
from worker.models import Contact, Conversation, Message, StaffTask
from worker.rules.gate import Reason
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Standing

UNCLEAR = "unclear_reply"
ANSWERED = ("red_flag_reply", "red_flag_checkin", "red_flag_unanswered", "nobody_on_call")
ASKED = (*ANSWERED, "asks_for_call", UNCLEAR)


def let_go(conversation: Conversation, rows: Sequence[Standing], *, actor: str, now: datetime) -> int:
    """Close it; how many messages go on. What is past its useful time stays: it is missed, and a person hands it over.

    The caller holds the locks of `rows`, the addresses that it may have held up, and of the conversation.
    """
    conversation.closed_at, conversation.closed_by, conversation.remind_at = now, actor, None
    conversation.save(update_fields=["closed_at", "closed_by", "remind_at"])
    there = Q(standing__in=[row.pk for row in rows])
    hers = Q(client=conversation.client_id) if conversation.client_id is not None else Q()
    waiting = Message.objects.filter(hers | there, state=State.HELD, reason=Reason.CONVERSATION, expires_at__gt=now)
    count = waiting.update(state=State.PLANNED, reason="")  # what another thread still holds, the gate holds again
    done_with(conversation, ASKED, actor=actor, now=now)
    record(
        clinic_id=conversation.clinic_id, kind="conversation", subject=f"conversation:{conversation.pk}", actor=actor,
        at=now, code="closed", facts={"client": conversation.client_id, "messages": count}, sealed=True,
    )  # fmt: skip
    return count


def let_go_unclear(rows: Sequence[Standing], *, actor: str, now: datetime) -> None:
    """Close what unclear replies alone had opened at these addresses: whoever ended the hold had read them.

    A conversation in which a warning sign came, or in which one of us has written, is closed by whoever leads it.
    """
    clients = Contact.objects.filter(standing__in=rows, valid_to__isnull=True).values("client_id")
    theirs = Conversation.objects.filter(Q(client__in=clients) | Q(standing__in=rows), closed_at__isnull=True)
    calm = theirs.filter(holds=True, red_at__isnull=True, taken_by__isnull=True, replies__isnull=True)
    for conversation in calm.order_by("pk").select_for_update(no_key=True, of=("self",)):
        let_go(conversation, rows, actor=actor, now=now)


def done_with(conversation: Conversation, kinds: Sequence[str], *, actor: str, now: datetime) -> None:
    """The tasks that asked for somebody in this conversation are done."""
    tasks = StaffTask.objects.filter(clinic_id=conversation.clinic_id, kind__in=kinds, done_at__isnull=True)
    tasks.filter(facts__conversation=conversation.pk).update(done_at=now, done_by=actor)
