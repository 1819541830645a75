"""Who speaks, where our own proxies stand between: the limits of sign-in and a signature's evidence need the address.

Without it everybody behind the proxy is one visitor, and who guesses passwords locks out the whole desk. What a visitor
claims counts for nothing: each proxy adds to X-Forwarded-For whom it saw, so only as many entries from its end are
believed as there are proxies of ours (TRUSTED_PROXIES). Whether it came by TLS is never asked: PUBLIC_URL says so.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase


class Visitor:
    """Middleware, there only where TRUSTED_PROXIES is: REMOTE_ADDR becomes the address of whoever asked our proxy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap everything that asks who it is."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer whom the proxy saw; without its word the peer stays who it is."""
        seen = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(seen) >= settings.TRUSTED_PROXIES:
            try:
                address = ipaddress.ip_address(seen[-settings.TRUSTED_PROXIES].strip())
            except ValueError:
                pass
            else:
                request.META["REMOTE_ADDR"] = str(address)
        return self._get_response(request)
