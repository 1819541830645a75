"""Holds and pauses: nothing goes, and it is written down who said so and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.audit import record
from worker.models import Hold, Message, Pause
from worker.models.hold import PauseScope
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing


def hold_standing(row: Standing, *, why: str, source: str, now: datetime) -> None:
    """Hold every automated message to an address whose lock the caller has: in doubt, nothing is sent (rule 17)."""
    if row.held_at is None:
        row.held_at, row.held_why = now, why
    row.changed_at = now
    row.save(update_fields=["held_at", "held_why", "changed_at"])
    Hold.objects.create(clinic_id=row.clinic_id, standing=row, why=why, source=source, since=now)
    record(clinic_id=row.clinic_id, kind="held", subject=f"standing:{row.pk}", actor="system", at=now, code=why)


@transaction.atomic
def pause(*, scope: PauseScope, value: str, why: str, by: str, now: datetime) -> Pause:
    """Stop everything in the scope from the next decision on. Raises Refusals when it is paused already."""
    if Pause.objects.filter(scope=scope, value=value, ended_at__isnull=True).exists():
        raise Refusals([Refusal("scope", f"{scope} {value} is paused already", "resume it first")])
    made = Pause.objects.create(scope=scope, value=value, why=why, by=by, since=now)
    clinic_id = int(value) if scope == PauseScope.CLINIC else 0
    record(clinic_id=clinic_id, kind="paused", subject=f"pause:{made.pk}", actor=by, at=now, code=scope)
    return made


@transaction.atomic
def resume(*, scope: PauseScope, value: str, by: str, now: datetime) -> int:
    """End a pause; what it held is planned again and passes every gate anew. Returns how many messages.

    Raises Refusals when nothing of that scope is paused.
    """
    ended = Pause.objects.filter(scope=scope, value=value, ended_at__isnull=True).update(ended_at=now, ended_by=by)
    if not ended:
        raise Refusals([Refusal("scope", f"{scope} {value} is not paused", "see `aftercare status`")])
    clinic_id = int(value) if scope == PauseScope.CLINIC else 0
    record(clinic_id=clinic_id, kind="resumed", subject=f"pause:{scope}:{value}", actor=by, at=now, code=scope)
    held = Message.objects.filter(state=State.HELD, reason="paused")
    return held.update(state=State.PLANNED, reason="")
