"""The list of messages: filters, and pages that stay true while new messages come in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .problems import Problem, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from .messages import Message
    from .outside import Outside

_NAMES = frozenset({"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"})
_DAY = 86_400
_LARGEST_PAGE = 1000
_EVER = (float("-inf"), float("inf"))


def listed(outside: Outside, request: web.Request) -> dict[str, Any]:
    """One page, newest first; raises RefusedError for a filter that is unknown or unreadable.

    A message without date_sent is not found by DateSent: the harsher reading, so that nobody leans on the kinder.
    """
    query = request.query
    unknown = set(query) - _NAMES
    if unknown:
        raise RefusedError(Problem(20001, f"Unknown parameter: {min(unknown)[:40]}"))
    size = min(_number(query.get("PageSize", "50"), "PageSize"), _LARGEST_PAGE) or 50
    page = _number(query.get("Page", "0"), "Page")
    found = list(islice(_matching(outside, dict(query), page * size), size + 1))
    asked = {name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}}

    def uri(number: int, token: str = "") -> str:
        extra = {"PageSize": str(size), "Page": str(number)} | ({"PageToken": token} if token else {})
        return f"{request.path}?{urlencode(asked | extra)}"

    shown, more = found[:size], len(found) > size
    return {
        "end": page * size + len(shown) - 1 if shown else page * size,
        "first_page_uri": uri(0),
        "messages": [message.shown() for message in shown],
        "next_page_uri": uri(page + 1, f"PA{shown[-1].sid}") if more else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": None,
        "start": page * size,
        "uri": request.path_qs,
    }


def _matching(outside: Outside, query: dict[str, str], skip: int) -> Iterator[Message]:
    to, sender, token = query.get("To"), query.get("From"), query.get("PageToken")
    first, last = _window(query)
    dated = (first, last) != _EVER
    newest = outside.clock.machine() - outside.weather.now.list_lag_ms / 1000
    before = _place(outside, token)
    pool = outside.store.in_order if to is None else outside.store.by_to.get(to, [])
    matching = (
        message
        for message in reversed(pool)
        if (token is None or message.place < before)
        and message.entered <= newest
        and message.sid in outside.store.by_sid
        and (sender is None or message.sender == sender)
        and (not dated or (message.sent is not None and first <= int(message.sent) <= last))
    )
    return matching if token else islice(matching, skip, None)


def _place(outside: Outside, token: str | None) -> int:
    if token is None:
        return 0
    found = outside.store.by_sid.get(token.removeprefix("PA"))
    if found is None:
        raise RefusedError(Problem(20001, "PageToken is unknown"))
    return found.place


def _window(query: dict[str, str]) -> tuple[float, float]:
    """First and last epoch second that DateSent, DateSent> (from) and DateSent< (until) leave over, both included."""
    first, last = _EVER
    for name in ("DateSent", "DateSent>", "DateSent<"):
        if name not in query:
            continue
        start, end = _span(query[name], name)
        if name != "DateSent<":
            first = max(first, start)
        if name != "DateSent>":
            last = min(last, end)
    return first, last


def _span(text: str, name: str) -> tuple[float, float]:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", text):
        raise RefusedError(Problem(20001, f"{name} must be YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ"))
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise RefusedError(Problem(20001, f"{name} is no date")) from None
    return moment, moment if "T" in text else moment + _DAY - 1


def _number(text: str, name: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text):
        raise RefusedError(Problem(20001, f"{name} must be a whole number"))
    return int(text)
