"""A sender that its provider refuses is left alone for a while, its queue kept: then a batch tries again (rule 87).

The circuit is a pause like any other, in the database: it outlives Redis, shows where pauses show, and is ended by hand
with `aftercare resume` as soon as the account is mended.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from worker.actions.record.audit import record
from worker.models import Pause, Sender
from worker.models.hold import PauseScope

if TYPE_CHECKING:
    from datetime import datetime

BY = "circuit"
FIRST, LONGEST = timedelta(minutes=5), timedelta(hours=1)
MEMORY = timedelta(days=1)
log = structlog.get_logger("aftercare.circuit")


def open_circuit(*, clinic_id: int, channel: str, code: str, now: datetime) -> None:
    """Pause the clinic's sender of a channel, in the caller's transaction; one that is paused stays as it is."""
    sender = Sender.objects.filter(clinic_id=clinic_id, channel=channel, is_active=True).order_by("-pk").first()
    if sender is None:
        return
    told = {"why": f"the provider refuses this sender: {code}"[:200], "by": BY, "since": now}
    pause, fresh = Pause.objects.get_or_create(
        scope=PauseScope.SENDER, value=str(sender.pk), ended_at=None, defaults=told
    )
    if fresh:
        log.error("circuit_open", sender=sender.pk, code=code)
        record(
            clinic_id=clinic_id, kind="paused", subject=f"pause:{pause.pk}", actor=BY, at=now, code=PauseScope.SENDER
        )


@transaction.atomic
def try_circuits(*, now: datetime) -> int:
    """End the circuits whose time is over; how many. What they held is planned again by the round that calls this.

    Five minutes at first, twice as long for each time it opened within a day, an hour at most (calendar time).
    """
    ended = 0
    standing = Pause.objects.filter(by=BY, scope=PauseScope.SENDER, ended_at__isnull=True)
    for pause in standing.select_for_update(skip_locked=True):
        before = Pause.objects.filter(by=BY, scope=pause.scope, value=pause.value, ended_at__gt=now - MEMORY).count()
        if now < pause.since + min(FIRST * float(2 ** min(before, 10)), LONGEST):
            continue
        pause.ended_at, pause.ended_by = now, BY
        pause.save(update_fields=["ended_at", "ended_by"])
        clinic_id = Sender.objects.values_list("clinic_id", flat=True).get(pk=int(pause.value))
        subject = f"pause:{pause.scope}:{pause.value}"
        record(clinic_id=clinic_id, kind="resumed", subject=subject, actor=BY, at=now, code=PauseScope.SENDER)
        ended += 1
    return ended
