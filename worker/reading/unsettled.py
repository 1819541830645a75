"""What did not reach a client, or may not have: for operators, who decide what no rule can (P4, P5)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.models import Doubt, Message, StaffTask
from worker.reading.explain import PLAIN
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

MANY = 1000
GIVEN_UP = "given_up"
EVER = timedelta(days=3650)
FAILED = (State.REFUSED, State.UNDELIVERED, State.UNRESOLVED)


def unknown(*, now: datetime) -> list[dict[str, Any]]:
    """Outcomes that nobody knows: those still looked into, then those that wait for a person; oldest first."""
    looked_into = Message.objects.filter(state=State.UNKNOWN).order_by("decided_at")
    for_a_person = _unsettled((State.UNRESOLVED,), now - EVER)
    return _rows([*_with_names(looked_into), *for_a_person], now)


def failed(*, now: datetime, days: int = 7, reason: str = "", clinic: str = "") -> list[dict[str, Any]]:
    """What was refused, came back or stayed unresolved within `days`, oldest first; nothing sent again or given up.

    `reason` is a reason as listed ("code:21211"), `clinic` a slug.
    """
    found = _unsettled(FAILED, now - timedelta(days=days))
    rows = _rows(found, now)
    return [row for row in rows if (not reason or row["reason"] == reason) and (not clinic or row["clinic"] == clinic)]


def _unsettled(states: tuple[State, ...], since: datetime) -> list[Message]:
    ended = Message.objects.filter(state__in=states, decided_at__gte=since).exclude(reason=GIVEN_UP)
    found = list(_with_names(ended.order_by("decided_at")))
    following = {each.pk: f"{each.occasion.rpartition(':r')[0]}:r{each.resend + 1}" for each in found}
    again = set(Message.objects.filter(occasion__in=following.values()).values_list("occasion", flat=True))
    return [each for each in found if following[each.pk] not in again]


def _with_names(found: QuerySet[Message]) -> QuerySet[Message]:
    return found.select_related("step", "clinic")[:MANY]


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
