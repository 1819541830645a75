"""What every answer of ours tells the browser: load nothing from elsewhere, run nothing, keep nothing."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from worker.web import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PRIVATE = {
    "Cache-Control": "no-store",  # a shared computer at a library keeps no plan of care
    "Referrer-Policy": "no-referrer",  # the address itself is the key to the page
    "X-Robots-Tag": "noindex, nofollow",
}


class SecurityHeaders:
    """Middleware: the same strict policy on every page, file and error, without a single unsafe-* (rule 39)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Also keep tokens out of the log, for a link is a key."""
        self._get_response = get_response
        quiet.install()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, with the policy."""
        response = self._get_response(request)
        response.headers["Content-Security-Policy"] = CSP
        return response


def private(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page behind a link that only its client holds: never stored, never indexed, never passed on (rule 113)."""

    @wraps(view)
    def answer(request: HttpRequest, **captured: str) -> HttpResponseBase:
        response = view(request, **captured)
        for name, value in PRIVATE.items():
            response.headers[name] = value
        return response

    return answer
