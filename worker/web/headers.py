"""What every answer of ours tells the browser: load nothing from elsewhere, run only our files, keep nothing."""

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
WITH_SCRIPTS = f"{CSP}; script-src 'self'; connect-src 'self'"
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
        # Only the addresses of staff have names; what clients and providers open runs no script at all.
        named = request.resolver_match is not None and request.resolver_match.url_name
        response.headers["Content-Security-Policy"] = WITH_SCRIPTS if named else CSP
        if named:  # with no-referrer a browser writes "Origin: null", and Django takes the form for a stranger's
            response.headers["Referrer-Policy"] = "same-origin"
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
