"""What the witness of a schedule asks of the tables, and how its people are set up and put away.

In plain statements: there are a dozen of them in each of a thousand schedules, and the ORM put together each anew,
which took a third of the time of all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.actions.send.due import LONG_AGO
from worker.models.rows import among, change, fetch, insert_many, moment
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

READY = ("message_id", "clinic_id", "channel", "due_at", "free_at", "worker", "lease")


def attempts_of(*, standings: Iterable[int] = (), messages: Iterable[int] = ()) -> list[tuple[str, int, str, str]]:
    """Attempts of those addresses or those messages, as (hex, message, class, state); never those of yesterday."""
    where, ids = among("standing_id", standings) if standings else among("message_id", messages)
    rows = fetch(
        f"SELECT id, message_id, cls, state FROM aftercare_attempt WHERE {where} AND worker <> 'bench'",
        ids,
    )
    return [(pk if isinstance(pk, str) else pk.hex, *rest) for pk, *rest in rows]


def messages_of(standings: Iterable[int]) -> list[int]:
    """All messages to those addresses."""
    where, ids = among("standing_id", standings)
    return [pk for (pk,) in fetch(f"SELECT id FROM aftercare_message WHERE {where}", ids)]


def states_of(messages: Iterable[int]) -> list[tuple[int, str, str, datetime]]:
    """Each message with its state, the reason for it, and when it is due."""
    where, ids = among("id", messages)
    rows = fetch(f"SELECT id, state, reason, due_at FROM aftercare_message WHERE {where}", ids)
    return [(pk, state, reason, moment(due_at)) for pk, state, reason, due_at in rows]


def decisions_of(messages: list[int]) -> set[int]:
    """Of which of these messages a decision is on record."""
    marks = ", ".join(["%s"] * len(messages))
    rows = fetch(
        f"SELECT subject FROM aftercare_event WHERE kind = 'decision' AND subject IN ({marks})",
        [f"message:{pk}" for pk in messages],
    )
    return {int(subject.partition(":")[2]) for (subject,) in rows}


def any_ready(messages: Iterable[int]) -> bool:
    """True while one of these messages waits for a worker."""
    where, ids = among("message_id", messages)
    return bool(fetch(f"SELECT 1 FROM aftercare_ready WHERE {where} LIMIT 1", ids))


def make_due(message: int, clinic: int, *, now: datetime) -> None:
    """That message is due now."""
    change("UPDATE aftercare_message SET due_at = %s WHERE id = %s", [now, message])
    row: tuple[Any, ...] = (message, clinic, Channel.SMS, now, LONG_AGO, "", 0)
    insert_many("aftercare_ready", READY, [row])


def bring_forward(messages: Iterable[int], *, to: datetime) -> None:
    """What waits a moment longer is due at `to`, and free."""
    where, ids = among("message_id", messages)
    change(f"UPDATE aftercare_ready SET due_at = %s, free_at = %s WHERE {where}", [to, LONG_AGO, *ids])


def put_away(messages: Iterable[int]) -> None:
    """What is still planned is over, and no worker is shown any of it."""
    where, ids = among("id", messages)
    change(
        f"UPDATE aftercare_message SET state = 'cancelled', reason = 'over' WHERE {where} AND state = 'planned'", ids
    )
    where, ids = among("message_id", messages)
    change(f"DELETE FROM aftercare_ready WHERE {where}", ids)


def open_pauses() -> list[tuple[str, str]]:
    """Scope and value of every pause that has not ended."""
    return fetch("SELECT scope, value FROM aftercare_pause WHERE ended_at IS NULL", [])
