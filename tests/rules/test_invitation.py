"""A visit in a calendar: one entry through every change, in the client's zone and language, saying nothing of care."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from worker.rules.invitation import Visit, invitation
from worker.rules.local_time import zone

AT = datetime(2027, 3, 15, 14, 0, tzinfo=UTC)  # 10:00 in New York, a day after its clock went forward
VISIT = Visit(
    uid="visit-7@lakeside.example", edition=0, changed_at=AT - timedelta(days=30), starts_at=AT,
    zone=zone("America/New_York"), language="es", summary="Cita en Lakeside", place="1 Lake St, Suite 2; Floor 3",
    question="¿Una pregunta, u otra hora? Llame al +1 212-555-0100.", clinic='Lakeside "Skin"; Care, Inc.',
    reply_to="desk@lakeside.example",
)  # fmt: skip


def event(visit):
    """The one event of the file, read back by a parser, and the file's method."""
    calendar = Calendar.from_ical(invitation(visit))
    (found,) = calendar.walk("VEVENT")
    return found, calendar["METHOD"]


def test_it_stands_at_the_clients_own_hour():
    """RFC 5545 3.3.5: a wall time with its zone, and the zone's rules beside it, so that it stays at 10:00."""
    raw = invitation(VISIT).decode()

    assert "DTSTART;TZID=America/New_York:20270315T100000\r\n" in raw
    assert event(VISIT)[0].start == AT
    assert raw.count("BEGIN:VTIMEZONE") == 1
    assert "TZOFFSETTO:-0400" in raw


def test_a_moved_and_a_cancelled_visit_are_the_same_entry():
    """RFC 5545 3.8.7.4, RFC 5546 3.2: one UID, a growing SEQUENCE, and CANCEL at the end (P7)."""
    moved = replace(VISIT, edition=1, starts_at=AT + timedelta(days=3))
    gone = replace(moved, edition=2, cancelled=True)
    found = [event(each) for each in (VISIT, moved, gone)]

    assert {str(each["UID"]) for each, _ in found} == {"visit-7@lakeside.example"}
    assert [each["SEQUENCE"] for each, _ in found] == [0, 1, 2]
    assert [(each["STATUS"], method) for each, method in found] == [
        ("CONFIRMED", "PUBLISH"),
        ("CONFIRMED", "PUBLISH"),
        ("CANCELLED", "CANCEL"),
    ]


def test_a_request_names_who_is_asked():
    """RFC 5546 3.2.2: a REQUEST has an attendee; without one the entry is only published."""
    found, method = event(replace(VISIT, attendee="alice@example.com"))

    assert (method, str(found["ATTENDEE"])) == ("REQUEST", "mailto:alice@example.com")


def test_words_survive_and_lines_are_folded():
    """RFC 5545 3.1, 3.3.11: commas, semicolons, quotes and accents come back as written; no line over 75 octets."""
    found, _ = event(VISIT)

    assert (str(found["SUMMARY"]), str(found["LOCATION"])) == (VISIT.summary, VISIT.place)
    assert str(found["DESCRIPTION"]) == VISIT.question
    assert found["SUMMARY"].params["LANGUAGE"] == "es"
    assert max(len(line) for line in invitation(VISIT).split(b"\r\n")) <= 75


@pytest.mark.parametrize("words", ["Lakeside\r\nATTENDEE:mailto:eve@example.com", "a\nBEGIN:VEVENT"])
def test_no_word_of_a_clinic_makes_a_line_of_its_own(words):
    """A line end inside a name or address stays inside it (rule 121 in spirit)."""
    found, _ = event(replace(VISIT, summary=words, place=words, question=words))

    assert "ATTENDEE" not in found
    assert len(found.subcomponents) == 0


def test_a_naive_moment_is_refused():
    """Rule 138: an instant without a zone would be guessed at."""
    with pytest.raises(ValueError, match="naive"):
        invitation(replace(VISIT, starts_at=AT.replace(tzinfo=None)))
