"""Did anything leave after a STOP? Asked at each scrape; must stay 0 (P2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Max

from worker.models import Attempt, Suppression
from worker.models.attempt import MAY_HAVE_LEFT
from worker.rules.names import MessageClass

if TYPE_CHECKING:
    from datetime import datetime

NEWEST = 500  # stops, looked at by the index: the price stays the same for ever


@dataclass(frozen=True, slots=True)
class AfterStop:
    """How many there are now, and when the newest of them was decided (calendar); None where there is none.

    The number falls when a client opts in again, and when others stop. So it tells of no new case; the moment does.
    """

    many: int
    newest: datetime | None


def sent_after_stop() -> AfterStop:
    """Course messages decided after a stop that still stands, among the newest stops.

    A decision that began before the stop committed is none of these: its own moment is earlier.
    """
    stopped = Suppression.objects.order_by("-pk").values("standing_id")[:NEWEST]
    found = Attempt.objects.filter(
        standing_id__in=stopped, standing__suppressed_at__isnull=False, decided_at__gt=F("standing__suppressed_at"),
        cls=MessageClass.COURSE, state__in=MAY_HAVE_LEFT,
    )  # fmt: skip
    return AfterStop(**found.aggregate(many=Count("pk"), newest=Max("decided_at")))
