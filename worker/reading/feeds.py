"""The calendars that tell us of visits: when each was heard, and which are silent for too long (P5, P7)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.models import ApiKey, Feed

if TYPE_CHECKING:
    from datetime import datetime


def feeds(*, now: datetime) -> list[dict[str, Any]]:
    """Every calendar that has a key; ages in seconds. `holds`: nothing that names a visit of it is sent meanwhile."""
    living = Feed.objects.filter(ended_at__isnull=True).select_related("clinic").order_by("heard_at", "pk")
    return [_row(each, now) for each in living]


def _row(feed: Feed, now: datetime) -> dict[str, Any]:
    silent = now - feed.heard_at
    return {
        "clinic": feed.clinic.slug,
        "source": feed.source,
        "heard_at": feed.heard_at.isoformat(),
        "silent_seconds": silent.total_seconds(),
        "alarms": silent >= timedelta(hours=feed.clinic.feed_alarm_hours),
        "holds": silent >= timedelta(hours=feed.clinic.feed_hold_hours),
    }


def keys(*, clinic_slug: str = "") -> list[dict[str, Any]]:
    """Every key that was given, those that ended as well; never the key itself, which nobody knows."""
    found = ApiKey.objects.select_related("feed__clinic").order_by("pk")
    if clinic_slug:
        found = found.filter(feed__clinic__slug=clinic_slug)
    return [
        {
            "id": each.pk,
            "clinic": each.feed.clinic.slug,
            "source": each.feed.source,
            "name": each.name,
            "made_at": each.made_at.isoformat(),
            "used_at": each.used_at.isoformat() if each.used_at else None,
            "revoked_at": each.revoked_at.isoformat() if each.revoked_at else None,
        }
        for each in found
    ]
