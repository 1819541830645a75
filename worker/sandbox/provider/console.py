"""Whom a number or a messaging service calls when a text comes in, as the provider's own API tells it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .problems import NOT_FOUND, RefusedError
from .shapes import SERVICE_SID

if TYPE_CHECKING:
    from aiohttp import web

    from .outside import Outside

HOOK = "/hooks/twilio/inbound"
_OURS = re.compile(r"\+1[2-9]\d{2}55501\d{2}")  # kept for fiction; no other number is in the account


def numbers(outside: Outside, request: web.Request) -> dict[str, Any]:
    """The page of IncomingPhoneNumbers that the filter PhoneNumber finds: one number, or none."""
    asked = request.query.get("PhoneNumber", "")
    found = [_number(outside, asked)] if _OURS.fullmatch(asked) else []
    return {
        "incoming_phone_numbers": found, "page": 0, "page_size": 1, "start": 0, "end": 0,
        "first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None, "uri": request.path_qs,
    }  # fmt: skip


def _number(outside: Outside, number: str) -> dict[str, Any]:
    return {
        "account_sid": outside.options.account_sid, "sid": f"PN{number.removeprefix('+'):0>32}",
        "phone_number": number, "sms_application_sid": "", "sms_method": "POST",
        "sms_url": outside.options.public_url + HOOK,
    }  # fmt: skip


def service(outside: Outside, sid: str) -> dict[str, Any]:
    """One messaging service; every well-formed id is one. Raises RefusedError otherwise."""
    if not SERVICE_SID.fullmatch(sid):
        raise RefusedError(NOT_FOUND)
    return {
        "account_sid": outside.options.account_sid, "sid": sid, "inbound_method": "POST",
        "inbound_request_url": outside.options.public_url + HOOK, "use_inbound_webhook_on_number": False,
    }  # fmt: skip
