"""The care page shows one client her approved words and her days, and nobody anything else (P3, P7, P9, rule 39)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import NOW, OKAFOR, PROTOCOL, SAM, message, messages_of
from tests.web.page import Page
from tests.web.test_unsubscribe import FORGED, flipped
from worker import clock, tokens
from worker.actions.course.appointment import end, move
from worker.actions.course.put_right import void
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.models import Approval, Link, Message, Step
from worker.models.appointment import AppointmentStatus
from worker.rendering import version
from worker.rules.taken_back import VoidReason

DAY = timedelta(days=1)


def page_of(client, step="day-1"):
    """The address of one step of a client's care page, as her messages carry it."""
    link = Link.objects.get(client=client)
    ordinal = Step.objects.get(version=link.version, code=step).ordinal
    return f"/c/{tokens.make('c', link.key, ordinal)}"


def read(browser, client, step="day-1"):
    answer = browser.get(page_of(client, step))
    assert answer.status_code == 200
    page = Page(answer)
    page.check()
    return page


@pytest.fixture
def alice(house):
    """Alice of Lakeside, treated an hour ago."""
    return builders.alice().client


def test_the_whole_approved_text_is_there(alice, browser):
    """Every line of the step's email in the approved version, with her first name and the clinic's phone (P3)."""
    page = read(browser, alice)
    approved = version(Link.objects.get(client=alice).version.document).source.step("day-1").text("email", "en").text
    assert "The first days" in page.text
    assert "Hello Alice," in page.text
    assert "Avoid the sun." in page.text
    assert "Call +1 212-555-0100 on the same day" in page.text
    body = " ".join(approved.split())
    for sentence in ("Be gentle", "nobody reads them day and night"):
        assert (sentence in body) is (sentence in page.text)
    assert "{{" not in page.html


def test_the_plan_day_by_day(alice, browser):
    """Every care step with its local day; what has come is linked, what is ahead is named only."""
    clock.step_to(NOW + 4 * DAY)
    page = read(browser, alice, "day-3")
    lines = [attrs["datetime"] for attrs in page.all("time")]
    assert lines == sorted(lines)
    assert lines[:3] == ["2027-01-12", "2027-01-13", "2027-01-15"]
    assert "Wednesday 13 January The first days" in page.text
    assert "A few days on (you are reading this)" in page.text
    plan = [link for link in page.links if link and "/c/" in link]
    assert f"http://127.0.0.1:8000{page_of(alice, 'day-1')}" in plan
    assert f"http://127.0.0.1:8000{page_of(alice, 'day-7')}" not in plan
    assert page.html.count('aria-current="page"') == 1


def test_the_day_it_was_sent_counts(alice, browser):
    """A message that left on another day than planned shows the day it left, in her zone."""
    late = NOW + 2 * DAY + timedelta(hours=13)  # half past eleven at night in New York still is that day
    Message.objects.filter(pk=message(alice, "day-1", "sms").pk).update(state="delivered", sent_at=late)
    Message.objects.filter(pk=message(alice, "day-1", "email").pk).update(state="cancelled")
    clock.step_to(late)
    assert "Thursday 14 January The first days" in read(browser, alice).text


def test_after_a_stop_the_care_goes_on(alice, browser, provider):
    """STOP ends messages, never care: page and days stay (rule 35)."""
    before = read(browser, alice).all("time")
    provider.text(builders.ALICES_PHONE, "STOP all contact")
    assert not messages_of(alice, state="planned", cls="course")
    assert len(read(browser, alice).all("time")) >= len(before) - 1  # the course reminder alone has no day of its own


def test_it_speaks_her_language(house, browser):
    """Words, days and frame in Spanish."""
    alice = builders.alice(language="es").client
    page = read(browser, alice)
    assert page.all("html")[0]["lang"] == page.all("article")[0]["lang"] == "es"
    assert "Los primeros días" in page.text
    assert "13 de enero" in page.text
    assert "Su plan, día por día" in page.text


@pytest.mark.parametrize("name", ["<script>alert(1)</script> X", '"><img src=//evil.example onerror=x> X', "{{7*7}} X"])
def test_a_hostile_name_stays_a_name(house, browser, name):
    """Whatever was typed as a name is text, neither markup nor template (rule 40)."""
    page = read(browser, builders.alice(name=name).client)
    assert not page.all("script")
    assert not page.all("img")
    assert "49" not in page.text
    assert f"Hello {name.split()[0][:12]}" in page.text


def test_nothing_is_loaded_kept_indexed_or_passed_on(alice, browser):
    """No tracker, no cookie, no script, no other host; the strict policy of every page (rule 39)."""
    answer = browser.get(page_of(alice))
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert not answer.cookies
    hosts = {link.split("/")[2] for link in Page(answer).links if link and link.startswith("http")}
    assert hosts == {"127.0.0.1:8000"}


def test_reading_leaves_no_trace(alice, browser):
    """A page opened is nobody's business: no row is written (rule 39)."""
    before = builders.counts()
    for _ in range(3):
        browser.get(page_of(alice))
        browser.head(page_of(alice))
    assert builders.counts() == before


def test_nothing_of_another_client(alice, browser):
    """Bob's page is Bob's: no name, address, day or link of Alice, though both have the same step."""
    bob = builders.bob(treated=NOW - 3 * DAY).client
    page = read(browser, bob)
    for secret in ("Alice", "Moreau", "Lakeside", page_of(alice)):
        assert secret not in page.html
    assert "2027-01-09" in [attrs["datetime"] for attrs in page.all("time")]
    whole = read(browser, alice)
    for secret in ("Moreau", "alice@example.com", "5550123", "555-0123"):
        assert secret not in whole.html


def test_when_no_approval_stands_a_calm_page_stands_in(alice, browser, unguarded):
    """Withdrawn or overdue: none of the words, the clinic's phone instead (P3)."""
    assert "Avoid the sun" in read(browser, alice).text
    Approval.objects.filter(version=Link.objects.get(client=alice).version).update(review_by=NOW)
    overdue = read(browser, alice)
    Approval.objects.update(review_by=NOW + DAY)
    assert "Avoid the sun" in read(browser, alice).text
    withdraw(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=NOW)
    for page in (overdue, read(browser, alice)):
        assert "Please call us about your care" in page.text
        assert "tel:+12125550100" in page.links
        assert "sun" not in page.text
        assert "The first days" not in page.text
        assert "Alice" not in page.text


def test_words_that_were_changed_behind_the_approval_are_not_shown(alice, browser, unguarded):
    """The hash of what would be shown is compared with the approved one (P3)."""
    link = Link.objects.get(client=alice)
    changed = link.version.document.replace("Avoid the sun", "Enjoy the sun")
    type(link.version).objects.filter(pk=link.version_id).update(document=changed)
    page = read(browser, alice)
    assert "Please call us about your care" in page.text
    assert "the sun" not in page.text


def test_an_ended_or_erased_link_names_no_one(alice, browser):
    """404 in both languages, the same page as for a forged link."""
    forged = browser.get("/c/" + "A" * 24).content
    for changes in ({"ended_at": NOW}, {"ended_at": None}):
        Link.objects.filter(client=alice).update(**changes)
        type(alice).objects.filter(pk=alice.pk).update(erased_at=None if changes["ended_at"] else NOW)
        answer = browser.get(page_of(alice))
        assert answer.status_code == 404
        assert answer.content == forged
        assert "Lakeside" not in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"
    Page(answer).check()


@pytest.mark.parametrize("token", FORGED)
def test_a_forged_link_is_not_found(alice, browser, token):
    """404, and nothing of what was sent comes back (rule 114)."""
    answer = browser.get(f"/c/{token}")
    assert answer.status_code == 404
    assert "Lakeside" not in answer.content.decode()
    assert "script" not in answer.content.decode()


def test_no_bit_of_a_link_may_differ(alice, browser):
    """Neither another client's page nor another step of one's own can be reached by trying (rule 114)."""
    real = page_of(alice).removeprefix("/c/")
    for bit in range(18 * 8):
        assert browser.get(f"/c/{flipped(real, bit)}").status_code == 404


def test_a_step_that_is_not_in_the_version_is_not_found(alice, browser):
    """Number 0 names the plan alone; any other unknown number is nothing."""
    key = Link.objects.get(client=alice).key
    assert browser.get(f"/c/{tokens.make('c', key, 200)}").status_code == 404
    assert browser.get(f"/u/{tokens.make('c', key, 1)}").status_code == 404
    page = Page(browser.get(f"/c/{tokens.make('c', key)}"))
    page.check()
    assert "Your plan, day by day" in page.text
    assert "Avoid the sun" not in page.text


def test_a_visit_that_moved_shows_its_new_day(house, browser):
    """The reminder's page is true when it is read, not when it was sent (P7)."""
    visit = NOW + 35 * DAY
    alice = builders.alice(visit=visit).client
    assert "Tuesday 16 February at 10:00 am" in read(browser, alice, "next-session-day").text
    appointment = alice.appointments.get()
    move(appointment_id=appointment.pk, starts_at=visit + 2 * DAY, by="staff:1", now=NOW)
    assert "Thursday 18 February at 10:00 am" in read(browser, alice, "next-session-day").text
    end(appointment_id=appointment.pk, status=AppointmentStatus.CANCELLED, by="staff:1", now=NOW)
    gone = read(browser, alice, "next-session-day").text
    assert "18 February" not in gone
    assert "Something about this visit has changed" in gone


def test_none_is_arranged_is_not_said_once_one_is(house, browser):
    """The course reminder says that no visit is booked; with one booked it would be untrue (P7)."""
    alice = builders.alice().client
    assert "At the moment none is arranged" in read(browser, alice, "next-session-plan").text
    twin = builders.alice(external_id="A-2", phone="+12125550124", email="a2@example.com", visit=NOW + 35 * DAY).client
    assert "At the moment none is arranged" not in read(browser, twin, "next-session-plan").text


def test_texts_only_clients_can_leave_from_the_page(house, browser):
    """Without a mailbox the page's way out is that of her number."""
    alice = builders.alice(email=None, consents=[("sms", "aftercare")]).client
    page = read(browser, alice)
    contact = alice.contacts.get()
    assert f"http://127.0.0.1:8000/u/{tokens.make('u', contact.link_key)}" in page.links


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_only_reading_is_possible(alice, browser, method):
    """405, or 403 where Django's CSRF check comes first; nothing happens either way."""
    before = builders.counts()
    assert getattr(browser, method)(page_of(alice)).status_code in {403, 405}
    assert builders.counts() == before


def test_neither_words_nor_token_are_logged(alice, browser, caplog, capfd):
    """The page is health data and its address is its key (P9, rule 60)."""
    caplog.set_level("DEBUG")
    browser.get(page_of(alice))
    browser.put(page_of(alice))
    out = capfd.readouterr()
    told = caplog.text + out.out + out.err
    assert "/c/..." in told
    for secret in (page_of(alice).removeprefix("/c/"), "Alice", "Avoid the sun"):
        assert secret not in told


def test_a_session_that_never_was_has_no_days(alice, browser):
    """P7: the link of a text that had left says that something changed, and no day counts from what never was."""
    clock.step_to(NOW + 4 * DAY)
    Message.objects.filter(client=alice, step__code="day-1").update(state="accepted", sent_at=NOW + DAY)
    assert "matter most for healing" in read(browser, alice).text
    void(treatment_id=alice.treatments.get().pk, why=VoidReason.OTHER_CLIENT, by=SAM, now=NOW + 4 * DAY)
    page = read(browser, alice)
    assert "Something about this visit has changed" in page.text
    assert "The first days" not in page.text
