"""Read a request's body exactly as it was sent, within limits, and say no in one way."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from worker.rules.text import storable

if TYPE_CHECKING:
    from django.http import HttpRequest

LARGEST = 64 * 1024  # bytes; Twilio's largest form is under 10 kB
MOST_FIELDS = 200
_WORD = re.compile("[!-~]+")


class No(Exception):
    """A request that is refused; carries the HTTP status and one word for the log, never what was sent."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status, self.why = status, why


def refuse_large(request: HttpRequest) -> None:
    """Refuse by the announced length, before a byte is read. Raises No (413)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        raise No(413, "too_large")


def form_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """A form's names and values in order, blank and repeated ones kept (rule 93). Raises No (400)."""
    try:
        text = request.body.decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # also of bytes that are no UTF-8
        raise No(400, "unreadable_form") from None


def json_text(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """A flat JSON object, as text and read. Raises No (400).

    Half an emoji is JSON and no text that could be stored; it is marked and the rest kept, which may be a STOP.
    """
    try:
        text = request.body.decode()
        read: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise No(400, "unreadable_json") from None
    if not isinstance(read, dict):
        raise No(400, "unreadable_json")
    return text, {name: storable(value) for name, value in read.items() if isinstance(value, str)}


def word(value: str, most: int) -> str:
    """A provider's own word: visible ASCII without a blank, at most `most` characters. Raises No (400)."""
    if len(value) > most or not _WORD.fullmatch(value):
        raise No(400, "unusable_field")
    return value
