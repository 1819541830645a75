"""Mail through a provider's HTTP API: anymail makes the request, this module watches its first byte.

The connection is anymail's own, so it stands before the decision only when it is kept alive from the mail before.
What holds the 1 s bound of P2 is the hook below: it runs once the connection stands and right before the first
byte, and it also tells afterwards whether anything was written at all, which sorts every failure (rule 81).
"""

from __future__ import annotations

import contextlib
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from anymail.message import AnymailMessage
from django.utils.module_loading import import_string
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from config.environment import BadSetting
from worker import clock
from worker.channels import mail_bytes
from worker.channels.base import FIRST_BYTE_WITHIN, Accepted, NotStarted, Outcome, Refused, TryLater, Unknown
from worker.channels.http import CONNECT_SECONDS
from worker.channels.smtp import LATE, MEND, Unreachable

if TYPE_CHECKING:
    from worker.channels.base import Mail

PREFIX = "anymail+"
CLIENT_ERROR, TOO_MANY, SERVER_ERROR = 400, 429, 500
LOCKED_OUT = (401, 403)
# A provider's refusal in the terms of SMTP, so that one table judges both (rule 125).
BAD_ADDRESS, REFUSED, OUR_LOGIN, OUR_CONTENT = "553 5.1.3", "550", "535 5.7.8", "554 5.6.0"


class Backend(NamedTuple):
    """How one provider is named in anymail: its key's setting, its domain's where it needs one, headers of its own."""

    path: str
    key: str
    domain: str = ""
    headers: tuple[tuple[str, str], ...] = ()


# Only providers that can be told, mail by mail, not to put trackers into a client's health mail (P9).
BACKENDS = {
    "mailgun": Backend("anymail.backends.mailgun.EmailBackend", "api_key", "sender_domain"),
    "postmark": Backend("anymail.backends.postmark.EmailBackend", "server_token", headers=(("X-PM-KeepID", "true"),)),
    "sparkpost": Backend("anymail.backends.sparkpost.EmailBackend", "api_key"),
}
REFUSED_PROVIDERS = {
    "sendgrid": "SendGrid signs no agreement for health data (rule 55); choose another provider",
    "ses": "use Amazon SES by its SMTP address: smtps://USER:PASSWORD@email-smtp.REGION.amazonaws.com "
    "(its API client repeats a request by itself, and that is a double mail)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider and how to log in there; the key never shows in a representation."""

    backend: Backend
    options: dict[str, str]

    def __repr__(self) -> str:
        return f"Provider({self.backend.path})"


def provider(url: str) -> Provider:
    """Read anymail+postmark://TOKEN or anymail+mailgun://KEY@DOMAIN, either with ?api_url=https://....

    Key and domain are percent-decoded. Raises BadSetting, which never repeats the URL.
    """
    name, _, rest = url.removeprefix(PREFIX).partition("://")
    if name in REFUSED_PROVIDERS:
        raise BadSetting(f"EMAIL_URL: {REFUSED_PROVIDERS[name]}")
    if name not in BACKENDS:
        raise BadSetting(f"EMAIL_URL: the provider is none of {', '.join(sorted(BACKENDS))}; {MEND}")
    backend = BACKENDS[name]
    login, _, query = rest.partition("?")
    key, _, domain = login.rstrip("/").rpartition("@") if backend.domain else (login.rstrip("/"), "", "")
    options = {backend.key: unquote(key), **({backend.domain: unquote(domain)} if backend.domain else {})}
    if not all(value.isascii() and value.isprintable() and value.strip() for value in options.values()):
        form = "KEY@DOMAIN" if backend.domain else "KEY"
        raise BadSetting(f"EMAIL_URL: write it as {PREFIX}{name}://{form}, other characters percent-encoded")
    return Provider(backend=backend, options=options | _api_url(query))


def _api_url(query: str) -> dict[str, str]:
    given = parse_qs(query, keep_blank_values=True)
    url = given.pop("api_url", [""])[-1]
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"})
    if given or (query and not (secure and parts.hostname)):
        raise BadSetting("EMAIL_URL: after the ? only api_url=https://... is read")
    return {"api_url": url} if url else {}


class _TooLate(Exception):
    """More than 1 s had passed when the first byte was about to leave."""


@dataclass(slots=True)
class _Trace:
    """One request as its connection saw it."""

    started: float
    begun: bool = False
    sock: socket.socket | None = None


_trace: ContextVar[_Trace] = ContextVar("trace")


class _Punctual(HTTPConnection):
    """Writes its first byte in time or not at all, and leaves a trace of it."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Connect if need be, then read the clock, then write."""
        if self.sock is None:
            self.connect()
        trace = _trace.get()
        if clock.running() - trace.started > FIRST_BYTE_WITHIN:
            raise _TooLate
        trace.begun, trace.sock = True, self.sock
        super().request(*args, **kwargs)


class _PunctualTls(_Punctual, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Punctual


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _PunctualTls


class _Adapter(HTTPAdapter):
    """One connection per session and no retries: a repeated request is a double mail (P4)."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Session:
    """One session with a provider's API, used by one mail at a time; `wait` is how long an answer may take (s)."""

    def __init__(self, there: Provider, *, wait: float) -> None:
        self._there = there
        self._backend: Any = import_string(there.backend.path)(
            **there.options, timeout=(CONNECT_SECONDS, wait), debug_api_requests=False
        )
        self._now = _Trace(started=0.0)
        self._aborted = False

    def open(self) -> None:
        """Connect, and ask for nothing in particular, so that the connection stands before the decision.

        Proxies and .netrc of this machine are ignored: through a proxy the first byte could not be watched, and a
        redirect would repeat the request and show the key elsewhere. Raises Unreachable.
        """
        self._backend.open()
        session = self._backend.session
        session.trust_env, session.max_redirects = False, 0
        session.mount("https://", _Adapter())
        session.mount("http://", _Adapter())
        self._now = _Trace(started=clock.running())
        _trace.set(self._now)
        try:
            session.head(self._backend.api_url, timeout=CONNECT_SECONDS, allow_redirects=False)
        except (requests.RequestException, _TooLate) as error:
            self.close()
            raise Unreachable(f"provider: {type(error).__name__}") from None

    def is_open(self) -> bool:
        """False once it was closed or given up."""
        return self._backend.session is not None and not self._aborted

    def is_fresh(self) -> bool:
        """Connect anew: a provider may close an idle connection just as we write, and then nobody knows (rule 81)."""
        self.close()
        with contextlib.suppress(Unreachable):
            self.open()
        return self.is_open()

    def deliver(self, mail: Mail, started: float) -> Outcome:
        """Hand over one mail; `started` is clock.running() at the start of its decision, and past 1.0 s it stays (P2).

        Raises Refusal for a mail that can't be written (rule 121); every other failure is an outcome (rule 81).
        """
        message = self._message(mail_bytes.checked(mail))
        self._now = _Trace(started=started)
        _trace.set(self._now)
        try:
            self._backend.send_messages([message])
        except _TooLate:
            return NotStarted(LATE)
        except AnymailRecipientsRefused:
            return Refused(BAD_ADDRESS if "invalid" in message.anymail_status.status else REFUSED)
        except AnymailAPIError as error:
            return self._failed(error)
        except AnymailError:
            return Unknown("the provider's library gave up") if self._now.begun else Refused(OUR_CONTENT)
        return _accepted(message.anymail_status.message_id)

    def close(self) -> None:
        """Let the connection go."""
        self._backend.close()

    def abort(self) -> None:
        """Wake the thread that waits for an answer; safe from another thread."""
        self._aborted = True
        if self._now.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._now.sock, socket.SHUT_RDWR)

    def _message(self, mail: Mail) -> Any:
        message: Any = AnymailMessage  # anymail ships no types
        return message(
            subject=mail.subject.strip(),
            body=mail.text,
            from_email=str(mail_bytes.sender(mail)),
            to=[mail.to],
            reply_to=[mail.reply_to],
            alternatives=[(mail_bytes.page(mail), "text/html")],
            attachments=_visit(mail),
            headers={
                "Message-ID": mail.message_id,
                **mail_bytes.list_headers(mail),
                **dict(self._there.backend.headers),
            },
            metadata={"attempt_id": mail.attempt_id},  # opaque, and comes back in the provider's events (P9)
            track_opens=False,
            track_clicks=False,
        )

    def _failed(self, error: AnymailAPIError) -> Outcome:
        """Sort an error: only what is proven not to have been processed may be tried again (rule 81)."""
        answer: requests.Response | None = vars(error).get("response")
        if answer is None:
            lost = "no answer from the provider"
            return Unknown(lost) if self._now.begun else NotStarted("the provider was out of reach")
        status = answer.status_code
        if status == TOO_MANY:
            return TryLater(str(status), _seconds(answer.headers.get("Retry-After", "")))
        if not CLIENT_ERROR <= status < SERVER_ERROR:
            return Unknown(f"http {status}")
        return Refused(OUR_LOGIN if status in LOCKED_OUT else OUR_CONTENT)


def _visit(mail: Mail) -> list[tuple[str, bytes, str]]:
    if not mail.calendar:
        return []
    return [(mail_bytes.CALENDAR_FILE, mail.calendar, f"text/calendar; method={mail.calendar_method}")]


def _accepted(provider_id: object) -> Outcome:
    return Accepted(provider_id) if isinstance(provider_id, str) and provider_id else Unknown("no id in the answer")


def _seconds(retry_after: str) -> float | None:
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 7 else None  # noqa: PLR2004
