"""A small client for tests and the demo; standard library only, so that it can be used from anywhere."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SandboxError(Exception):
    """The sandbox refused: the message names the field and the mend."""


class Sandbox:
    """Drives a running sandbox provider; safe to share between threads (each call has its own connection)."""

    def __init__(self, url: str, *, timeout: float = 60.0, trust: Path | None = None) -> None:
        """Talk to `url` (http or https), waiting at most `timeout` seconds; `trust` is a certificate to accept."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port
        self._timeout = timeout
        self._tls = ssl.create_default_context(cafile=trust) if parts.scheme == "https" else None

    def reply(self, phone: str, body: str, *, to: str | None = None, wait: bool = True) -> dict[str, Any]:
        """A client writes `body` from `phone` (E.164) to `to` or to whoever wrote last.

        Returns sid, to and hook: the application's answer (status, error, attempts, ms), {"lost": True}, or None
        without `wait`. Raises SandboxError when there is nobody to reply to.
        """
        asked = {"phone": phone, "body": body, "wait": wait} | ({"to": to} if to else {})
        return self._json("POST", "/sandbox/reply", asked)

    def unsubscribe(self, email: str) -> dict[str, Any]:
        """Press the one-click button of the newest mail to `email` (RFC 8058).

        Returns url, status, error, done and mail (its number). Raises SandboxError when the mail has no such button.
        """
        return self._json("POST", "/sandbox/unsubscribe", {"email": email})

    def log(self, *kinds: str, after: int = 0) -> list[dict[str, Any]]:
        """Return all entries above seq `after`, of these kinds or of all (see docs of `Witness`)."""
        return list(self._entries(kinds, after))

    def quiet(self) -> dict[str, Any]:
        """Return quiet (bool), pending_callbacks, pending_inbound and moving (counts)."""
        return self._json("GET", "/sandbox/quiet")

    def wait_quiet(self, *, timeout: float = 30.0) -> None:
        """Return when nothing is on its way any more; raises TimeoutError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while not self.quiet()["quiet"]:
            if time.monotonic() > end:
                raise TimeoutError("the sandbox did not become quiet")
            time.sleep(0.01)

    def faults(self, **wanted: Any) -> dict[str, Any]:
        """Set the faults named (see `Faults`), leave the others; without any, show what is in force."""
        return self._json("POST", "/sandbox/faults", wanted) if wanted else self._json("GET", "/sandbox/faults")

    def clear_faults(self) -> dict[str, Any]:
        """End all faults, an outage too."""
        return self._json("DELETE", "/sandbox/faults")

    def _entries(self, kinds: tuple[str, ...], after: int) -> Iterator[dict[str, Any]]:
        place: int | None = after
        while place is not None:
            query = urlencode({"after": place, "limit": 2000} | ({"kind": ",".join(kinds)} if kinds else {}))
            page = self._json("GET", f"/sandbox/log?{query}")
            yield from page["entries"]
            place = page["next"]

    def _json(self, method: str, path: str, asked: object = None) -> dict[str, Any]:
        line = self._connection()
        try:
            body = None if asked is None else json.dumps(asked)
            line.request(method, path, body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
        finally:
            line.close()
        found = json.loads(text) if text else None
        if answer.status >= 400 or not isinstance(found, dict):  # noqa: PLR2004 - HTTP's own
            raise SandboxError(found["error"] if isinstance(found, dict) else f"HTTP {answer.status}")
        return found

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._tls)
