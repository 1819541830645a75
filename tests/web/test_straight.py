"""Webhooks meet nothing that is there for people: neither a cookie nor a language has a say (rule 101)."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.builders import ALICES_PHONE
from tests.web.provider import INBOUND, STATUS, Provider
from worker.web import straight


class Wall:
    """A middleware that nothing passes."""

    def __init__(self, _get_response):
        """Whoever is below is never reached."""

    def __call__(self, _request):
        """Fail."""
        raise RuntimeError


@pytest.fixture
def walled(settings):
    """A wall right behind the short way."""
    at = settings.MIDDLEWARE.index("worker.web.straight.Straight") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], f"{__name__}.Wall", *settings.MIDDLEWARE[at:]]
    return Client(raise_request_exception=False)


def test_a_webhook_passes_where_pages_do_not(house, walled, settings):
    """Genuine and forged ones are answered as ever; every page, and what only looks like a hook, meets the wall."""
    provider = Provider(walled, account_sid=settings.TWILIO_ACCOUNT_SID, token=settings.TWILIO_AUTH_TOKEN)
    heard = provider.text(ALICES_PHONE, "hello")
    assert (heard.status_code, heard["Content-Length"]) == (200, str(len(heard.content)))
    assert provider.receipt("0" * 32, "SM1", "sent").status_code == 404
    assert provider.raw(INBOUND, "").status_code == provider.raw(STATUS, "").status_code == 403
    for address in ("/healthz", "/hooks/twilio/other", "/hooks/", f"{INBOUND}/", "/hooks/email/ses/events"):
        assert walled.post(address).status_code == 500, address


def test_an_error_in_a_hook_is_a_500_and_counted(house, walled, settings, monkeypatch, caplog):
    """P11: the short way has the same floor as the long one, and the log has its line."""

    def broken(_said):
        raise RuntimeError(ALICES_PHONE)

    monkeypatch.setattr("worker.web.accounts.sender_of", broken)
    provider = Provider(walled, account_sid=settings.TWILIO_ACCOUNT_SID, token=settings.TWILIO_AUTH_TOKEN)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 500
    assert "'status': 500" in caplog.text


def test_only_marked_views_go_the_short_way():
    """Nobody gets past the sign-in of staff because of an address alone (P10)."""
    from django.urls import get_resolver

    views = [each.callback for each in get_resolver().url_patterns if hasattr(each, "callback")]
    marked = [view.__name__ for view in views if getattr(view, "goes_straight", False)]
    assert sorted(marked) == ["twilio_inbound", "twilio_status"]
    assert straight.PREFIX == "/hooks/"
