"""Close a conversation, so that the course goes on; and open it again, for nobody closes without a slip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.converse.led import led, led_open, not_a_stop, note, refuse_unanswered, refuse_unclear
from worker.actions.converse.let_go import let_go
from worker.models import Conversation
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic


@transaction.atomic
def close(*, clinic: Clinic, conversation_id: int, by: str, now: datetime, no_stop: bool = False) -> int:
    """End a conversation; how many messages go on, each through every gate anew. Raises Refusals.

    A red flag that nobody answered can't be closed away; nor can a reply that may mean stop, unless whoever read it
    says with `no_stop` that it does not (rule 17). Her next reply opens a new one.
    """
    found = led_open(clinic=clinic, conversation_id=conversation_id, by=by)
    conversation = found.conversation
    refuse_unanswered(conversation)
    if no_stop:
        not_a_stop(found, now=now)
    refuse_unclear(found)
    return let_go(conversation, found.rows, actor=found.actor, now=now)


@transaction.atomic
def reopen(*, clinic: Clinic, conversation_id: int, by: str, now: datetime) -> None:
    """Take the closing back: what is still to come waits again, if it did. Raises Refusals.

    An open one is left as it is.
    """
    found = led(clinic=clinic, conversation_id=conversation_id, by=by)
    conversation = found.conversation
    if conversation.closed_at is None:
        return
    if conversation.client is not None and conversation.client.erased_at is not None:
        raise Refusals([Refusal("conversation", "is of a client who was erased", "leave it closed")])
    if _other_open(conversation):
        raise Refusals([Refusal("conversation", "has a newer one that is open", "go on in that one")])
    conversation.closed_at = conversation.closed_by = None
    conversation.save(update_fields=["closed_at", "closed_by"])
    note(found, "reopened", {}, now)


def _other_open(conversation: Conversation) -> bool:
    hers = {"client_id": conversation.client_id}
    there = {"client_id": None, "standing_id": conversation.standing_id}
    whose = hers if conversation.client_id is not None else there
    return Conversation.objects.filter(clinic_id=conversation.clinic_id, closed_at__isnull=True, **whose).exists()
