"""An operator settles what no rule could: sent again through every gate, or given up for good (P4, P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.course.resend import GIVEN_UP, AgainAlready, locked, refuse_old_list, resend
from worker.actions.record.audit import record
from worker.models import Message, StaffTask
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ENDED = (State.REFUSED, State.UNDELIVERED, State.UNRESOLVED)


class Overtaken(str):
    """Why nothing was done: another had planned it again before. A kind of its own, for it is counted apart."""

    __slots__ = ()


def retry(*, message_ids: Sequence[int], by: str, now: datetime, really: bool = True) -> dict[int, str]:
    """Send each of these once more under its next number; what became of each: "" or why not.

    Each in a transaction of its own: one that is refused stops no other. Caps, hours, consent and approval are asked
    again when it is decided, so that many at once make no burst at any phone. `now` is calendar time.

    The list may be old: one that was sent again since is `Overtaken`, whatever became of that; one that was given up is
    refused.

    Not `really`: all of it is done and taken back, so that a look says what the act would say.
    """
    return {pk: _settled(pk, by, now, again=True, really=really) for pk in message_ids}


def give_up(*, message_ids: Sequence[int], by: str, now: datetime, really: bool = True) -> dict[int, str]:
    """Send none of these again; what became of each: "" or why not. Its task is done with it.

    One that another sent again since is `Overtaken` and goes: whoever looked at it newly decided so, and "given up"
    would be untrue.
    `really` is as in `retry`.
    """
    return {pk: _settled(pk, by, now, again=False, really=really) for pk in message_ids}


def _settled(pk: int, by: str, now: datetime, *, again: bool, really: bool) -> str:
    try:
        with transaction.atomic():
            message = _ended(pk)
            if again:
                resend(message_id=pk, by=by, now=now, in_bulk=True)
            else:
                _give_up(message, by, now)
            _close(message, by, now)
            transaction.set_rollback(not really)
    except AgainAlready as refused:
        return Overtaken(refused)
    except Refusals as refused:
        return str(refused)
    return ""


def _ended(pk: int) -> Message:
    """The message, under the lock of its addresses, when it has ended badly and nobody settled it. Raises Refusals."""
    found = Message.objects.filter(pk=pk).first()
    if found is None:
        raise Refusals([Refusal("id", "is no message here", "see `aftercare failed`")])
    numbers, _ = locked(found)
    refuse_old_list(found, numbers)
    message = Message.objects.select_for_update(no_key=True).get(pk=pk)
    if message.state not in ENDED:
        mend = (
            "the provider is still being asked; see `aftercare unknown`"
            if message.state == State.UNKNOWN
            else "leave it"
        )
        raise Refusals([Refusal("id", f"is {message.state}, nothing to settle", mend)])
    return message


def _give_up(message: Message, by: str, now: datetime) -> None:
    facts = {"was": message.state, "reason": message.reason}
    message.reason = GIVEN_UP
    message.save(update_fields=["reason"])
    record(
        clinic_id=message.clinic_id, kind="given_up", subject=f"message:{message.pk}", actor=by, at=now,
        code=GIVEN_UP, facts=facts,
    )  # fmt: skip


def _close(message: Message, by: str, now: datetime) -> None:
    """The task that asked for this is done."""
    asked = StaffTask.objects.filter(
        clinic_id=message.clinic_id, cause=f"unknown_outcome:{message.pk}", done_at__isnull=True
    )
    asked.update(done_at=now, done_by=by[:60])
