"""Dates and times as people read them, in the languages our texts speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.local_time import local

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
           "noviembre", "diciembre"),
}  # fmt: skip


def said_date(at: datetime, zone: ZoneInfo, language: str) -> str:
    """The local date with its weekday: "Tuesday 8 December", "martes 8 de diciembre"."""
    spoken = language if language in MONTHS else "en"
    wall = local(at, zone)
    of = " de " if spoken == "es" else " "
    return f"{WEEKDAYS[spoken][wall.weekday()]} {wall.day}{of}{MONTHS[spoken][wall.month - 1]}"


def said_time(at: datetime, zone: ZoneInfo, country: str) -> str:
    """The local time: "2:30 pm" in the US, Canada and Australia, "14:30" elsewhere."""
    wall = local(at, zone)
    if country not in {"US", "CA", "AU"}:
        return wall.strftime("%H:%M")
    return f"{wall.hour % 12 or 12}:{wall.minute:02d} {'am' if wall.hour < 12 else 'pm'}"  # noqa: PLR2004 - noon
