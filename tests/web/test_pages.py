"""What holds for every page: strict headers, one stylesheet of our own, no cookie, readable by all (rule 39)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.test import Client
from django.urls import path

from tests import builders
from tests.web.page import Page
from tests.web.provider import INBOUND
from tests.web.test_care import page_of
from tests.web.test_unsubscribe import link
from worker.web.headers import CSP

CSS = Path(settings.TEMPLATES_DIR) / "static" / "aftercare.css"
STYLESHEET = "/static/aftercare/aftercare.css"


@login_not_required
def broken(_request, token):
    """A page with a fault in it."""
    raise RuntimeError("a fault that names +12125550123")


urlpatterns = [path("c/<str:token>", broken)]


def test_the_policy_allows_nothing_unsafe():
    """No script at all, nothing from elsewhere, no frame, no other target for a form."""
    assert "unsafe" not in CSP
    assert "script-src" not in CSP
    assert "*" not in CSP
    assert CSP.startswith("default-src 'none';")


def test_every_answer_carries_the_policy(house, browser, provider):
    """Pages, errors, webhooks and refusals alike."""
    alice = builders.alice().client
    answers = [
        browser.get(address)
        for address in ("/", link(alice), page_of(alice), "/u/x", "/c/x", "/nowhere", "/healthz", "/metrics")
    ]
    answers += [provider.text(builders.ALICES_PHONE, "hello"), browser.get(INBOUND), browser.post(link(alice))]
    for answer in answers:
        assert answer["Content-Security-Policy"] == CSP
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["X-Frame-Options"] == "DENY"
        assert not answer.cookies
    assert 500 not in [answer.status_code for answer in answers]


@pytest.mark.parametrize("address", ["/", "/u/x", "/c/x", "/nowhere", "/hooks/"])
def test_public_pages_need_no_login_and_are_whole(db, browser, address):
    """One main, one h1, a language, our stylesheet and nothing else to load."""
    Page(browser.get(address)).check()


def test_the_stylesheet_is_served_and_loads_nothing(db, browser):
    """It is there, and it calls no other host: no font, no image, no import (rule 39)."""
    answer = browser.get(STYLESHEET)
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == CSP
    css = b"".join(answer).decode()
    answer.close()
    assert css == CSS.read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|https?:|//", css)
    assert "prefers-color-scheme: dark" in css
    assert "@media print" in css


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast of two colours written as #rgb or #rrggbb."""

    def light(colour: str) -> float:
        full = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    brighter, darker = sorted((light(one), light(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_the_colours_can_be_read(scheme):
    """Long text reaches 7:1 on every ground it stands on, the rest 4.5:1, light and dark (WCAG 1.4.3, 1.4.6)."""
    blocks = re.findall(r":root \{(.*?)\}", CSS.read_text(encoding="utf-8"), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", blocks[scheme]))
    for ground in ("paper", "sheet", "here"):
        assert contrast(colours["ink"], colours[ground]) >= 7
        assert contrast(colours["soft"], colours[ground]) >= 4.5
        assert contrast(colours["link"], colours[ground]) >= 4.5
    assert contrast(colours["own"], colours["own-ink"]) >= 4.5
    assert contrast(colours["urgent"], colours["urgent-ink"]) >= 7


def test_the_start_page_leads_to_the_phones_in_a_rehearsal_only(browser, settings):
    """In the sandbox a link to the pretend phones; with a real channel not a word of it."""
    settings.ALL_SANDBOX, settings.SANDBOX_URL = True, "http://127.0.0.1:8025"
    assert "http://127.0.0.1:8025" in Page(browser.get("/")).links
    settings.ALL_SANDBOX = False
    page = Page(browser.get("/"))
    assert not page.links
    assert "rehearsal" not in page.text


def test_a_browser_asking_for_an_icon_is_no_news(db, browser, caplog):
    """204 and not a line in the log."""
    assert browser.get("/favicon.ico").status_code == 204
    assert not caplog.records


@pytest.mark.urls("tests.web.test_pages")
def test_a_fault_of_ours_shows_nothing_and_logs_no_token(caplog, capfd):
    """500: a calm page, and the token of the address is not in the log's line about it (P9)."""
    browser = Client(raise_request_exception=False)
    answer = browser.get("/c/QUJDREVGR0hJSktMTU5PUFFS")
    assert answer.status_code == 500
    Page(answer).check()
    out = capfd.readouterr()
    assert "/c/..." in caplog.text + out.err
    assert "QUJDREVGR0hJSktMTU5PUFFS" not in caplog.text + out.out + out.err
