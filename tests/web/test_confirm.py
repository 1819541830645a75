"""The page behind an opt-in question by email: looking agrees to nothing, one press agrees once (rules 7, 113)."""

from __future__ import annotations

import pytest

from tests import builders
from tests.actions import post as office
from tests.builders import NOW, standing_of
from tests.web.page import Page
from tests.web.provider import FORM
from worker import tokens
from worker.actions.consent.optin_expiry import expire_unanswered
from worker.models import ConsentEvent, Contact, Grant
from worker.web import quiet

HOSTILE = [
    "", "confirm=", "confirm=no", "confirm=stop", "confirm=yes&confirm=yes", "confirm=yes&more=1", "yes=confirm",
    "List-Unsubscribe=One-Click", "CONFIRM=yes", "confirm=Yes", "confirm=yes%00",
]  # fmt: skip


@pytest.fixture
def alice(house):
    """Alice, who was asked by email."""
    house.lakeside.double_opt_in = ["email"]
    house.lakeside.save()
    client = builders.alice().client
    office.round_of_post(NOW, channel="email")
    return client


def link(client, kind="y"):
    return f"/{kind}/{tokens.make(kind, Contact.objects.get(client=client, channel='email').link_key)}"


def states(client):
    return set(Grant.objects.filter(client=client, standing__channel="email").values_list("state", flat=True))


def press(browser, path, body="confirm=yes", content_type=FORM):
    return browser.post(path, data=body, content_type=content_type)


def test_looking_agrees_to_nothing(alice, browser):
    """Rule 113: scanners open every link with GET and HEAD."""
    before = builders.counts()
    for _ in range(20):
        assert browser.get(link(alice)).status_code == 200
        assert browser.head(link(alice)).status_code == 200
    assert builders.counts() == before
    assert states(alice) == {"pending"}


def test_one_press_agrees_and_a_second_changes_nothing(alice, browser):
    """Rule 7: no cookie, no login, no CSRF token; the page says so, in her words, with a masked address."""
    answer = press(browser, link(alice))
    page = Page(answer)
    page.check()
    assert answer.status_code == 200
    assert not answer.cookies
    assert "Thank you, you will get our emails" in page.text
    assert "a•••••@e•••••.com" in page.text
    assert states(alice) == {"active"}
    before = ConsentEvent.objects.count()
    assert "Thank you" in Page(press(browser, link(alice))).text
    assert ConsentEvent.objects.count() == before


def test_the_page_says_what_it_is_and_nothing_of_her(alice, browser):
    """P9, rule 113: the clinic, the masked address, one button; nothing stored, nothing from elsewhere."""
    answer = browser.get(link(alice))
    page = Page(answer)
    page.check()
    assert page.all("button") == [{"class": "button", "name": "confirm", "value": "yes"}]
    assert "Lakeside Skin Clinic" in page.text
    for secret in ("Alice", "Moreau", "alice@", "example.com", "needling", "5550123"):
        assert secret not in page.html
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"


def test_it_speaks_spanish_to_who_does(house, browser):
    """Her language, not the clinic's."""
    house.lakeside.double_opt_in = ["email"]
    house.lakeside.save()
    client = builders.alice(language="es").client
    page = Page(browser.get(link(client)))
    page.check()
    assert page.all("html")[0]["lang"] == "es"
    assert "Sí, escríbanme" in page.text


@pytest.mark.parametrize("body", HOSTILE)
def test_a_post_that_does_not_say_yes_agrees_to_nothing(alice, browser, body):
    """P12: 400, and no effect."""
    assert press(browser, link(alice), body).status_code == 400
    assert states(alice) == {"pending"}


def test_a_large_body_is_refused_unread(alice, browser):
    """P12: 413 by the announced length."""
    assert press(browser, link(alice), "confirm=yes&" + "x" * 70_000).status_code == 413
    assert states(alice) == {"pending"}


def test_only_its_own_token_opens_it(alice, browser):
    """Rule 114: a bit flipped, the unsubscribe token of the same mail, another kind: 404, and no effect."""
    true = link(alice)
    for path in (true[:-1] + ("A" if true[-1] != "A" else "B"), link(alice, "u").replace("/u/", "/y/"), "/y/", "/y/x"):
        assert press(browser, path).status_code == 404
    assert states(alice) == {"pending"}


def test_when_its_time_is_over_it_says_so(alice, browser):
    """Rule 7: an expired question agrees to nothing; the page sends her to the desk."""
    from worker import clock

    clock.step_to(NOW.replace(day=15))
    assert "nothing to confirm here any more" in Page(press(browser, link(alice))).text
    expire_unanswered(now=clock.now())
    page = Page(browser.get(link(alice)))
    page.check()
    assert "nothing to confirm here any more" in page.text
    assert not page.all("button")
    assert states(alice) == {"expired"}


def test_after_a_stop_the_link_opens_nothing(alice, browser):
    """P2: the other link of the same mail ended it."""
    press(browser, link(alice, "u"), "List-Unsubscribe=One-Click")
    assert "nothing to confirm here any more" in Page(press(browser, link(alice))).text
    assert standing_of(alice, "email").suppressed_at is not None
    assert states(alice) == {"revoked"}


def test_the_token_stays_out_of_the_log():
    """P9, rule 60: a line about a refused request shows no token."""
    assert quiet._hidden("Bad Request: /y/abcdefgh123?x=1") == "Bad Request: /y/...?x=1"
