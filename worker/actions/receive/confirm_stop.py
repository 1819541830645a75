"""The one confirmation of a STOP: within five minutes or not at all, and never a second one (rules 22, 23)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.actions.receive.answer import USEFUL, Asked, plan_answers, unanswered
from worker.models.rows import among, fetch
from worker.rules.names import AnswerKind
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from worker.models import Message, Standing

AGAIN_AFTER = timedelta(hours=24)
NEVER_LEFT = (State.MISSED, State.WITHHELD, State.CANCELLED, State.REFUSED)


def confirm_stop(row: Standing, *, now: datetime, **more: Any) -> Message | None:
    """Plan the confirmation of a stop said at `since`; None, with the reason on record, when none may leave.

    The caller holds the standing's lock. Who says STOP, START and STOP again within a day is answered once: a second
    confirmation would be a text that nobody needs, to somebody who has just asked for none. `more` as in `Asked`.
    """
    planned = confirm_stops([Asked(standing=row, kind=AnswerKind.STOP_CONFIRMATION, **more)], now=now)
    return planned[0] if planned else None


def confirm_stops(asked: Sequence[Asked], *, now: datetime) -> list[Message]:
    """The same for stops at several addresses, in as many statements as for one."""
    confirmed = _confirmed_today({each.standing.pk for each in asked}, now)
    going = []
    for each in asked:
        why = "too_late" if _is_late(each, now) else "confirmed_today" if each.standing.pk in confirmed else ""
        if why:
            unanswered(each, why, now)
        else:
            going.append(each)
    return plan_answers(going, now=now)


def _is_late(asked: Asked, now: datetime) -> bool:
    return now >= (asked.since or now) + USEFUL[asked.kind]


def _confirmed_today(standings: Collection[int], now: datetime) -> set[int]:
    these, ids = among("standing_id", standings)
    found = fetch(
        f"SELECT standing_id FROM aftercare_message WHERE {these} AND kind = %s AND created_at > %s "
        f"AND state NOT IN ({', '.join(['%s'] * len(NEVER_LEFT))})",
        [*ids, AnswerKind.STOP_CONFIRMATION, now - AGAIN_AFTER, *NEVER_LEFT],
    )
    return {row for (row,) in found}
