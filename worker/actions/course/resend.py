"""A person sends one step again: it goes once more, under its next number, through every gate (P4, P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Attempt, Contact, Event, Grant, Message
from worker.models.attempt import AttemptState
from worker.models.sent_again import all_numbers, key_of, may_go_again
from worker.models.standing import GrantState
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Standing

UNDER_WAY = (State.PLANNED, State.HELD, State.SENDING, State.UNKNOWN)
GIVEN_UP = "given_up"


class AgainAlready(Refusals):
    """Another has planned its next number since the message was looked at: nothing was done."""


@transaction.atomic
def resend(*, message_id: int, by: str, now: datetime, in_bulk: bool = False) -> Message:
    """Plan a step once more, due now, at the client's address of today; `by` is "staff:12". Raises Refusals.

    Pressed twice it is sent once: a number that was sent again is not sent again itself. `in_bulk` is for whoever works
    through a list, which may be old: what any number of it brought to her, or what was given up, is not repeated. One
    who speaks with the client may mean just that.
    """
    message = Message.objects.filter(pk=message_id).first()
    if message is None or message.client_id is None:
        raise _no("is no message of a client", "choose one from her page")
    contact = _today(message)
    if contact is None:
        raise _no("has no address today", "ask the client for one")
    numbers, rows = locked(message)
    (row,) = (each for each in rows if each.pk == contact.standing_id)
    newest = numbers[-1]
    if in_bulk:
        refuse_old_list(message, numbers)
        _refuse_arrived(numbers)
    elif newest.pk != message.pk and newest.state not in UNDER_WAY:
        raise _no("was sent again since", "look at its newest number on her page, and send that one again")
    _may_go(row, message)
    if newest.state in UNDER_WAY:
        raise _no("is on its way already", "wait until it has arrived or failed")
    if not may_go_again(newest, now):
        raise _no("is not true any more, or ended with what it spoke of", "call the client instead")
    made = again(newest, contact, due_at=now, now=now)
    record(
        clinic_id=made.clinic_id, kind="resent", subject=f"message:{made.pk}", actor=by, at=now,
        facts={"message": newest.pk, "resend": made.resend},
    )  # fmt: skip
    return made


def locked(message: Message) -> tuple[list[Message], list[Standing]]:
    """All numbers of a message, the newest last, under the locks of their addresses and of her address of today.

    All of them: whoever learns that an earlier number left after all holds the lock of that one's address, and must
    see the next number, or be seen by whoever plans it.
    """
    ids = set(all_numbers(message).order_by().values_list("standing_id", flat=True))
    contact = _today(message)
    rows = standings.lock(ids | {contact.standing_id} if contact else ids)
    return list(all_numbers(message)), rows  # read anew: another may have planned one while we waited


def refuse_old_list(message: Message, numbers: Sequence[Message]) -> None:
    """Refuse what another settled since it was listed; `numbers` as `locked` gave them. Raises Refusals.

    Without it two operators with one list ring her phone twice, hours apart, and both are told "planned again".
    """
    _refuse_overtaken(message, numbers)
    if numbers[-1].reason == GIVEN_UP:
        raise _not_in_bulk("was given up")


def _refuse_arrived(numbers: Sequence[Message]) -> None:
    """Refuse what is known to have left: as another number, or, by a late receipt, as the one that was refused."""
    arrived = Attempt.objects.filter(message__in=numbers, state=AttemptState.ACCEPTED)
    gone = arrived.exclude(message__state=State.UNDELIVERED).order_by("message__resend").first()
    if gone is not None:
        raise _not_in_bulk(f"went as number {gone.message.resend + 1} after all")


def _refuse_overtaken(message: Message, numbers: Sequence[Message]) -> None:
    """Refuse a number that has a later one, which says who planned it. Raises AgainAlready."""
    if numbers[-1].pk == message.pk:
        return
    following = next(each for each in numbers if each.occasion == key_of(message, message.resend + 1))
    resent = Event.objects.filter(subject=f"message:{following.pk}", kind="resent").first()
    by = resent.actor if resent else "another"
    raise AgainAlready(
        [Refusal("id", f"was already planned again as number {following.resend + 1} by {by}", "nothing done")]
    )


def again(newest: Message, contact: Contact, *, due_at: datetime, now: datetime) -> Message:
    """The same step under its next number, planned; the caller holds the lock of the contact's standing row."""
    same = ("clinic_id", "client_id", "channel", "purpose", "cls", "kind", "version_id", "step_id", "treatment_id",
            "appointment_id", "care_id", "generation", "language", "zone", "expires_at")  # fmt: skip
    made = Message(
        **{name: getattr(newest, name) for name in same}, contact=contact, standing_id=contact.standing_id,
        resend=newest.resend + 1, occasion=key_of(newest, newest.resend + 1), state=State.PLANNED, due_at=due_at,
        created_at=now, wall_time=newest.wall_time if due_at == newest.due_at else "",  # back to its own hour
    )  # fmt: skip
    made.save()
    make_ready([made], now=now)
    return made


def _today(message: Message) -> Contact | None:
    return Contact.objects.filter(client=message.client_id, channel=message.channel, valid_to__isnull=True).first()


def _may_go(row: Standing, message: Message) -> None:
    """Said at once and not by a message withheld later: whoever pressed would believe that she hears of it (P1, P2)."""
    if row.suppressed_at is not None:
        raise _no(f"can't be sent again: she said stop on {row.suppressed_at:%-d %B %Y}", "call her")
    agreed = Grant.objects.filter(standing=row, client=message.client_id, purpose=message.purpose)
    if not agreed.filter(state=GrantState.ACTIVE).exists():
        raise _no("can't be sent again: she does not agree to it at her address of today", "call her")


def _not_in_bulk(problem: str) -> Refusals:
    return Refusals([Refusal("id", problem, "the desk may still send it again from her page")])


def _no(problem: str, mend: str) -> Refusals:
    return Refusals([Refusal("message", problem, mend)])
