"""The one confirmation of a STOP: within five minutes or not at all, and never a second one (rules 22, 23)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.actions.receive.answer import USEFUL, plan_answer
from worker.actions.record.audit import record
from worker.models.rows import fetch
from worker.rules.names import AnswerKind
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Contact, Message, Standing

AGAIN_AFTER = timedelta(hours=24)
NEVER_LEFT = (State.MISSED, State.WITHHELD, State.CANCELLED, State.REFUSED)


def confirm_stop(
    row: Standing, *, cause: str, address: str, since: datetime, now: datetime, to: Contact | None = None
) -> Message | None:
    """Plan the confirmation of a stop said at `since`; None, with the reason on record, when none may leave.

    The caller holds the standing's lock. Who says STOP, START and STOP again within a day is answered once: a second
    confirmation would be a text that nobody needs, to somebody who has just asked for none.
    """
    why = _why_not(row, since, now)
    if why:
        record(
            clinic_id=row.clinic_id,
            kind="unanswered",
            subject=f"standing:{row.pk}",
            actor="system",
            at=now,
            code=why,
            facts={"kind": AnswerKind.STOP_CONFIRMATION, "cause": cause},
        )
        return None
    return plan_answer(
        row, kind=AnswerKind.STOP_CONFIRMATION, cause=cause, address=address, now=now, since=since, to=to
    )


def _why_not(row: Standing, since: datetime, now: datetime) -> str:
    if now >= since + USEFUL[AnswerKind.STOP_CONFIRMATION]:
        return "too_late"
    confirmed = fetch(
        "SELECT 1 FROM aftercare_message WHERE standing_id = %s AND kind = %s AND created_at > %s "
        f"AND state NOT IN ({', '.join(['%s'] * len(NEVER_LEFT))}) LIMIT 1",
        [row.pk, AnswerKind.STOP_CONFIRMATION, now - AGAIN_AFTER, *NEVER_LEFT],
    )
    return "confirmed_today" if confirmed else ""
