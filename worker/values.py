"""What the words of a message may name, as a client reads them: one function for every channel and for her page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings

from worker import dates, tokens
from worker.rules.names import Channel
from worker.rules.text import short_name, to_gsm7

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from worker.models import Clinic

FIRST_NAME = 20  # SMS units: a longer name would cost the clinic a part and move advice into the next (rule 105)


def template_values(
    *,
    channel: Channel,
    language: str,
    zone: ZoneInfo,
    clinic: Clinic,
    name: str,
    messages_promised: int,
    interval_days: tuple[int, int],
    care_url: str | None = None,
    unsubscribe_url: str | None = None,
    confirm_url: str | None = None,
    session_at: datetime | None = None,
    treated_at: datetime | None = None,
) -> dict[str, str]:
    """The values of one message; what isn't known is left out, so that a text that needs it is never sent half.

    `name` is the whole name, `zone` the client's, the moments are aware, the URLs whole. In an SMS whatever can be
    is written in GSM-7: one letter outside it would double what the text costs (rules 104, 105).
    """
    plain = _plain if channel is Channel.SMS else _as_written
    known = {"care_url": care_url, "unsubscribe_url": unsubscribe_url, "confirm_url": confirm_url}
    values = {
        "first_name": first_name(name, channel),
        "clinic_name": plain(clinic.name),
        "clinic_phone": clinic.phone,
        "clinic_address": clinic.postal_address,
        "messages_promised": str(messages_promised),
        **{key: value for key, value in known.items() if value},
    }
    if session_at:
        values["session_date"] = plain(dates.said_date(session_at, zone, language))
        values["session_time"] = dates.said_time(session_at, zone, clinic.country)
    if treated_at:
        first, last = interval_days
        values["earliest_date"] = plain(_days_on(treated_at, first, zone, language))
        values["latest_date"] = plain(_days_on(treated_at, last, zone, language))
    return values


def first_name(name: str, channel: Channel) -> str:
    """The first word of a name, short enough for a greeting; in an SMS only as far as GSM-7 goes (rule 105)."""
    first = name.split(maxsplit=1)[0] if name.split() else ""
    return short_name(to_gsm7(first) if channel is Channel.SMS else first, FIRST_NAME)


def link_url(kind: str, key: int | None, step: int = 0) -> str | None:
    """The public address of a link: "c" a care page, "u" ends messages, "y" says yes; None where there is no link."""
    return None if key is None else f"{settings.PUBLIC_URL}/{kind}/{tokens.make(kind, key, step)}"


def _plain(text: str) -> str:
    return to_gsm7(text) or text  # a brand in another script is dearer, but a text without its brand is unlawful


def _as_written(text: str) -> str:
    return text


def _days_on(at: datetime, days: int, zone: ZoneInfo, language: str) -> str:
    return dates.said_date(at.astimezone(zone) + timedelta(days=days), zone, language)  # wall clock: a day is a date
