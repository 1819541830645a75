"""Her course goes on at another address: with what lies ahead, and with what the change held up (P5, rule 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.course.replan import replan
from worker.actions.course.resend import again
from worker.models import Message
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.states import State
from worker.timeline import OF_PLAN, consents_of

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Contact


def go_on(contact: Contact, *, reason: str, now: datetime) -> list[Message]:
    """Plan at a contact what is ahead, and whatever ended for `reason` and is still useful; what was planned.

    What was due and had not left is due at once, or handed over where no opening is left. Nothing that may have left
    goes again (P4). In the caller's transaction, who holds the standing's lock and has written the consents.
    """
    client, channel = contact.client, Channel(contact.channel)
    ended = Message.objects.filter(client=client, channel=channel, cls=MessageClass.COURSE, expires_at__gt=now)
    ended = ended.filter(state=State.CANCELLED, reason=reason)
    late = frozenset(ended.filter(OF_PLAN).values_list("step__code", flat=True))
    beside = list(ended.exclude(OF_PLAN).order_by("pk"))
    planned = replan(client, channel=channel, now=now, late=late)
    given = consents_of(client)
    return planned + [
        _bring_along(each, contact, now)
        for each in beside
        if (channel, Purpose(each.purpose)) in given and not _was_followed(each)
    ]


def _bring_along(message: Message, contact: Contact, now: datetime) -> Message:
    """What no plan brings: a correction, what a person sent again, what stands in for another channel."""
    made = again(message, contact, due_at=max(message.due_at, now), now=now)
    if message.fallback_of is not None:  # the gate asks whether what it stands in for arrived after all
        made.fallback_of = message.fallback_of
        made.save(update_fields=["fallback_of"])
    return made


def _was_followed(message: Message) -> bool:
    """Whether it came back under a later number before: its address may change more than once."""
    stem = message.occasion.rpartition(":r")[0]
    return Message.objects.filter(occasion__startswith=f"{stem}:r", resend__gt=message.resend).exists()
