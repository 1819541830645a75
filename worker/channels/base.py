"""The contract of a channel: reserve open connections, then hand over a message and get one of six outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

FIRST_BYTE_WITHIN = 1.0
"""Seconds between the start of a decision and the first byte of its call (P2); past it nothing is written."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has it, under this id."""

    provider_id: str
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider will not take it; `code` is looked up in the table of rules/errors, `status` is the HTTP status."""

    code: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class TryLater:
    """Provably not processed; `after` is the provider's own wish in seconds, when it gave one."""

    code: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Not a byte left: too late after the decision, or the connection was gone. Decide again."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have left: never repeated blindly (P4)."""

    why: str


Outcome = Accepted | Refused | TryLater | NotStarted | Unknown


class Slot(Protocol):
    """An open connection, held for one message at a time."""

    def is_open(self) -> bool:
        """False once the other side closed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sms:
    """One text, ready to go: E.164 number, sender, body, where receipts go, and how long the provider may keep it."""

    attempt_id: str
    to: str
    sender: str  # +1... or MG...
    account_sid: str
    auth_token: str
    body: str
    status_callback: str
    validity_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail, ready to go: its envelope and what it says; channels/mail_bytes makes the bytes (RFC 5321, 5322).

    `text` and `html` say the same (rule 120); `html` is a fragment, the page around it is added. `language` is a
    BCP 47 tag, `message_id` is "<...@domain>", `list_id` is the bare identifier such as aftercare.clinic.example,
    `auto_submitted` is "auto-generated", or "auto-replied" for answers alone (rule 117).
    """

    attempt_id: str
    to: str  # one addr-spec (rule 121)
    from_name: str
    from_address: str
    reply_to: str  # a watched mailbox (rule 124)
    envelope_sender: str  # bounce+<attempt id and proof>@mail domain: bounces name their attempt by it (rule 128)
    subject: str
    text: str
    html: str
    language: str
    message_id: str
    list_id: str
    unsubscribe_url: str
    unsubscribe_mail: str = ""  # a mailto: URL beside it, only where such mail is read (rule 115)
    auto_submitted: Literal["auto-generated", "auto-replied"] = "auto-generated"
    calendar: bytes = b""  # a visit for the client's calendar, attached (RFC 5545)
    calendar_method: str = ""  # what it asks of the calendar: PUBLISH or CANCEL (RFC 5546)
