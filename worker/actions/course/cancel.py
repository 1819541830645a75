"""End planned messages: the only way a message that has not gone yet becomes `cancelled`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.record.audit import record
from worker.models import Message
from worker.models.rows import among, change
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import Q


def cancel(*, which: Q, reason: str, actor: str, now: datetime) -> int:
    """Cancel every open message that `which` selects, in the caller's transaction; how many there were.

    The caller holds the lock of the standing rows (lock order: standing, then message).
    """
    open_ones = list(
        Message.objects.select_for_update().filter(which, state__in=OPEN).order_by("pk").values_list("pk", "clinic_id")
    )
    end(open_ones, reason=reason, actor=actor, now=now)
    return len(open_ones)


def end(messages: Sequence[tuple[int, int]], *, reason: str, actor: str, now: datetime) -> None:
    """The same for messages, as (number, clinic) in the order of numbers, that the caller found open and has locked."""
    if not messages:
        return
    these, ids = among("id", [pk for pk, _ in messages])
    change(
        f"UPDATE aftercare_message SET state = 'cancelled', reason = %s, decided_at = %s WHERE {these}",
        [reason, now, *ids],
    )
    waiting, ids = among("message_id", [pk for pk, _ in messages])
    change(f"DELETE FROM aftercare_ready WHERE {waiting}", ids)
    for pk, clinic_id in messages:
        record(clinic_id=clinic_id, kind="decision", subject=f"message:{pk}", actor=actor, at=now, code=reason)
