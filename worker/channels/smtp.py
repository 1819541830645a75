"""One open SMTP connection to the clinic's own relay, held before the decision like an HTTP one.

smtplib speaks; this module decides what each answer proves. Until the first byte of the message has been written,
nothing can have reached a client; from then on only the relay's last answer tells, and without it nothing does
(rule 119). All of it blocks: it runs in a thread, and `abort` cuts it short from the loop's thread.
"""

from __future__ import annotations

import contextlib
import re
import select
import smtplib
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from django.conf import settings

from config.environment import BadSetting
from worker import clock
from worker.channels import mail_bytes
from worker.channels.base import FIRST_BYTE_WITHIN, Accepted, NotStarted, Outcome, Refused, TryLater, Unknown
from worker.channels.http import CONNECT_SECONDS, tls_context
from worker.rules.errors import smtp_reply

if TYPE_CHECKING:
    import ssl

    from worker.channels.base import Mail

SMTP_PORT, SUBMISSION_PORT, SMTPS_PORT = 25, 587, 465
READY, OK, GO_AHEAD, CLOSING = 220, 250, 354, 421
TAKEN, REFUSALS = 2, (4, 5)  # reply classes (RFC 5321 4.2.1)
MOST_MAILS = 100  # relays hang up on long sessions, and some count that against the sender

LATE = "more than 1 s after the decision"
MEND = "for example smtp://user:password@mail.example.org:587, smtps://..., anymail+postmark://TOKEN, or sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where mail is handed over, and as whom; its password never shows in a representation."""

    host: str
    port: int
    secure: bool  # TLS from the first byte (RFC 8314)
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Relay({self.host}:{self.port})"

    @property
    def here(self) -> bool:
        """True for this very machine, where there is no wire to listen on and no certificate to check."""
        if self.host == "localhost":
            return True
        with contextlib.suppress(ValueError):
            return ip_address(self.host).is_loopback
        return False


def relay(url: str, *, name: str = "EMAIL_URL") -> Relay:
    """Read smtp://[user:password@]host[:port] or smtps://...; the parts are percent-decoded.

    The port is 465 for smtps, 587 with a user, else 25. `name` is the setting that BadSetting names, which never
    repeats the URL itself.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    user, password = (unquote(parts.username or ""), unquote(parts.password or "")) if host else ("", "")
    if not host or parts.scheme not in {"smtp", "smtps"} or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSetting(f"{name}: is no SMTP address (a special character in a password is written %40); {MEND}")
    if bool(user) != bool(password) or not f"{user}{password}".isascii() or not f"x{user}{password}".isprintable():
        raise BadSetting(f"{name}: needs both user and password, in plain ASCII, or neither")
    secure = parts.scheme == "smtps"
    usual = SMTPS_PORT if secure else SUBMISSION_PORT if user else SMTP_PORT
    return Relay(host=host, port=port or usual, secure=secure, user=user, password=password)


class Unreachable(Exception):
    """No connection could be opened; the words name the step and a code, never an address or the server's text."""


class Connection:
    """One session with a relay. `wait` is how many seconds an answer may take, `last_wait` the one after the mail."""

    def __init__(self, there: Relay, *, wait: float, last_wait: float, tls: ssl.SSLContext | None = None) -> None:
        self._there, self._wait, self._last_wait, self._tls = there, wait, last_wait, tls
        self._smtp = smtplib.SMTP(local_hostname=_own_name(), timeout=CONNECT_SECONDS)
        self._aborted = False
        self._mails = 0

    def open(self) -> None:
        """Connect, greet, encrypt and log in.

        STARTTLS is used wherever it is offered, and required before a password leaves this machine; on this machine
        itself it is left out. Raises Unreachable.
        """
        step = "connect"
        try:
            self._mails = 0
            self._smtp.sock = socket.create_connection((self._there.host, self._there.port), CONNECT_SECONDS)
            self._greet()
            step = "starttls"
            self._encrypt()
            step = "login"
            if self._there.user:
                self._session().login(self._there.user, self._there.password)
            self._session()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.close()
            raise Unreachable(f"{step}: {_told(error)}") from None
        except Unreachable:
            self.close()
            raise

    def is_open(self) -> bool:
        """False once either side closed it; a relay that speaks unasked is about to hang up."""
        sock = self._smtp.sock
        if sock is None or self._aborted:
            return False
        watched = select.poll()
        try:
            watched.register(sock, select.POLLIN)
            return not watched.poll(0)
        except (OSError, ValueError):
            return False

    def is_fresh(self) -> bool:
        """Ask with NOOP whether the relay still listens; closes the connection when it does not."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self._mails < MOST_MAILS and self._session().noop()[0] == OK:
                return True
        self.close()
        return False

    def deliver(self, mail: Mail, started: float) -> Outcome:
        """Hand over one mail. `started` is clock.running() at the start of its decision.

        Its first byte is written within 1.0 s of that or never (P2). Raises Refusal for a mail that can't be
        written (rule 121), and nothing else: every answer, and the lack of one, is an outcome (rules 119, 125).
        """
        mail = mail_bytes.checked(mail)
        # RFC 5321 4.5.2: a line that is one full stop would end the mail early.
        wire = re.sub(rb"(?m)^\.", b"..", mail_bytes.raw(mail)) + b".\r\n"
        self._mails += 1
        try:
            early = self._until_data(mail, len(wire), started)
        except (OSError, smtplib.SMTPException, ValueError):
            self.close()
            return NotStarted("the connection was gone")
        return early or self._data(wire, mail.message_id)

    def close(self) -> None:
        """Hang up without a word: a QUIT would only wait for one more answer."""
        self._smtp.close()

    def abort(self) -> None:
        """Wake the thread that waits on this connection, whatever it waits for; safe from another thread."""
        self._aborted = True
        sock = self._smtp.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: it drops its encryption first, under the feet of the other thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _greet(self) -> None:
        if self._there.secure:
            self._wrap()
        _expect(self._session(CONNECT_SECONDS).getreply(), READY)
        _expect(self._smtp.ehlo(), OK)

    def _encrypt(self) -> None:
        if self._there.secure or self._there.here:
            return
        if self._smtp.has_extn("starttls"):
            _expect(self._smtp.docmd("STARTTLS"), READY)
            self._wrap()
            _expect(self._smtp.ehlo(), OK)  # what was said in the clear counts no more (RFC 3207 4.2)
        elif self._there.user:
            raise Unreachable("starttls: not offered, and a password must not travel in the clear; try smtps://")

    def _wrap(self) -> None:
        plain = self._session(CONNECT_SECONDS).sock
        assert plain is not None
        context = self._tls or tls_context()
        sealed = context.wrap_socket(plain, server_hostname=self._there.host, do_handshake_on_connect=False)
        self._smtp.sock, self._smtp.file = sealed, None  # a reply slipped in before the handshake is dropped
        sealed.do_handshake()

    def _session(self, seconds: float | None = None) -> smtplib.SMTP:
        if self._smtp.sock is None or self._aborted:
            raise smtplib.SMTPServerDisconnected
        self._smtp.sock.settimeout(seconds or self._wait)
        return self._smtp

    def _until_data(self, mail: Mail, size: int, started: float) -> Outcome | None:
        """Say everything before the mail's first byte; None once the relay waits for it and it is not too late."""
        smtp = self._session()
        options = [f"SIZE={size}"] if smtp.has_extn("size") else []
        code, reply = smtp.mail(mail.envelope_sender, options)
        if code // 100 == TAKEN:
            code, reply = smtp.rcpt(mail.to)
        if code // 100 != TAKEN:
            return self._refused(code, reply)
        if _late(started):
            self._reset()
            return NotStarted(LATE)
        code, reply = smtp.docmd("DATA")
        if code != GO_AHEAD:
            return self._refused(code, reply)
        if _late(started):
            self.close()  # the only way back from here: without the final dot there is no mail (RFC 5321 4.1.1.10)
            return NotStarted(LATE)
        return None

    def _data(self, wire: bytes, message_id: str) -> Outcome:
        try:
            smtp = self._session(self._last_wait)
            smtp.send(wire)
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPException, ValueError):
            self.close()
            return Unknown("no answer after the mail")
        if code // 100 == TAKEN:
            return Accepted(message_id.strip("<>"))
        return self._refused(code, reply, silence=Unknown("no SMTP answer after the mail"))

    def _refused(self, code: int, reply: bytes, *, silence: Outcome | None = None) -> Outcome:
        """Sort a reply that is no consent; of the relay's words only the code is kept: the rest holds addresses."""
        self._reset(closing=code == CLOSING or code // 100 not in REFUSALS)
        told = smtp_reply(code, reply.decode("utf-8", "replace")).code
        if code // 100 not in REFUSALS:
            return silence or NotStarted("the relay did not speak SMTP")
        return TryLater(told) if code // 100 == REFUSALS[0] else Refused(told)

    def _reset(self, *, closing: bool = False) -> None:
        """Leave the mail behind, so that the connection can carry the next one."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if not closing and self._session().rset()[0] == OK:
                return
        self.close()


def _late(started: float) -> bool:
    return clock.running() - started > FIRST_BYTE_WITHIN


def _expect(answer: tuple[int, bytes], code: int) -> None:
    if answer[0] != code:
        raise smtplib.SMTPResponseException(answer[0], b"")


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the relay answered {error.smtp_code}"
    return type(error).__name__


def _own_name() -> str:
    """Give the name for EHLO: the public one, or an address literal where there is none (RFC 5321 4.1.1.1)."""
    name = urlsplit(settings.PUBLIC_URL).hostname or ""
    return name if "." in name and not name.replace(".", "").isdecimal() else "[127.0.0.1]"
