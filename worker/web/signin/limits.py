"""A desk is shared: who goes away is signed out, and no session outlives a working day (P10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.utils.translation import gettext as _

from worker import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

SINCE, SEEN = "signed_in_at", "seen_at"
SIGNED_OUT = "signed-out"  # in the address: the session that could have kept the word is over
NOTED_EVERY = 60  # seconds; a write for every page would cost more than it tells


class SessionLimits:
    """Middleware: ends a session that was idle too long or lasted too long; the machine's clock decides."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """The rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look at the clock before the page does anything."""
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            _look(request, clock.machine().timestamp())
        return self._get_response(request)


def _look(request: HttpRequest, now: float) -> None:
    session = request.session
    since, seen = session.get(SINCE, now), session.get(SEEN, now)
    if now - seen > settings.IDLE_MINUTES * 60 or now - since > settings.SESSION_HOURS * 3600:
        logout(request)
        request.signed_out = True  # type: ignore[attr-defined] # told on the next page
        request.session["told"] = "idle"
        return
    if SINCE not in session:
        session[SINCE] = session[SEEN] = now
    elif now - seen > NOTED_EVERY:
        session[SEEN] = now


def tell(request: HttpRequest) -> None:
    """Say once why the sign-in page stands there."""
    if request.session.pop("told", ""):
        messages.info(request, _("You were signed out because nobody used this desk for a while."))
    if SIGNED_OUT in request.GET:
        messages.success(request, _("You are signed out on every device."))
