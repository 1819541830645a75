"""A person sends one step again: it goes once more, under its next number, through every gate (P4, P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Contact, Grant, Message
from worker.models.standing import GrantState
from worker.rules.names import MessageClass
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

AGAIN = (
    State.UNDELIVERED,
    State.REFUSED,
    State.MISSED,
    State.WITHHELD,
    State.UNRESOLVED,
    State.DELIVERED,
    State.ACCEPTED,
)
"""What has ended; whatever may still leave by itself is not sent again by hand."""


def may_resend(message: Message, now: datetime) -> bool:
    """True for a step of the course that has ended and is still useful."""
    return message.cls == MessageClass.COURSE and message.state in AGAIN and message.expires_at > now


@transaction.atomic
def resend(*, message_id: int, by: str, now: datetime) -> Message:
    """Plan a step once more, due now, at the client's address of today; `by` is "staff:12". Raises Refusals.

    Pressed twice it is sent once: while the newest of its numbers is on its way, another is refused.
    """
    first = Message.objects.filter(pk=message_id).first()
    if first is None or first.client_id is None:
        raise _no("is no message of a client", "choose one from her page")
    contact = Contact.objects.filter(client=first.client_id, channel=first.channel, valid_to__isnull=True).first()
    if contact is None:
        raise _no("has no address today", "ask the client for one")
    (row,) = standings.lock([contact.standing_id])
    _may_go(row, first)
    stem = first.occasion.rpartition(":r")[0]
    newest = Message.objects.filter(occasion__startswith=f"{stem}:r").order_by("-resend").first()
    assert newest is not None
    if newest.state in (State.PLANNED, State.HELD, State.SENDING, State.UNKNOWN):
        raise _no("is on its way already", "wait until it has arrived or failed")
    if not may_resend(newest, now):
        raise _no("is not true any more, or ended with what it spoke of", "call the client instead")
    made = again(newest, contact, due_at=now, now=now)
    record(
        clinic_id=made.clinic_id, kind="resent", subject=f"message:{made.pk}", actor=by, at=now,
        facts={"message": newest.pk, "resend": made.resend},
    )  # fmt: skip
    return made


def again(newest: Message, contact: Contact, *, due_at: datetime, now: datetime) -> Message:
    """The same step under its next number, planned; the caller holds the lock of the contact's standing row."""
    stem = newest.occasion.rpartition(":r")[0]
    same = ("clinic_id", "client_id", "channel", "purpose", "cls", "kind", "version_id", "step_id", "treatment_id",
            "appointment_id", "care_id", "generation", "language", "zone", "expires_at")  # fmt: skip
    made = Message(
        **{name: getattr(newest, name) for name in same}, contact=contact, standing_id=contact.standing_id,
        resend=newest.resend + 1, occasion=f"{stem}:r{newest.resend + 1}", state=State.PLANNED, due_at=due_at,
        created_at=now, wall_time=newest.wall_time if due_at == newest.due_at else "",  # back to its own hour
    )  # fmt: skip
    made.save()
    make_ready([made], now=now)
    return made


def _may_go(row: Standing, message: Message) -> None:
    """Said at once and not by a message withheld later: whoever pressed would believe that she hears of it (P1, P2)."""
    if row.suppressed_at is not None:
        raise _no(f"can't be sent again: she said stop on {row.suppressed_at:%-d %B %Y}", "call her")
    agreed = Grant.objects.filter(standing=row, client=message.client_id, purpose=message.purpose)
    if not agreed.filter(state=GrantState.ACTIVE).exists():
        raise _no("can't be sent again: she does not agree to it at her address of today", "call her")


def _no(problem: str, mend: str) -> Refusals:
    return Refusals([Refusal("message", problem, mend)])
