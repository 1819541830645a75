"""Speaks to the webhooks as the provider does; its signature is worked out by hand, not by the library under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings

if TYPE_CHECKING:
    from django.test import Client

LAKESIDE, HILLSIDE = "+12125550100", "+12125550111"
INBOUND, STATUS = "/hooks/twilio/inbound", "/hooks/twilio/status"
FORM = "application/x-www-form-urlencoded"
Pairs = Iterable[tuple[str, str]]


def signature(token: str, url: str, pairs: Pairs = ()) -> str:
    """base64(HMAC-SHA1(token, URL + each sorted name and value)), after the provider's own description."""
    said = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()).decode()


_numbers = itertools.count(1)


def new_sid() -> str:
    """A message id as the provider gives them, never twice."""
    return f"SM{next(_numbers):032x}"


@dataclass
class Provider:
    """One account at the provider, and the browser it posts with."""

    browser: Client
    account_sid: str
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    def text(self, from_: str, body: str, *, to: str = LAKESIDE, sid: str = "", **more: str) -> Any:
        """A client's text, as posted to the inbound hook."""
        return self.post(INBOUND, self.said(from_, body, to=to, sid=sid, **more))

    def said(self, from_: str, body: str, *, to: str = LAKESIDE, sid: str = "", **more: str) -> list[tuple[str, str]]:
        """The form of a client's text."""
        named = {"AccountSid": self.account_sid, "MessageSid": sid or new_sid(), "From": from_, "To": to, "Body": body}
        return list((named | {"NumMedia": "0", "FromCity": ""} | more).items())

    def receipt(self, attempt: str, sid: str, status: str, code: str = "", **more: str) -> Any:
        """A status receipt for the attempt of that id (hex)."""
        named = {"AccountSid": self.account_sid, "MessageSid": sid, "MessageStatus": status, **more}
        if code:
            named["ErrorCode"] = code
        return self.post(f"{STATUS}?d={attempt}", list(named.items()))

    def post(self, path: str, pairs: list[tuple[str, str]], *, url: str = "", **headers: str) -> Any:
        """A signed POST; `url` is what the signature is made over, by default the public address of `path`."""
        signed = signature(self.token, url or settings.PUBLIC_URL + path, pairs)
        return self.raw(path, urlencode(pairs), **{"X-Twilio-Signature": signed, **headers})

    def raw(self, path: str, body: str | bytes, *, content_type: str = FORM, **headers: str) -> Any:
        """A POST with exactly these headers and this body."""
        named = {name.replace("_", "-"): value for name, value in (self.headers | headers).items()}
        return self.browser.post(path, data=body, content_type=content_type, headers=named)
