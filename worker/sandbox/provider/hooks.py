"""Signed POSTs to the application, and never to anyone else: a sandbox must not reach the real world (rule 146)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import secrets
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ANSWER_TIME = aiohttp.ClientTimeout(total=15, connect=5)  # rule 96: the provider waits no longer
_KEPT = 20_000  # bytes of an answer that are looked at


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """X-Twilio-Signature: base64 of HMAC-SHA1 over the exact URL and the sorted parameters (rule 91)."""
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Hooks:
    """One HTTP client for all that the outside sends to the application; at most 32 calls at a time."""

    def __init__(self, *, token: str, public_url: str, trust: Path | None = None) -> None:
        """Sign with `token`; call only this machine and the host of `public_url`; `trust` is one more certificate."""
        self._token = token
        self._home = urlsplit(public_url).hostname
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client; needs a running loop."""
        context = ssl.create_default_context()
        if self._trust is not None:
            context.load_verify_locations(self._trust)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_ANSWER_TIME,
        )

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()

    def may_call(self, url: str) -> bool:
        """True for this machine and the application's own host."""
        host = urlsplit(url).hostname or ""
        if host in {"localhost", self._home}:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    async def signed(self, url: str, params: Mapping[str, str], *, waits: Sequence[float], on_5xx: bool) -> Any:
        """POST a signed form; after each failure wait the next of `waits` (seconds) and try again.

        A failure is a connection that breaks, and with `on_5xx` also a 5xx answer. Returns the last answer, with
        `attempts` added (see `post`).
        """
        headers = {
            "X-Twilio-Signature": signature(self._token, url.partition("#")[0], params),
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
        }
        for attempt, wait in enumerate((*waits, None), start=1):
            answer = await self.post(url, urlencode(params), headers=headers)
            answer["attempts"] = attempt
            failed = answer["status"] is None or (on_5xx and answer["status"] >= 500)  # noqa: PLR2004 - HTTP's own
            if not failed or wait is None or answer["error"] == _OUTSIDE:
                break
            await asyncio.sleep(wait)
        return answer

    async def post(self, url: str, form: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """POST a form, follow no redirect, keep no cookie.

        Returns status (None when no answer came), body (text), error (a word, or None) and ms (milliseconds).
        """
        if not self.may_call(url) or self._session is None:
            return {"status": None, "body": "", "error": _OUTSIDE, "ms": 0}
        began = time.monotonic()
        status, body, error = None, b"", None
        try:
            async with self._session.post(
                URL(url.partition("#")[0], encoded=True),
                data=form.encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
                allow_redirects=False,
            ) as answer:
                status, body = answer.status, await answer.content.read(_KEPT)
        except (aiohttp.ClientError, TimeoutError, ValueError) as broken:
            status, error = None, type(broken).__name__
        ms = round((time.monotonic() - began) * 1000)
        return {"status": status, "body": body.decode(errors="replace"), "error": error, "ms": ms}


_OUTSIDE = "not called: outside the sandbox"
