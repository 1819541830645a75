"""A restored database goes on when a person says so, after a comparison that was whole and recent (P2, P4)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker.actions.consent.hold import resume
from worker.actions.restore import lineage
from worker.actions.restore.told import tell
from worker.models import Lineage, Pause
from worker.models.hold import SYSTEM, PauseScope
from worker.models.rows import server_time
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.db.models import QuerySet

RECENT = timedelta(minutes=30)  # an older one may have come with the backup, beside a disk that lost its mark


@transaction.atomic
def compared(row: Lineage, told: Mapping[str, Any], *, whole: bool, by: str, now: datetime) -> None:
    """Write down that the held database was compared with the world, and whether all that knows something was read."""
    if whole:
        Lineage.objects.filter(pk=1, restored_at=row.restored_at).update(checked_at=server_time())
    numbers = {name: value for name, value in told.items() if isinstance(value, int)}
    tell("restore_compared", by=by, now=now, code="whole" if whole else "in_part", facts=numbers)


def release(*, by: str, now: datetime, unchecked: bool = False) -> int:
    """A person lets it go on; how many messages are planned again. What a person paused stays paused (rule 144).

    Raises Refusals when nothing is held so, or when it was not compared to the end, or long ago: what it does not know
    would ring twice, and a STOP of the lost time would be ignored. `unchecked` is for a list that is gone for good.
    """
    lineage.look(now=now)  # a backup that was made while it was held and compared, and at which no worker has looked
    with transaction.atomic():
        row = Lineage.objects.select_for_update().filter(pk=1, restored_at__isnull=False).first()
        if row is None:
            raise Refusals([Refusal("database", "is not held for a restore", "see aftercare status")])
        fault = _not_checked(row)
        if fault and not unchecked:
            mend = "run: aftercare restore-check (or, when a list or the spool is gone for good: --release --unchecked)"
            raise Refusals([Refusal("database", fault, mend)])
        lineage.released(row)
        tell("restore_released", by=by, now=now, code="unchecked" if fault else "checked")
        held = _everything().select_for_update().filter(by=SYSTEM).exists()
        return resume(scope=PauseScope.ALL, value="", by=by, now=now) if held else 0


def still_paused() -> str:
    """Who pauses everything although the restore is released, and why; "" when nobody does."""
    stands = _everything().first()
    return f"{stands.by}: {stands.why}" if stands else ""


def _not_checked(row: Lineage) -> str | None:
    if row.checked_at is None:
        return "was not compared with the providers and the spool to the end"
    minutes = int(RECENT.total_seconds() // 60)
    return f"was compared more than {minutes} minutes ago" if server_time() - row.checked_at > RECENT else None


def _everything() -> QuerySet[Pause]:
    return Pause.objects.filter(scope=PauseScope.ALL, value="", ended_at__isnull=True)
