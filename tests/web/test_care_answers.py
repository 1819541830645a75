"""The check-in on the care page: approved questions, answered by a tap, in the queue of replies (rules 39, 41, 42)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import NOW, OKAFOR, PROTOCOL
from tests.web.page import Page
from tests.web.test_care import page_of
from tests.web.test_unsubscribe import FORGED
from worker import clock
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.models import CheckinAnswer, Conversation
from worker.reading.inbox import inbox
from worker.reading.thread import thread

CALM = dict.fromkeys(("spreading-redness", "pus", "fever", "blisters", "darkening", "question"), "no")


@pytest.fixture
def alice(house):
    """Alice of Lakeside, a day into her course."""
    client = builders.alice().client
    clock.step_to(NOW + timedelta(days=1))
    return client


def _answer(browser, alice, said, step="day-1"):
    return browser.post(f"{page_of(alice, step)}/answers", said)


@pytest.mark.parametrize(("step", "asks"), [("day-1", True), ("day-3", True), ("day-7", True), ("day-14", False)])
def test_a_step_asks_what_its_practitioner_approved(alice, browser, step, asks):
    """P3, rule 39: the version's own questions, each with yes and no; to look at them records nothing."""
    page = Page(browser.get(page_of(alice, step)))
    page.check()
    assert ("Do you have a fever or chills?" in page.text) is asks
    assert len([each for each in page.all("input") if each["type"] == "radio"]) == (12 if asks else 0)
    assert not CheckinAnswer.objects.exists()


def test_calm_answers_are_thanked_for_and_nobody_is_called(alice, browser):
    """Rule 41: the approved words, and nothing concluded."""
    page = Page(_answer(browser, alice, CALM))
    page.check()
    assert "Nothing in your answers needs a call from us now." in page.text
    assert CheckinAnswer.objects.get().red is False
    assert not Conversation.objects.exists()


def test_a_red_answer_is_in_the_queue_with_the_question_she_read(alice, browser, house):
    """Rules 41, 42: she is told whom to call; the desk reads question and answer; sent twice it is one."""
    for _ in range(2):
        page = Page(_answer(browser, alice, CALM | {"fever": "yes"}))
    assert "We have told your practitioner now." in page.text
    assert "tel:+12125550100" in page.links
    (row,) = inbox(house.lakeside, now=clock.now())
    assert (row.kind, row.tapped, row.client) == ("red_flag", True, alice.pk)
    (said,) = thread(Conversation.objects.get()).said
    assert ("Do you have a fever or chills?", "yes") in said.answers
    assert said.red


def test_half_an_answer_is_shown_again_and_changes_nothing(alice, browser):
    """P12: what is missing is marked, what she tapped is kept."""
    page = Page(_answer(browser, alice, {"fever": "yes", "pus": "perhaps"}))
    page.check()
    assert page.text.count("Please answer this one too.") == len(CALM) - 1
    assert [each["name"] for each in page.all("input") if "checked" in each] == ["fever"]
    assert not CheckinAnswer.objects.exists()


def test_what_is_no_link_of_ours_or_not_approved_takes_nothing(alice, browser):
    """P3, P10: forged, a step that asks nothing, a withdrawn approval, a mere look: no answer is kept."""
    assert browser.post(f"/c/{FORGED[0]}/answers", CALM).status_code == 404
    assert browser.get(f"{page_of(alice)}/answers").status_code == 405
    _answer(browser, alice, CALM, "day-14")
    withdraw(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=clock.now())
    assert "fever" not in _answer(browser, alice, CALM).content.decode()
    assert not CheckinAnswer.objects.exists()


def test_after_a_stop_she_is_still_asked_and_heard(alice, browser, provider, house):
    """Rule 35: STOP ends messages, never care; a red answer is before a person all the same."""
    provider.text(builders.ALICES_PHONE, "STOP")
    _answer(browser, alice, CALM | {"pus": "yes"})
    assert inbox(house.lakeside, now=clock.now())[0].kind == "red_flag"


def test_it_speaks_her_language(house, browser):
    """Questions and answers in Spanish for who reads Spanish."""
    client = builders.alice(language="es").client
    clock.step_to(NOW + timedelta(days=1))
    assert "¿Tiene fiebre o escalofríos?" in Page(browser.get(page_of(client))).text
    assert "Gracias. Nada en sus respuestas" in Page(_answer(browser, client, CALM)).text
