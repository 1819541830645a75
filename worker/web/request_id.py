"""Every request has a number: in its log lines, in the events it caused, and in the answer's header.

Our own number alone: whatever a stranger writes into X-Request-Id could be an address (P9).
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import structlog

from worker import meters

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

log = structlog.get_logger("aftercare.request")
ASKED_ALL_THE_TIME = frozenset({"healthz", "readyz", "metrics", "no_icon"})


class RequestId:
    """Middleware, the outermost: one canonical line and one observation for each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap everything else."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say how it went: which view, which status, how long; never the path, which may be a key."""
        began, number = time.monotonic(), secrets.token_hex(8)
        clock = meters.request_began.set(began)
        try:
            with structlog.contextvars.bound_contextvars(request=number):
                response = self._get_response(request)
                seconds = time.monotonic() - began
                view = _view(request)
                say = log.debug if view in ASKED_ALL_THE_TIME else log.info
                say("request", view=view, method=_method(request), status=response.status_code, ms=round(seconds * 1e3))
        finally:
            meters.request_began.reset(clock)
        meters.REQUESTS.labels(view, f"{response.status_code // 100}xx").observe(seconds)
        response.headers["X-Request-Id"] = number
        return response


def _view(request: HttpRequest) -> str:
    """The view's name; "none" for an address that leads nowhere."""
    match = request.resolver_match
    if match is None:
        return "none"
    return str(getattr(getattr(match.func, "view_class", match.func), "__name__", "unnamed"))


def _method(request: HttpRequest) -> str:
    return request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
