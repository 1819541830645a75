"""Another language, chosen behind the link: from now on, and only where approved texts exist (P3, P8)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post as postbox
from tests.builders import NOW, message, messages_of
from tests.web.page import Page
from tests.web.test_preferences import EVERYTHING, OFFERED, answer, offered
from tests.web.test_unsubscribe import link, post
from worker import tokens
from worker.actions.course.plan import plan
from worker.actions.send.prepare import prepare
from worker.models import (
    Event,
    Link,
    Message,
    ProtocolVersion,
    Treatment,
)
from worker.reading.chain import faults
from worker.rules.plan import Anchor
from worker.rules.states import State
from worker.timeline import Course


@pytest.fixture
def alice(house):
    """Alice of Lakeside, with a visit in five weeks: care notes and reminders are planned on both channels."""
    return builders.alice(visit=NOW + timedelta(days=35)).client


def test_another_language_counts_for_all_that_has_not_left(alice, browser):
    """What is planned, what is planned later and the page itself speak it; the record says so (P8)."""
    page = answer(browser, link(alice), "language=es")
    assert page.all("html")[0]["lang"] == "es"
    assert "Sus mensajes llegarán en español" in page.text
    assert "de nuevo" not in page.text
    alice.refresh_from_db()
    assert alice.language == "es"
    assert {each.language for each in messages_of(alice)} == {"es"}
    event = Event.objects.get(kind="language")
    assert (event.subject, event.actor, event.code) == (f"client:{alice.pk}", "client", "es")
    assert event.facts["before"] == "en"
    assert event.facts["messages"] == Message.objects.filter(client=alice).count()
    assert "quiero" not in Page(browser.get(link(alice))).text.lower()
    assert ("language", "en") in offered(Page(browser.get(link(alice))))
    care = Link.objects.get(client=alice)
    again = Treatment.objects.get(client=alice)
    again.pk, again.external_id = None, "T-2"
    again.save()
    course = Course(clinic=alice.clinic, client=alice, version=care.version, care=care, treatment=again)
    later = plan(course, anchors=[Anchor.TREATMENT], now=NOW).messages
    assert {each.language for each in later} == {"es"}
    assert faults() == []


def test_what_has_left_keeps_the_language_it_left_in(alice, browser):
    """The record of what was sent is not rewritten (P8)."""
    postbox.round_of_post(NOW, postbox.Provider(), channel="email")
    assert message(alice, "optin-confirmation", "email").state == State.ACCEPTED
    answer(browser, link(alice), "language=es")
    assert message(alice, "optin-confirmation", "email").language == "en"
    assert message(alice, "same-day", "email").language == "es"


def test_words_made_before_the_change_do_not_leave_after_it(alice, browser):
    """A worker held the English text already: its claim is void, and the next one writes Spanish."""
    ready = prepare(postbox.claimed(NOW, channel="email"), now=NOW)
    assert ready
    answer(browser, link(alice), "language=es")
    assert postbox.decided(ready, NOW) == []
    provider = postbox.Provider()
    postbox.round_of_post(NOW, provider, channel="email")
    (mail,) = provider.taken
    assert "Usted nos pidió que le escribiéramos" in mail.text


def test_a_language_without_approved_texts_is_not_offered(alice, browser):
    """One of the two versions that write to her knows no Spanish: Spanish would be a promise half kept (P3)."""
    care = Link.objects.get(client=alice)
    document = json.loads(care.version.document)
    document["languages"] = ["en"]
    document["title"] = {"en": document["title"]["en"]}
    for step in document["steps"].values():
        step["texts"] = {name: text for name, text in step["texts"].items() if name.endswith(".en")}
    only = ProtocolVersion.objects.create(
        protocol=care.version.protocol, number=2, document=json.dumps(document), sha256="0" * 64, created_at=NOW,
        created_by="tests",
    )  # fmt: skip
    Link.objects.create(key=tokens.new_key(), clinic=care.clinic, client=alice, version=only, created_at=NOW)
    page = Page(browser.get(link(alice)))
    assert offered(page) == OFFERED - {("language", "es")}
    assert "Language" not in page.text
    assert post(browser, link(alice), "language=es").status_code == 400
    alice.refresh_from_db()
    assert alice.language == "en"


def test_spanish_pages_are_spanish(house, browser):
    """Every answer in the client's language, whole: nothing is left untranslated or unfilled."""
    alice = builders.alice(language="es").client
    page = Page(browser.get(link(alice)))
    page.check()
    assert "Notas de cuidado: activado" in page.text
    bodies = {
        "end=email.aftercare": "Ya no recibirá más notas de cuidado por correo",
        "end=sms.reminders": "Ya no recibirá más recordatorios de sus citas por mensaje de texto",
        "confirm=stop": "Ya no recibirá más correos",
        EVERYTHING: "No llegará nada más de Lakeside Skin Clinic.",
    }
    for body, said in bodies.items():
        page = answer(browser, link(alice), body)
        assert page.all("html")[0]["lang"] == "es"
        assert said in page.text
        assert "{" not in page.text
