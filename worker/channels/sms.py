"""SMS through Twilio: the real `twilio` client speaks, over a connection that was open before the decision.

Never the package's own async client: with retries it repeats a POST on every 5xx, which is a double text, and it
ignores its time-out (rule 83). Never an idempotency header: Twilio has none (rule 77).
"""

from __future__ import annotations

import base64
import logging
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urlsplit

from django.conf import settings
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api import Api  # noqa: F401 - the client loads it at its first message, inside the second of P2

from worker import clock
from worker.channels.base import Accepted, NotStarted, Outcome, Refused, Sms, TryLater, Unknown
from worker.channels.http import Answer, Connection, LostAnswerError, NotStartedError, Pool

if TYPE_CHECKING:
    from collections.abc import Iterable

TOO_MANY, SERVER_ERROR = 429, 500
_call: ContextVar[tuple[Connection, float, dict[str, Answer]]] = ContextVar("call")


class SmsChannel:
    """Twilio's Messages resource at TWILIO_API_URL, for every account of every clinic."""

    def __init__(self, origin: str, timeout: float) -> None:
        self._origin = origin
        self._timeout = timeout
        self._pool = Pool(origin)

    async def reserve(self, wanted: int) -> list[Connection]:
        """Open connections for up to `wanted` messages."""
        return await self._pool.reserve(wanted)

    def release(self, slots: Iterable[Connection]) -> None:
        """Give connections back."""
        self._pool.release(slots)

    async def send(self, slot: Connection, sms: Sms, started: float) -> Outcome:
        """One create call. `started` is clock.running() at the start of its decision.

        Whatever happens is an outcome, never an exception: an error here must not look like "not sent".
        """
        seen: dict[str, Answer] = {}
        _call.set((slot, started, seen))
        try:
            made = await self._client(sms.account_sid, sms.auth_token).messages.create_async(**_fields(sms))
        except NotStartedError as error:
            self._pool.stumbled()
            return NotStarted(str(error))
        except LostAnswerError as error:
            return Unknown(str(error))
        except (TwilioRestException, TwilioServiceException) as error:
            return _refusal(int(error.status), str(error.code), seen.get("answer"))
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError):
            return Unknown("the answer could not be read")
        self._pool.answered()
        return Accepted(str(made.sid), int(made.num_segments or 0)) if made.sid else Unknown("no id in the answer")

    def _client(self, account_sid: str, auth_token: str) -> Client:
        return _client(account_sid, auth_token, self._origin, self._timeout)


def _fields(sms: Sms) -> dict[str, Any]:
    sender = {"messaging_service_sid": sms.sender} if sms.sender.startswith("MG") else {"from_": sms.sender}
    return {
        "to": sms.to,
        "body": sms.body,
        "status_callback": sms.status_callback,
        "validity_period": sms.validity_seconds,
        **sender,
    }


def _refusal(status: int, code: str, answer: Answer | None) -> Outcome:
    """Sort an error answer (rule 81): 429 was not processed, other 4xx are refusals, 5xx may have gone out."""
    if status == TOO_MANY:
        return TryLater(code, _seconds(answer.headers.get("retry-after", "") if answer else ""))
    if status >= SERVER_ERROR:
        return Unknown(f"http {status}")
    return Refused("" if code == str(status) else code, status)  # no code of its own: a proxy, or a wrong address


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 7 else None  # noqa: PLR2004


def speaking(slot: Connection, account_sid: str, auth_token: str, seen: dict[str, Answer], origin: str) -> Client:
    """The real client of one account, its next call bound to an open connection; for calls other than a create.

    `seen` gets the bare answer, whose status the package does not always hand on; the connection leads to `origin`.
    """
    _call.set((slot, clock.running(), seen))
    return _client(account_sid, auth_token, origin, float(settings.PROVIDER_TIMEOUT_SECONDS))


@lru_cache(maxsize=256)
def _client(account_sid: str, auth_token: str, origin: str, timeout: float) -> Client:
    # An empty environment: TWILIO_EDGE and kin on the host must not redirect a clinic's texts.
    connection = HeldConnection(origin, timeout)
    return Client(account_sid, auth_token, http_client=connection, environment={"": ""})  # type: ignore[no-untyped-call] # twilio ships no types


class HeldConnection(AsyncHttpClient):
    """Carries the real client's request over the connection that the decision holds, and keeps headers (rule 84)."""

    def __init__(self, origin: str, timeout: float) -> None:
        super().__init__(logging.getLogger("twilio"), True, timeout)
        self._origin = origin
        self._authority = urlsplit(origin).netloc.rpartition("@")[2]

    async def request(  # type: ignore[override] # twilio's own async client does the same
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - twilio's signature
        allow_redirects: bool = False,  # noqa: ARG002 - twilio's signature; we follow none
    ) -> Response:
        """One request, no retries, no redirects, nothing logged (rule 60)."""
        connection, started, seen = _call.get()
        raw = self._bytes(method, uri, params, data, headers or {}, auth)
        answer = await connection.exchange(raw, started=started, patience=timeout or self.timeout or 10.0)
        seen["answer"] = answer
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)

    def _bytes(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None,
        data: dict[str, object] | None,
        headers: dict[str, str],
        auth: tuple[str, str] | None,
    ) -> bytes:
        asked = urlsplit(uri)
        query = urlencode(params) if params else asked.query  # a list's next page comes as a whole address
        path = asked.path + (f"?{query}" if query else "")
        body = _form(data or {}).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._authority}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if auth:
            lines.append(f"Authorization: Basic {base64.b64encode(':'.join(auth).encode()).decode()}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _form(fields: dict[str, object]) -> str:
    """The same as urlencode(fields, doseq=True), at a third of its cost: it looks at every byte of the text."""
    pairs = ((name, each) for name, value in fields.items() for each in (value if isinstance(value, list) else [value]))
    return "&".join(f"{_quoted(name)}={_quoted(str(each))}" for name, each in pairs)


def _quoted(text: str) -> str:
    return text.encode().decode("latin-1").translate(_QUOTED)


_QUOTED = {byte: quote_plus(bytes([byte])) for byte in range(256)}


def make() -> SmsChannel:
    """The channel as the settings say.

    Touches the resource once: twilio loads it lazily, most of a second that would fall between decision and call.
    """
    _ = _client("AC", "", settings.TWILIO_API_URL, 1.0).messages
    return SmsChannel(settings.TWILIO_API_URL, float(settings.PROVIDER_TIMEOUT_SECONDS))
