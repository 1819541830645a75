"""Whoever may approve, export or operate shows a second factor, or sets one up before anything else (P10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect

from worker.models import Staff

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

ALLOWED = ("mfa_", "account_", "sign_out_everywhere", "set_language")

__all__ = ["SecondFactor", "login_not_required", "needs_one"]


class SecondFactor:
    """Middleware: sends a person who needs a second factor and has none to the page that makes one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """The rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Nothing to do before the view is known."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], _args: object, _kwargs: object
    ) -> HttpResponseBase | None:
        """Stand in the way of every page of the desk, but not of those that help."""
        if not getattr(view, "login_required", True) or not needs_one(request):
            return None
        match = request.resolver_match
        if match and (match.url_name or "").startswith(ALLOWED):
            return None
        return redirect("mfa_index")


def needs_one(request: HttpRequest) -> bool:
    """True while this person's roles ask for a second factor that she does not have.

    Asked at each page, for one query: what a session remembered would outlive the factor, taken away on any device.
    """
    user = request.user
    if not isinstance(user, Staff) or not user.held & set(settings.SECOND_FACTOR_FOR):
        return False
    return not get_adapter().is_mfa_enabled(user)
