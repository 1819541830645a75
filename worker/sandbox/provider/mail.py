"""The SMTP side: takes every mail, keeps its raw bytes and its envelope, and fails on request."""

from __future__ import annotations

import asyncio
import base64
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult

from .reading import Reading, read

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

    from .clock import Clock
    from .faults import Weather
    from .witness import Witness

# aiosmtpd warns of its own old attribute at every login; its errors are still heard.
logging.getLogger("mail.log").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as it came in; times are epoch seconds (UTC)."""

    number: int
    at: float
    calendar: float
    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    reading: Reading


class Mailroom:
    """Every mail in order of arrival, and the handler that aiosmtpd calls."""

    def __init__(self, *, clock: Clock, weather: Weather, witness: Witness, folder: Path | None) -> None:
        """Keep raw mails also in `folder`, when given."""
        self._clock, self._weather, self._witness, self._folder = clock, weather, witness, folder
        self.mails: list[Mail] = []

    def protocol(self, tls: ssl.SSLContext | None) -> asyncio.Protocol:
        """Make the protocol for one new connection; a fault at `connect` makes one that only says no."""
        fault = self._weather.smtp("connect")
        if self._weather.now.outage or fault is not None:
            reply = fault.reply if fault else "421 4.3.2 Service not available"
            self._saw_refusal("connect", reply)
            return _Closed(reply)
        # Any user and password will do: what is tested here is the sending, not a secret.
        smtp: asyncio.Protocol = SMTP(
            self,
            hostname="sandbox.invalid",
            ident="sandbox",
            enable_SMTPUTF8=True,
            tls_context=tls,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
            timeout=60,
        )
        return smtp

    def newest(self, address: str) -> Mail | None:
        """Return the newest mail to `address`, upper and lower case being the same."""
        wanted = address.lower()
        return next((m for m in reversed(self.mails) if wanted in map(str.lower, m.recipients)), None)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, or strike."""
        fault = self._strike("mail", mail_from=address)
        if fault:
            return fault
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _smtp: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or strike."""
        fault = self._strike("rcpt", rcpt=address)
        if fault:
            return fault
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient ok"

    async def handle_DATA(self, smtp: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the mail and say so; or refuse it; or keep it and hang up without a word (rule 119)."""
        fault = self._strike("data", mail_from=envelope.mail_from)
        if fault:
            return fault
        dropped = self._weather.smtp("drop")
        mail = self._keep(envelope, reply=None if dropped else "250 2.0.0 Kept")
        if dropped is not None and smtp.transport is not None:
            smtp.transport.close()
        return f"250 2.0.0 Kept as {mail.number}"

    def _keep(self, envelope: Envelope, *, reply: str | None) -> Mail:
        raw = envelope.original_content or b""
        at = self._clock.machine()
        mail = Mail(
            number=len(self.mails) + 1,
            at=at,
            calendar=at + self._clock.offset(),
            mail_from=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=raw,
            reading=read(raw),
        )
        self.mails.append(mail)
        self._witness.saw("mail", at=at, accepted=True, answer=reply, **testimony(mail))
        if self._folder is not None:
            (self._folder / f"mail-{mail.number:06d}.eml").write_bytes(raw)
        return mail

    def _strike(self, stage: str, **facts: Any) -> str | None:
        fault = self._weather.smtp(stage)
        if fault is None:
            return None
        self._saw_refusal(stage, fault.reply, **facts)
        return fault.reply

    def _saw_refusal(self, stage: str, reply: str, **facts: Any) -> None:
        self._witness.saw("mail_refused", accepted=False, answer=reply, stage=stage, **facts)


def testimony(mail: Mail) -> dict[str, Any]:
    """What the log says of a mail: the envelope, what a reader sees, and the raw bytes (base64)."""
    reading = mail.reading
    return {
        "number": mail.number,
        "mail_from": mail.mail_from,
        "rcpt": list(mail.recipients),
        "subject": reading.subject,
        "message_id": reading.message_id,
        "list_unsubscribe": reading.list_unsubscribe,
        "one_click": reading.one_click,
        "text": reading.text,
        "raw": base64.b64encode(mail.raw).decode(),
    }


class _Closed(asyncio.Protocol):
    """Says one line and hangs up."""

    def __init__(self, reply: str) -> None:
        self._reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._reply.encode() + b"\r\n")
        transport.close()
