"""When the database can't answer, say so at once, so that whoever asked tries again (rule 33)."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import structlog
from django.db import Error
from django.http import HttpResponse, HttpResponseBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

log = structlog.get_logger()


def needs_database(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer 503 for every database error of the view; the log names its kind, never its values (P9)."""

    @wraps(view)
    def answer(request: HttpRequest, **captured: str) -> HttpResponseBase:
        try:
            return view(request, **captured)
        except Error as error:
            log.error(
                "database_unavailable", page=view.__name__, error=type(error).__name__
            )  # not its text: that may quote a row
        return HttpResponse("Please try again in a minute.", status=503, content_type="text/plain", headers=RETRY)

    return answer


RETRY = {"Retry-After": "60", "Cache-Control": "no-store"}
