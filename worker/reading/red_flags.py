"""The alarm of warning signs: which nobody answered, and which of these are late (rule 41)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import F

from worker.models import Clinic, Conversation, StaffContact
from worker.models.staff import Role

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

MANY = 1000


class RedFlags(NamedTuple):
    """How many wait for an answer, how many of them past their clock, and for how long the oldest, in seconds."""

    waiting: int
    late: int
    oldest_seconds: float


def waiting(clinic_id: int | None = None) -> QuerySet[Conversation]:
    """Conversations with a warning sign that nobody answered, the most pressing first; of one clinic or of all."""
    open_ones = Conversation.objects.filter(closed_at__isnull=True, red_at__isnull=False, answered_at__isnull=True)
    return (open_ones if clinic_id is None else open_ones.filter(clinic_id=clinic_id)).order_by("answer_by", "pk")


def red_flags(*, now: datetime, clinic_id: int | None = None) -> RedFlags:
    """The alarm, of one clinic or of all; late is more than none."""
    rows = list(waiting(clinic_id).values_list("red_at", "answer_by")[:MANY])
    late = sum(answer_by is not None and answer_by <= now for _, answer_by in rows)
    ages = [(now - red_at).total_seconds() for red_at, _ in rows if red_at is not None]
    return RedFlags(len(rows), late, max(ages, default=0.0))


def nobody_on_call() -> list[str]:
    """The slugs of clinics where no practitioner can be told of a warning sign: `doctor` names them."""
    reached = StaffContact.objects.filter(ended_at__isnull=True, staff__is_active=True)
    reached = reached.filter(standing__suppressed_at__isnull=True, standing__held_at__isnull=True)
    reached = reached.filter(staff__roles__role=Role.PRACTITIONER)
    return list(
        Clinic.objects.exclude(pk__in=reached.values("clinic_id")).order_by("slug").values_list("slug", flat=True)
    )


def on_call(clinic_id: int) -> list[dict[str, Any]]:
    """Who is told, by which channel, since when; the addresses stay sealed. Who has left is not told, so not named."""
    rows = StaffContact.objects.filter(clinic_id=clinic_id, ended_at__isnull=True, staff__is_active=True)
    named = rows.select_related("standing").annotate(who=F("staff__name"), email=F("staff__email"))
    return [
        {
            "staff": each.email,
            "name": each.who,
            "channel": each.channel,
            "agreed_at": each.agreed_at.isoformat(),
            "stopped": each.standing.suppressed_at is not None,
            "held": each.standing.held_at is not None,
        }
        for each in named.order_by("staff__name", "channel")
    ]
