"""After a stop: which instructions this client now will not get, so that a person hands them over (rules 35, 41)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.actions.record.task import open_tasks
from worker.models import StaffTask
from worker.models.rows import among, fetch, locking, moment
from worker.rules.names import AnswerKind, MessageClass, Purpose
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from worker.models import Standing

REACHES_HER = (*OPEN, State.SENDING, State.ACCEPTED, State.DELIVERED)  # an unknown outcome is no instruction read
ASKS = (AnswerKind.OPTIN_QUESTION, AnswerKind.OPTIN_CONFIRMATION)


class Coming(NamedTuple):
    """One open message that a stop ends, and whether the same step reaches her in another way."""

    pk: int
    standing_id: int
    client_id: int | None
    cls: str
    purpose: str
    step: str
    due_at: datetime
    expires_at: datetime
    comes_otherwise: bool


def coming(
    rows: Collection[Standing], *, client_id: int | None, purposes: Collection[Purpose]
) -> dict[int, list[Coming]]:
    """What stops at these addresses end, of one client or of all, by address: course and opt-in, locked.

    Locked in order of numbers. The caller holds the locks of the standing rows, so that none of it is decided
    meanwhile. Where several addresses of hers end together, only the last of them is where a step comes "otherwise" no
    more: it is told once.
    """
    wanted = sorted(purposes)
    these, ids = among("m.standing_id", [row.pk for row in rows])
    beside, others = among("o.standing_id", [row.pk for row in rows])
    found = fetch(
        "SELECT m.id, m.standing_id, m.client_id, m.cls, m.purpose, s.code, m.due_at, m.expires_at, "
        "EXISTS(SELECT 1 FROM aftercare_message o WHERE o.client_id = m.client_id AND o.step_id = m.step_id "
        "AND (o.treatment_id = m.treatment_id OR o.treatment_id IS NULL AND m.treatment_id IS NULL) "
        f"AND o.channel <> m.channel AND o.state IN ({_listed(REACHES_HER)}) "
        f"AND (o.standing_id > m.standing_id OR NOT {beside})) "
        "FROM aftercare_message m JOIN aftercare_step s ON s.id = m.step_id "
        f"WHERE {these} AND m.state IN ({_listed(OPEN)}) "
        f"AND (m.cls = '{MessageClass.COURSE}' OR m.kind IN ({_listed(ASKS)})) "
        f"AND m.purpose IN ({', '.join(['%s'] * len(wanted))}) {'' if client_id is None else 'AND m.client_id = %s'} "
        f"ORDER BY m.id {locking('FOR UPDATE OF m')}",
        [*others, *ids, *wanted, *([] if client_id is None else [client_id])],
    )
    ending: dict[int, list[Coming]] = defaultdict(list)
    for each in map(_read, found):
        ending[each.standing_id].append(each)
    return ending


def hand_over_after_stop(ended: Iterable[tuple[Standing, Sequence[Coming]]], *, now: datetime) -> None:
    """Tell staff, once per client, what was cancelled and comes to her in no other way; nothing when that is nothing.

    `ended` has each address with what its stop ended. In the caller's transaction. What also goes by her other channel
    she will read there: a second stop there is told then. What nobody could have read any more is no loss.
    """
    open_tasks([task for row, theirs in ended for task in _to_hand_over(row, theirs, now)])


def _to_hand_over(row: Standing, ended: Sequence[Coming], now: datetime) -> Iterator[StaffTask]:
    lost: dict[int, list[Coming]] = defaultdict(list)
    for each in sorted(ended, key=lambda each: (each.due_at, each.pk)):
        if each.client_id is not None and _is_instruction(each, now) and not each.comes_otherwise:
            lost[each.client_id].append(each)
    for client_id, hers in lost.items():
        first = hers[0]
        yield StaffTask(
            clinic_id=row.clinic_id,
            client_id=client_id,
            kind="hand_over_after_stop",
            cause=f"hand_over_after_stop:{client_id}:{first.pk}",
            facts={"channel": row.channel, "steps": [_said(each) for each in hers]},
            opened_at=now,
            due_at=max(now, first.due_at),
        )


def _read(found: tuple[Any, ...]) -> Coming:
    pk, standing_id, client_id, cls, purpose, step, due, expires, other = found
    return Coming(pk, standing_id, client_id, cls, purpose, step, moment(due), moment(expires), bool(other))


def _is_instruction(each: Coming, now: datetime) -> bool:
    return each.cls == MessageClass.COURSE and each.purpose == Purpose.AFTERCARE and each.expires_at > now


def _said(each: Coming) -> dict[str, object]:
    return {"message": each.pk, "step": each.step, "due_at": each.due_at.isoformat()}


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
