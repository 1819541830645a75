"""Keep links out of the log: whoever reads a token there could read a plan of care, or end it (P9, rule 60).

And tracebacks of what is no fault of ours: a page that somebody may not see is one line.
"""

from __future__ import annotations

import logging
import re

SERVER_ERROR = 500
_TOKEN = re.compile(r"(/[cuye]/)[^/\s?]+")


class HideTokens(logging.Filter):
    """Writes /u/... for /u/TOKEN in every line about a request, and no traceback where it was refused."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line in place; always True, for no line is dropped."""
        if isinstance(record.args, tuple):
            record.args = tuple(_hidden(each) for each in record.args)
        if getattr(record, "status_code", SERVER_ERROR) < SERVER_ERROR:
            record.exc_info = record.exc_text = None
        return True


def _hidden(value: object) -> object:
    return _TOKEN.sub(r"\1...", value) if isinstance(value, str) else value


_FILTER = HideTokens()


def install() -> None:
    """Hide tokens in Django's lines about refused and failed requests; twice is once."""
    for name in ("django.request", "django.security.csrf"):  # a filter is not passed on to loggers below
        logging.getLogger(name).addFilter(_FILTER)
    # At DEBUG it writes the whole context of a page, a client's care notes among it, for every name left out.
    logging.getLogger("django.template").setLevel(logging.INFO)
