"""End planned messages: the only way a message that has not gone yet becomes `cancelled`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.record.audit import record
from worker.models import Message, Ready
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Q


def cancel(*, which: Q, reason: str, actor: str, now: datetime) -> int:
    """Cancel every open message that `which` selects, in the caller's transaction; how many there were.

    The caller holds the lock of the standing rows (lock order: standing, then message).
    """
    open_ones = list(
        Message.objects.select_for_update().filter(which, state__in=OPEN).order_by("pk").values_list("pk", "clinic_id")
    )
    ids = [pk for pk, _ in open_ones]
    Message.objects.filter(pk__in=ids).update(state="cancelled", reason=reason, decided_at=now)
    Ready.objects.filter(message_id__in=ids).delete()
    for pk, clinic_id in open_ones:
        record(clinic_id=clinic_id, kind="decision", subject=f"message:{pk}", actor=actor, at=now, code=reason)
    return len(ids)
