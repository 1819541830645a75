"""A visit as a calendar entry (RFC 5545, RFC 5546): moved and cancelled by the same entry's next edition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from icalendar import Calendar, Event, Timezone, vCalAddress, vText

from worker.rules.local_time import local, utc

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

PRODUCT = "-//Aftercare//Visits//EN"
_AROUND = timedelta(days=370)  # a zone's rules are told for the year around the visit: the whole century is 4 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a calendar may know of a visit: nothing about a treatment, for calendars are shared (P9).

    Args:
        uid: the same for every edition, so that a moved visit moves and is no second one.
        edition: 0 at first, one more with each change (SEQUENCE).
        changed_at: when this edition was made (aware).
        starts_at: aware; shown on the clock of `zone`.
        summary, question, place: in `language` (BCP 47), without markup.
        clinic, reply_to: who invites; the address is the clinic's own.
        attendee: the client's address where the entry goes by mail to her alone; else "".
    """

    uid: str
    edition: int
    changed_at: datetime
    starts_at: datetime
    zone: ZoneInfo
    language: str
    summary: str
    question: str
    place: str
    clinic: str
    reply_to: str
    attendee: str = ""
    cancelled: bool = False


def invitation(visit: Visit) -> bytes:
    """The entry as a file: a request to its attendee, a publication where none is named, or a cancellation.

    Raises:
        ValueError: a moment is naive.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method_of(visit))
    start = local(visit.starts_at, visit.zone)
    first, last = start.date() - _AROUND, start.date() + _AROUND
    calendar.add_component(Timezone.from_tzinfo(visit.zone, visit.zone.key, first_date=first, last_date=last))
    calendar.add_component(_event(visit, start))
    return bytes(calendar.to_ical())


def method_of(visit: Visit) -> str:
    """What the entry asks of a calendar (RFC 5546 3.2): a request needs somebody who is asked."""
    if visit.cancelled:
        return "CANCEL"
    return "REQUEST" if visit.attendee else "PUBLISH"


def _event(visit: Visit, start: datetime) -> Event:
    event = Event()
    event.add("uid", visit.uid)
    event.add("sequence", visit.edition)
    event.add("dtstamp", utc(visit.changed_at))
    event.add("dtstart", start)
    event.add("status", "CANCELLED" if visit.cancelled else "CONFIRMED")
    for name, words in (("summary", visit.summary), ("description", visit.question), ("location", visit.place)):
        event.add(name, vText(words), parameters={"LANGUAGE": visit.language})
    organizer = vCalAddress(f"mailto:{visit.reply_to}")
    organizer.params["CN"] = vText(visit.clinic)
    event.add("organizer", organizer)
    if visit.attendee:
        event.add("attendee", vCalAddress(f"mailto:{visit.attendee}"))
    return event
