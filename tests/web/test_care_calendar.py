"""The next visit for the client's own calendar, behind her care link (P7, P9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from icalendar import Calendar

from tests import builders
from tests.builders import NOW
from tests.web.test_care import page_of, read
from tests.web.test_unsubscribe import FORGED
from worker.actions.course.appointment import end, move
from worker.models import Appointment, Link
from worker.models.appointment import AppointmentStatus

VISIT = NOW + timedelta(days=35)


@pytest.fixture
def alice(house):
    """Alice of Lakeside, with a visit in five weeks."""
    return builders.alice(visit=VISIT).client


def entry(browser, client):
    """The calendar file behind her link, read back."""
    answer = browser.get(f"{page_of(client)}.ics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/calendar")
    assert answer["Cache-Control"] == "no-store"
    calendar = Calendar.from_ical(answer.content)
    return calendar, calendar.walk("VEVENT")[0]


def test_her_page_leads_to_her_visit(alice, browser):
    """The file names the clinic and the hour, and not a word of the treatment (P9)."""
    assert f"{page_of(alice)}.ics" in read(browser, alice).links
    calendar, event = entry(browser, alice)

    assert event.start == VISIT
    assert str(event["SUMMARY"]) == f"Visit at {alice.clinic.name}"
    said = calendar.to_ical().decode().lower()
    assert not [word for word in ("needl", "stretch", "micro", "alice") if word in said]


def test_a_moved_visit_moves_and_a_cancelled_one_goes(alice, browser):
    """P7: the same entry, one edition on; after the cancellation her page offers nothing to put in a calendar."""
    visit = Appointment.objects.get(client=alice)
    first = entry(browser, alice)[1]
    move(appointment_id=visit.pk, starts_at=VISIT + timedelta(days=2), by="staff:1", now=NOW)
    second = entry(browser, alice)[1]
    end(appointment_id=visit.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    calendar, third = entry(browser, alice)

    assert first["UID"] == second["UID"] == third["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < third["SEQUENCE"]
    assert second.start == VISIT + timedelta(days=2)
    assert (calendar["METHOD"], third["STATUS"]) == ("CANCEL", "CANCELLED")
    assert f"{page_of(alice)}.ics" not in read(browser, alice).links


def test_nothing_is_there_for_others(alice, browser):
    """P10: a forged or an ended link, and a client without a visit, all get the same 404."""
    bob = builders.bob().client
    assert browser.get(f"/c/{FORGED}.ics").status_code == 404
    assert browser.get(f"{page_of(bob)}.ics").status_code == 404
    hers = f"{page_of(alice)}.ics"
    assert browser.get(hers).status_code == 200
    Link.objects.filter(client=alice).update(ended_at=NOW)
    assert browser.get(hers).status_code == 404
