"""What putting a session right would do to the plan, with nothing done: for whoever is about to press (P8).

It does the very thing and takes it back, so that it can't say anything else than what then happens. That locks the
client for some milliseconds, as the press itself does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from worker.actions.course import session
from worker.actions.course.put_right import let_stand, take_back, to_time
from worker.actions.course.told_untrue import Left, left
from worker.models import Message
from worker.rules.names import MessageClass
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from worker.actions.course.plan import Result
    from worker.models import Client

NOBODY = "preview"
"""Who does what is taken back again."""


class Turn(NamedTuple):
    """One planned message: its hour before and after; None where there is none."""

    step: str
    channel: str
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The messages that would move, end or be planned, what had left already, and what a person would hand over."""

    turns: list[Turn]
    left: list[Left]
    hand_over: list[tuple[str, str]]

    @property
    def untrue(self) -> list[Left]:
        """What left and would not be true."""
        return [each for each in self.left if each.untrue]


@transaction.atomic
def correction(*, treatment_id: int, performed_at: datetime, now: datetime) -> Foreseen:
    """What `correct` would do. Raises Refusals as it does."""
    known = session.locked(treatment_id)
    gone = left(known, really=performed_at)
    return _turns(known.client, gone, lambda: to_time(known, performed_at, by=NOBODY, now=now))


@transaction.atomic
def voiding(*, treatment_id: int, now: datetime) -> Foreseen:
    """What `void` would do, whatever the reason. Raises Refusals as it does."""
    known = session.locked(treatment_id)
    gone = left(known, really=None)
    return _turns(known.client, gone, lambda: take_back(known, None, by=NOBODY, now=now))


@transaction.atomic
def standing_again(*, treatment_id: int, now: datetime) -> Foreseen:
    """What `stand_again` would do. Raises Refusals as it does."""
    known = session.locked(treatment_id)
    gone = left(known, really=known.performed_at)
    return _turns(known.client, gone, lambda: let_stand(known, by=NOBODY, now=now))


def _turns(client: Client, gone: list[Left], act: Callable[[], Result]) -> Foreseen:
    before = _coming(client)
    made = act()
    after = _coming(client)
    transaction.set_rollback(True)
    keys = sorted({*before, *after}, key=lambda key: (after.get(key) or before[key], str(key)))
    turns = [Turn(key[1], key[2], before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]
    return Foreseen(turns=turns, left=gone, hand_over=[(each.rule.code, each.channel) for each in made.hand_over])


def _coming(client: Client) -> dict[tuple[int, str, str, int], datetime]:
    """The hour of each open message of the course, by protocol, step, channel and visit."""
    rows = Message.objects.filter(client=client, state__in=OPEN, cls=MessageClass.COURSE).order_by("-due_at")
    found = rows.values_list("version__protocol_id", "step__code", "channel", "appointment_id", "due_at")
    return {(protocol, step, channel, visit or 0): due_at for protocol, step, channel, visit, due_at in found}
