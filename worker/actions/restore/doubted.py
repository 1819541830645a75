"""What the backup has in doubt and the lost time settled: the text that left then is what it became (P4).

A doubt looks for its own call's minutes. In the lost time that call may have been proved absent, and its text sent
again hours later: the restored doubt would prove it absent once more, and the same words would come twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.send.doubt import SILENT, address_of, leave_unresolved
from worker.actions.send.went import locked, went
from worker.channels.records import RecordsError
from worker.models.attempt import AttemptState
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.actions.restore.pile import Pile
    from worker.models import Attempt, Message

MAY_HAVE_GONE = "restored"  # the reason that a message carries which may have left in the lost time


def find(doubted: Iterable[Attempt], pile: Pile, *, now: datetime) -> int:
    """Give each of these calls the text of its words, whenever that left; how many."""
    found = 0
    for attempt in doubted:
        same = pile.take(attempt.clinic_id, [number_of(attempt.message)], attempt.body_sha256)
        found += same is not None and went(
            attempt_id=attempt.pk, provider_id=same.provider_id, status="sent", code="", how="found", now=now
        )
    return found


def leave(doubted: Iterable[Attempt], pile: Pile, *, now: datetime) -> None:
    """Where its number got other words of ours nobody can tell: a person is asked, and nothing is sent."""
    for attempt in doubted:
        if pile.has_other_words(attempt.clinic_id, [number_of(attempt.message)]):
            _silent(attempt, now)
            leave_unresolved(attempt.pk, MAY_HAVE_GONE, now)


@transaction.atomic
def _silent(doubted: Attempt, now: datetime) -> None:
    """A call under way in the backup is nobody's any more; found silent later, its own words would prove it absent."""
    attempt, message, _ = locked(doubted.pk)
    if attempt.state == AttemptState.SENDING:
        attempt.state, attempt.code, attempt.finished_at = AttemptState.UNKNOWN, SILENT, now
        attempt.save(update_fields=["state", "code", "finished_at"])
    if message.state == State.SENDING:
        message.state, message.reason = State.UNKNOWN, SILENT
        message.save(update_fields=["state", "reason"])


def number_of(message: Message) -> str:
    """The number that it is for; "" where nobody can read it any more."""
    try:
        return address_of(message)
    except RecordsError:
        return ""
