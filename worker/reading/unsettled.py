"""What did not reach a client, or may not have: for operators, who decide what no rule can (P4, P5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.models import Clinic, Doubt, Message, StaffTask
from worker.models.sent_again import not_sent_again
from worker.reading.explain import PLAIN
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

MANY = 1000
GIVEN_UP = "given_up"
EVER = timedelta(days=3650)
FAILED = (State.REFUSED, State.UNDELIVERED, State.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class Listed:
    """The first MANY rows of all that were found, oldest first, and how many that are."""

    rows: list[dict[str, Any]]
    total: int


def unknown(*, now: datetime, ids: Collection[int] = ()) -> Listed:
    """Outcomes that nobody knows: those still looked into, then those that wait for a person; oldest first.

    `ids` ask for these alone.
    """
    looked_into = _among(Message.objects.filter(state=State.UNKNOWN), ids)
    for_a_person = _among(_unsettled((State.UNRESOLVED,), now - EVER), ids)
    found = _first(looked_into, MANY)
    found += _first(for_a_person, MANY - len(found))
    return Listed(_rows(found, now), looked_into.count() + for_a_person.count())


def failed(*, now: datetime, days: int = 7, reason: str = "", clinic: str = "", ids: Collection[int] = ()) -> Listed:
    """What was refused, came back or stayed unresolved within `days`, oldest first; nothing sent again or given up.

    `reason` is a reason as listed ("code:21211"), `clinic` a slug. Raises Refusals for one that nobody has: "nothing"
    would read like good news.
    """
    found = _among(_unsettled(FAILED, now - timedelta(days=days)), ids)
    if clinic:
        if not Clinic.objects.filter(slug=clinic).exists():
            raise Refusals([Refusal("clinic", "is not known here", "name it by its slug, as `aftercare failed` does")])
        found = found.filter(clinic__slug=clinic)
    if reason:
        _refuse_no_reason(reason, found)
        found = found.filter(reason=reason)
    return Listed(_rows(_first(found, MANY), now), found.count())


def _refuse_no_reason(reason: str, found: QuerySet[Message]) -> None:
    """A provider's code may be one that nobody had yet; any other word is a reason that we give, or a slip."""
    if reason.startswith("code:") or reason in PLAIN:
        return
    there = sorted(set(found.order_by().values_list("reason", flat=True).distinct()[:20]))
    if reason not in there:
        mend = f"name one as it is listed: {', '.join(there)}" if there else "leave it out"
        raise Refusals([Refusal("reason", "is the reason of no message", mend)])


def _unsettled(states: tuple[State, ...], since: datetime) -> QuerySet[Message]:
    ended = Message.objects.filter(state__in=states, decided_at__gte=since).exclude(reason=GIVEN_UP)
    return not_sent_again(ended)


def _among(found: QuerySet[Message], ids: Collection[int]) -> QuerySet[Message]:
    return found.filter(pk__in=ids) if ids else found


def _first(found: QuerySet[Message], many: int) -> list[Message]:
    return list(found.select_related("step", "clinic").order_by("decided_at", "pk")[:many])


def _rows(found: list[Message], now: datetime) -> list[dict[str, Any]]:
    ids = [each.pk for each in found]
    doubts = {
        each.attempt.message_id: each
        for each in Doubt.objects.filter(attempt__message__in=ids).select_related("attempt")
    }
    tasks = StaffTask.objects.filter(done_at__isnull=True, cause__in=[f"unknown_outcome:{pk}" for pk in ids])
    open_tasks = {task.facts.get("message"): task.pk for task in tasks}
    return [_row(each, doubts.get(each.pk), open_tasks.get(each.pk), now) for each in found]


def _row(each: Message, doubt: Doubt | None, task: int | None, now: datetime) -> dict[str, Any]:
    return {
        "id": each.pk,
        "clinic": each.clinic.slug,
        "client": each.client_id,
        "step": each.step.code,
        "channel": each.channel,
        "state": each.state,
        "reason": each.reason,
        "plain": PLAIN.get(each.reason, each.reason),
        "decided_at": each.decided_at.isoformat() if each.decided_at else None,
        "useful": each.expires_at > now,
        "expires_at": each.expires_at.isoformat(),
        "asked_again_at": doubt.next_at.isoformat() if doubt else None,
        "call_surely_over": doubt.over_at is not None if doubt else None,
        "lists_without_it": int(doubt.empty_at is not None) if doubt else None,
        "list_failures": doubt.failures if doubt else None,
        "task": task,
    }
