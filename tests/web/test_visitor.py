"""Behind our own proxy each visitor is somebody else, and what she claims about herself counts for nothing (P10)."""

from __future__ import annotations

import importlib

import pytest
from django.test import RequestFactory

from config import settings as ours
from worker.web.visitor import Visitor


@pytest.mark.parametrize(
    ("proxies", "told", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "127.0.0.1, 203.0.113.7", "203.0.113.7"),  # the first is her own claim
        (2, "10.9.9.9, 203.0.113.7, 198.51.100.2", "203.0.113.7"),
        (1, "2001:DB8::7", "2001:db8::7"),
        (1, None, "172.18.0.5"),
        (2, "203.0.113.7", "172.18.0.5"),
        (1, "", "172.18.0.5"),
        (1, "unknown", "172.18.0.5"),
    ],
)
def test_only_what_our_own_proxies_saw_is_believed(settings, proxies, told, address):
    """As many entries from the end as there are proxies."""
    settings.TRUSTED_PROXIES = proxies
    more = {} if told is None else {"headers": {"x-forwarded-for": told}}
    seen = []
    Visitor(lambda request: seen.append(request.META["REMOTE_ADDR"]))(
        RequestFactory().get("/", REMOTE_ADDR="172.18.0.5", **more)
    )
    assert seen == [address]


def test_without_a_proxy_of_ours_nobody_is_asked(monkeypatch):
    """The default believes no header; the middleware is there only where TRUSTED_PROXIES names a proxy."""
    name = "worker.web.visitor.Visitor"
    assert name not in ours.MIDDLEWARE
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    assert name in importlib.reload(ours).MIDDLEWARE
    monkeypatch.delenv("TRUSTED_PROXIES")
    assert name not in importlib.reload(ours).MIDDLEWARE


def test_who_guesses_passwords_behind_the_proxy_locks_out_only_herself(house, settings):
    """The limits of sign-in are one visitor's, not everybody's behind one proxy."""
    from django.test import Client

    settings.TRUSTED_PROXIES = 1
    settings.MIDDLEWARE = ["worker.web.visitor.Visitor", *settings.MIDDLEWARE]
    browser = Client()

    def guess(address, number):
        said = {"login": f"guess{number}@lakeside.example", "password": "wrong-wrong-wrong"}
        return browser.post("/login", said, headers={"x-forwarded-for": address})

    guesses = [guess("203.0.113.7", number).status_code for number in range(31)]
    assert (guesses[0], guesses[-1]) == (200, 429)
    assert guess("203.0.113.8", 99).status_code == 200
