"""Pause one channel of one clinic: every sender that its messages of that channel leave from (rule 144)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent.hold import MACHINES, pause
from worker.models import Pause, Sender
from worker.models.hold import PauseScope
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.rules.names import Channel


@transaction.atomic
def pause_channel(*, clinic_id: int, channel: Channel, why: str, by: str, now: datetime) -> list[Pause]:
    """Stop what leaves from these senders, from the next decision on; other clinics' and the other channel go on.

    A pause of a sender that a person gave before stays hers. Raises Refusals when she paused them all already, or when
    there is none.
    """
    active = Sender.objects.filter(clinic_id=clinic_id, channel=channel, is_active=True).order_by("pk")
    values = [str(pk) for pk in active.values_list("pk", flat=True)]
    standing = Pause.objects.select_for_update().filter(scope=PauseScope.SENDER, value__in=values, ended_at=None)
    paused = set(standing.exclude(by__in=MACHINES).values_list("value", flat=True))
    left = [value for value in values if value not in paused]
    if not left:
        raise Refusals([Refusal("scope", f"{PauseScope.CHANNEL} {channel} is paused already", "resume it first")])
    return [pause(scope=PauseScope.SENDER, value=value, why=why, by=by, now=now) for value in left]
