"""A reminder by mail carries the visit for the client's calendar, then its new time (RFC 5545, RFC 6047)."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta

import pytest
from icalendar import Calendar

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.course import appointment
from worker.channels import mail_bytes
from worker.models import Appointment, Message

VISIT = NOW + timedelta(days=36)


def reminded(client, at, code="next-session-week"):
    """The mail of that step, sent at `at`."""
    Message.objects.filter(client=client, step__code=code, channel="email", state="planned").update(due_at=at)
    provider = post.Provider()
    post.round_of_post(at, provider, channel="email")
    (mail,) = provider.taken
    return mail


def entry(mail):
    """The attached visit, out of the bytes that go over the wire."""
    read = email.message_from_bytes(mail_bytes.raw(mail), policy=email.policy.default)
    assert read.get_content_type() == "multipart/mixed"
    words, visit = read.iter_parts()
    assert [part.get_content_type() for part in words.iter_parts()] == ["text/plain", "text/html"]
    assert (visit.get_content_type(), visit.get_filename(), visit.get_param("method")) == (
        "text/calendar", "visit.ics", mail.calendar_method,
    )  # fmt: skip
    calendar = Calendar.from_ical(visit.get_payload(decode=True))
    assert calendar["METHOD"] == mail.calendar_method
    return calendar.walk("VEVENT")[0]


@pytest.mark.parametrize(("language", "said"), [("en", "Visit at"), ("es", "Cita en")])
def test_a_reminder_carries_the_visit_in_her_language(house, language, said):
    """P7, P9: the clinic and the hour on her own clock, nothing of the treatment, and nobody is asked to answer."""
    client = builders.alice(visit=VISIT, language=language).client
    post.confirmed(NOW)
    mail = reminded(client, VISIT - timedelta(days=7))
    found = entry(mail)
    assert mail.calendar_method == "PUBLISH"
    assert (found.start, str(found["SUMMARY"])) == (VISIT, f"{said} {client.clinic.name}")
    assert str(found.start.tzinfo) == client.zone
    assert "ATTENDEE" not in found
    assert not [word for word in (b"needl", b"Alice", b"estr") if word in mail.calendar]


def test_a_moved_visit_moves_in_her_calendar(house):
    """P7: the same entry with the next SEQUENCE; what her calendar held is replaced, not doubled."""
    client = builders.alice(visit=VISIT).client
    post.confirmed(NOW)
    first = entry(reminded(client, VISIT - timedelta(days=7)))
    visit = Appointment.objects.get()
    appointment.move(
        appointment_id=visit.pk, starts_at=VISIT + timedelta(days=7), by="staff:1", now=VISIT - timedelta(days=6)
    )
    second = entry(reminded(client, VISIT - timedelta(hours=20)))
    assert first["UID"] == second["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"]
    assert second.start == VISIT + timedelta(days=7)


def test_what_is_about_no_visit_carries_none(house):
    """P7: aftercare is no appointment."""
    client = builders.alice().client
    post.confirmed(NOW)
    mail = reminded(client, NOW + timedelta(days=1), "day-1")
    assert (mail.calendar, mail.calendar_method) == (b"", "")
    assert b"text/calendar" not in mail_bytes.raw(mail)
