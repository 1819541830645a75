"""Messages as commands and pages list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from worker import clock
from worker.models import Message, Ready
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

LONGEST = 10_000


def listed(*, client_id: int | None = None, state: str | None = None, limit: int = LONGEST) -> list[dict[str, Any]]:
    """Messages in due order, each with id, client, step, channel, purpose, state, reason and times (ISO, UTC).

    A planned message under a live lease shows as `claimed`: the lease is where that state is kept.
    """
    found = Message.objects.select_related("step").order_by("due_at", "pk")
    if client_id is not None:
        found = found.filter(client_id=client_id)
    if state in (State.PLANNED, State.CLAIMED):
        found = found.filter(state=State.PLANNED)
    elif state is not None:
        found = found.filter(state=state)
    page = list(found[:limit])
    leased = _leased([each.pk for each in page])
    rows = [_row(each, claimed=each.pk in leased) for each in page]
    return [row for row in rows if state is None or row["state"] == state]


def _leased(ids: list[int]) -> set[int]:
    if not ids:
        return set()
    live = Ready.objects.filter(free_at__gt=clock.machine(), message__state=State.PLANNED)
    return set(live.filter(pk__gte=min(ids), pk__lte=max(ids)).values_list("pk", flat=True))


def _row(each: Message, *, claimed: bool) -> dict[str, Any]:
    return {
        "id": each.pk,
        "client": each.client_id,
        "step": each.step.code,
        "class": each.cls,
        "channel": each.channel,
        "purpose": each.purpose,
        "state": State.CLAIMED if claimed and each.state == State.PLANNED else each.state,
        "reason": each.reason,
        "due_at": _iso(each.due_at),
        "local": f"{each.due_at.astimezone(ZoneInfo(each.zone)):%Y-%m-%d %H:%M %Z}",
        "expires_at": _iso(each.expires_at),
        "sent_at": _iso(each.sent_at),
        "provider_id": each.provider_id,
        "attempts": each.attempts,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
