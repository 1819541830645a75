"""The senders that their provider refuses: left alone, or being tried by one message (P5, rule 87)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from worker.models import Pause, Sender
from worker.models.hold import CIRCUIT, PauseScope
from worker.rules.circuit import MEMORY, tried_again_at

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

OPEN, HALF_OPEN = "open", "half_open"


def state_of(pause: Pause) -> str:
    """`half_open` while one message asks the provider, `open` before that."""
    return OPEN if pause.probe is None else HALF_OPEN


def circuits(standing: Iterable[Pause], *, now: datetime) -> list[dict[str, Any]]:
    """Those of the pauses that a provider's refusal caused, the oldest first.

    `sender` is the clinic's own number or address; `tried_again_at` is calendar time.
    """
    ours = [each for each in standing if each.by == CIRCUIT and each.scope == PauseScope.SENDER]
    if not ours:
        return []
    values = [each.value for each in ours]
    senders = {str(each.pk): each for each in Sender.objects.filter(pk__in=values).select_related("clinic")}
    ended = Pause.objects.filter(by=CIRCUIT, scope=PauseScope.SENDER, value__in=values, ended_at__gt=now - MEMORY)
    before = Counter(ended.values_list("value", flat=True))
    return [_row(each, senders[each.value], before[each.value]) for each in ours]


def _row(pause: Pause, sender: Sender, before: int) -> dict[str, Any]:
    return {
        "clinic": sender.clinic.slug,
        "channel": sender.channel,
        "sender": sender.identity,
        "state": state_of(pause),
        "why": pause.why,
        "since": pause.since.isoformat(),
        "tried_again_at": tried_again_at(pause.since, before=before).isoformat(),
    }
