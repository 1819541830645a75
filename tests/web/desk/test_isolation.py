"""Nobody enters who doesn't belong: every address, signed out, in each role, and from the other clinic (P10)."""

from __future__ import annotations

import re

import pytest

from tests.web.desk import addresses
from worker.models import Client, Message, Staff
from worker.models.staff import Role

WAYS = ("get", "post")
SIGN_IN = "/login"


@pytest.fixture
def tried(record_property):
    """How many requests were made; printed at the end of a run."""
    made: list[str] = []
    yield made.append
    record_property("addresses", len(made))


def _rows() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Client, Message, Staff)}


def test_strangers_come_to_the_sign_in(desk, browser, tried):
    """Signed out, every address that is not marked public leads to the sign-in, reading or writing (P10)."""
    before = _rows()
    for address in addresses.every():
        if address.is_public:
            continue
        for clinic in (desk.lakeside, desk.hillside):
            url = address.named(clinic) if "<" not in address.route or address.name in addresses.EXAMPLES else "/nobody"
            for way in WAYS:
                answer = getattr(browser, way)(url)
                tried(url)
                open_to_all = answer.status_code == 403 and way == "post"  # no CSRF token: refused before that
                assert open_to_all or answer.status_code == 404 or answer["Location"].startswith(SIGN_IN), (way, url)
    assert _rows() == before


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_what_is_its_own(desk, role, tried):
    """A role opens its own pages and is refused all others, reading or writing (P10)."""
    browser = desk.browser(role)
    before = _rows()
    for address in addresses.of_the_desk():
        url = address.named(desk.lakeside)
        assert address.roles, f"{url} has no roles: decorate it with `page`"
        answer = browser.get(url)
        tried(url)
        expected = answer.status_code != 403 if role in address.roles else answer.status_code == 403
        assert expected, (role, url, answer.status_code)
        if role not in address.roles:
            assert browser.post(url).status_code == 403, (role, url)
            tried(url)
    assert _rows() == before


@pytest.mark.parametrize("role", list(Role))
def test_the_other_clinic_is_not_there(desk, role, tried):
    """A row of another clinic is not there, whoever asks: 404, as for a row that never was (P10)."""
    browser = desk.browser(role)
    before = _rows()
    for address in addresses.of_the_desk():
        if "<" not in address.route or role not in address.roles:
            continue
        for way in WAYS:
            answer = getattr(browser, way)(address.named(desk.hillside))
            tried(address.route)
            at_the_door = way == "post" and answer.status_code == 302 and "/account/again" in answer["Location"]
            assert answer.status_code in (404, 405) or at_the_door, (role, way, address.route, answer.status_code)
    assert _rows() == before


def test_no_page_shows_the_other_clinics_people(desk, tried):
    """Neither name nor address of the other clinic's client or staff stands on any page without a row in it (P10)."""
    secrets = ("Bob Lindqvist", "hillside.example", "Hillside")
    for role in Role:
        browser = desk.browser(role)
        for address in addresses.of_the_desk():
            if "<" in address.route or role not in address.roles:
                continue
            said = browser.get(f"/{address.route}").content.decode(errors="replace")
            tried(address.route)
            assert not [each for each in secrets if each in said], (role, address.route)


def test_a_person_without_a_role_is_nobody(desk):
    """Who lost every role, or her access, is signed out by the next page she opens (P10)."""
    browser = desk.browser(Role.DESK)
    assert browser.get("/today").status_code == 200

    desk.people["lakeside", Role.DESK].roles.all().delete()

    assert browser.get("/today")["Location"].startswith(SIGN_IN)


def test_apis_ask_for_a_key_and_for_nothing_else(desk, browser, tried):
    """No session opens an API, and neither does a stranger: a key of its own, or 401 (P10)."""
    before = _rows()
    for address in addresses.every():
        if not address.route.startswith("api/"):
            continue
        url = f"/{re.sub('<[a-z]+:[a-z_]+>', 'x', address.route)}"
        for who in (browser, *(desk.browser(role) for role in Role)):
            for way in ("get", "post", "put", "delete"):
                answer = getattr(who, way)(url, content_type="application/json")
                tried(url)
                assert answer.status_code in (401, 405), (way, url, answer.status_code)
    assert _rows() == before
