"""When the database can't answer, say so at once, so that whoever asked tries again (rule 33)."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import structlog
from django.db import Error, connection
from django.http import HttpResponse, HttpResponseBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

log = structlog.get_logger("aftercare.request")


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


def once_more(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Take the database's line as it is, and do it all again on a new one if it was dead. For what may be done twice.

    Django asks the line whether it lives before each request, which is a fifth of what a STOP waits for; and a line
    that breaks in the middle would be a 503 all the same.
    """

    @wraps(view)
    def answer(request: HttpRequest, **captured: str) -> HttpResponseBase:
        line = None if connection.in_atomic_block else connection.connection
        setattr(connection, CHECKED, True)
        try:
            return view(request, **captured)
        except Error as error:
            # Django may have opened a new one meanwhile, to leave the transaction that died with the old one.
            if line is None or (connection.connection is line and connection.is_usable()):
                raise
            log.warning("database_line_dead", page=view.__name__, error=type(error).__name__)
            connection.close()
        return view(request, **captured)

    return answer


CHECKED = "health_check_done"  # Django's own mark, until the request ends; its stubs don't know it
RETRY = {"Retry-After": "60", "Cache-Control": "no-store"}
