"""What is planned for the coming days, by clinic, hour and channel: how many messages, parts, and what they cost."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count
from django.db.models.functions import TruncHour

from worker import rendering
from worker.intake.wording import WORST_CASE
from worker.models import Clinic, Message, ProtocolVersion
from worker.rules.local_time import local, zone
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State
from worker.rules.text import segments

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAST_DAYS, MOST_DAYS = 1, 92


def forecast(*, now: datetime, days: int, clinic_slug: str = "") -> dict[str, Any]:
    """What is planned from `now` for `days`; what is overdue counts into the hour of `now`.

    Hours begin at full hours of UTC and are shown on the clinic's clock (ISO, with its offset). Parts are those of the
    longest names a text must hold (rule 105), so that parts and cost are an upper bound; the cost is None without a
    price (`SMS_PRICE`). What is held, or still waits for an answer, is counted beside. Raises Refusals.
    """
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise Refusals([Refusal("days", "is out of reach", f"ask for {LEAST_DAYS} to {MOST_DAYS} days")])
    clinics = Clinic.objects.order_by("slug")
    asked = list(clinics.filter(slug=clinic_slug) if clinic_slug else clinics)
    if clinic_slug and not asked:
        raise Refusals([Refusal("clinic", "is not known here", "see `aftercare status` or the clinic's file")])
    until = now + timedelta(days=days)
    parts = _Parts()
    rows = [row for clinic in asked for row in _hours(clinic, now, until, parts)]
    return {
        "from": now.isoformat(),
        "until": until.isoformat(),
        "currency": settings.SMS_PRICE[1] if settings.SMS_PRICE else None,
        "hours": rows,
        "totals": [
            _total(
                clinic.slug, channel, [row for row in rows if (row["clinic"], row["channel"]) == (clinic.slug, channel)]
            )
            for clinic in asked
            for channel in Channel
        ],
        "held": {clinic.slug: _held(clinic, until) for clinic in asked},
    }


def _hours(clinic: Clinic, now: datetime, until: datetime, parts: _Parts) -> Iterator[dict[str, Any]]:
    messages, pieces = Counter[tuple[datetime, Channel]](), Counter[tuple[datetime, Channel]]()
    found = Message.objects.filter(clinic=clinic, state=State.PLANNED, due_at__lt=until)
    groups = found.annotate(hour=TruncHour("due_at", tzinfo=UTC)).values_list(
        "hour", "channel", "version_id", "step__code", "language"
    )
    this_hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for hour, channel, version_id, step, language, many in groups.annotate(many=Count("pk")).order_by():
        key = max(hour, this_hour), Channel(channel)
        messages[key] += many
        if key[1] is Channel.SMS:
            pieces[key] += many * parts.of(clinic, version_id, step, language)
    place = zone(clinic.zone)
    for hour, channel in sorted(messages):
        yield {
            "clinic": clinic.slug,
            "hour": local(hour, place).isoformat(timespec="minutes"),
            "channel": channel,
            "messages": messages[hour, channel],
            "segments": pieces[hour, channel],
            "cost": _cost(pieces[hour, channel], channel),
        }


def _total(slug: str, channel: Channel, rows: list[dict[str, Any]]) -> dict[str, Any]:
    pieces = sum(row["segments"] for row in rows)
    return {
        "clinic": slug,
        "channel": channel,
        "messages": sum(row["messages"] for row in rows),
        "segments": pieces,
        "cost": _cost(pieces, channel),
    }


def _cost(pieces: int, channel: Channel) -> str | None:
    """As text: money is no floating point number. Email has no price here."""
    if channel is not Channel.SMS or settings.SMS_PRICE is None:
        return None
    return f"{(settings.SMS_PRICE[0] * pieces).quantize(Decimal('0.01'))}"


def _held(clinic: Clinic, until: datetime) -> int:
    return Message.objects.filter(clinic=clinic, state=State.HELD, due_at__lt=until).count()


class _Parts:
    """How many parts a step's text has at most, worked out once for each version, step and language."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, int, str, str], int] = {}
        self._documents: dict[int, str] = {}

    def of(self, clinic: Clinic, version_id: int, step: str, language: str) -> int:
        key = (clinic.pk, version_id, step, language)
        if key not in self._of:
            if version_id not in self._documents:
                found = ProtocolVersion.objects.values_list("document", flat=True)
                self._documents[version_id] = found.get(pk=version_id)
            values = WORST_CASE | {"clinic_name": clinic.name, "clinic_phone": clinic.phone}
            version = rendering.version(self._documents[version_id])
            said = version.write(step=step, channel=Channel.SMS, language=language, values=values)
            self._of[key] = segments(said.text).parts
        return self._of[key]
