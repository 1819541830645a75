"""The interface speaks the language of its cookie, else of the browser; clients' own pages speak theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import translation
from django.utils.translation import get_language_from_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponseBase

PUBLIC = ("/hooks/", "/u/", "/c/", "/y/", "/e/", "/healthz", "/readyz", "/metrics", "/static/")


class Language:
    """Middleware: Django's own would put `Vary` and `Content-Language` on webhooks and clients' pages as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """The rest of the chain."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Speak one language from here to the end of the answer."""
        if request.path.startswith(PUBLIC):
            return self._get_response(request)
        with translation.override(get_language_from_request(request)):
            request.LANGUAGE_CODE = translation.get_language() or "en"
            response = self._get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            return response
