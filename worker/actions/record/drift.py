"""The provider knew of a STOP that we did not: ours is the truth, so somebody must find out why (rule 32)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from worker.actions.record.task import open_task
from worker.models import Grant
from worker.models.standing import GrantState

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Message, Standing
    from worker.rules.errors import Verdict

log = structlog.get_logger("aftercare.drift")
OPTED_OUT = "21610"


def note_drift(standing: Standing, message: Message, verdict: Verdict, *, now: datetime) -> None:
    """Alarm for a 21610 to somebody whom we took for active; asked before the suppression it causes is written.

    In the caller's transaction, under the standing's lock. `status` counts the tasks that are open.
    """
    active = Grant.objects.filter(standing=standing, state=GrantState.ACTIVE)
    if verdict.code != OPTED_OUT or not active.exists():
        return
    log.error("ledger_drift", clinic=standing.clinic_id, standing=standing.pk, message=message.pk)
    open_task(
        clinic_id=standing.clinic_id,
        client_id=message.client_id,
        kind="ledger_drift",
        cause=f"ledger_drift:{message.pk}",
        facts={"message": message.pk, "code": verdict.code},
        now=now,
    )
