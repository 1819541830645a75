"""A provider's webhooks go past all that is there for people: sessions, languages, sign-in, forms (rule 101).

None of it may have a say there, and together it costs a STOP half a millisecond of CPU, a fifth of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import Resolver404, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    View = Callable[..., HttpResponseBase]

PREFIX = "/hooks/"


def straight(view: View) -> View:
    """Mark a view under /hooks/ that needs nothing of the request but what was sent."""
    marked: Any = view
    marked.goes_straight = True
    return view


class Straight:
    """Middleware: whatever comes after it in the list is left out for marked views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Keep the long way for all others."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer by the view itself, or go on."""
        if request.path_info.startswith(PREFIX):
            try:
                match = resolve(request.path_info)
            except Resolver404:
                return self._get_response(request)
            if getattr(match.func, "goes_straight", False):
                request.resolver_match = match
                response: HttpResponse = match.func(request, *match.args, **match.kwargs)
                response.headers.setdefault("Content-Length", str(len(response.content)))
                return response
        return self._get_response(request)
