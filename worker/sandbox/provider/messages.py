"""The Message resource as the provider keeps it, and where it is found again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from .clock import rfc2822


@dataclass(slots=True, kw_only=True)
class Message:
    """One text, to or from a phone; times are the calendar's epoch seconds (UTC)."""

    sid: str
    account_sid: str
    to: str
    body: str
    direction: str
    status: str
    created: float
    updated: float
    sender: str | None = None
    service: str | None = None
    sent: float | None = None
    parts: int = 0
    media: int = 0
    error_code: int | None = None
    error_message: str | None = None
    callback: str | None = None
    validity: int = 36_000
    entered: float = 0.0  # machine time, for "slow to list"
    place: int = 0  # position in the store, for paging

    @property
    def phone(self) -> str:
        """Whose handset shows it."""
        return self.sender or "" if self.direction == "inbound" else self.to

    def shown(self) -> dict[str, Any]:
        """Return all 20 properties of the Message resource and nothing else (section 15 of the rules)."""
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": rfc2822(self.created),
            "date_sent": None if self.sent is None else rfc2822(self.sent),
            "date_updated": rfc2822(self.updated),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": str(self.media),
            "num_segments": str(self.parts),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


def new_sid(*, media: bool = False) -> str:
    """Make a fresh SID: SM, or MM with media, and 32 hexadecimal digits."""
    return ("MM" if media else "SM") + secrets.token_hex(16)


class Store:
    """Every message by SID and by phone, in order of arrival."""

    def __init__(self) -> None:
        """Begin empty."""
        self.by_sid: dict[str, Message] = {}
        self.by_phone: dict[str, list[Message]] = {}
        self.by_to: dict[str, list[Message]] = {}
        self.in_order: list[Message] = []

    def keep(self, message: Message) -> None:
        """Remember a new message."""
        message.place = len(self.in_order)
        self.in_order.append(message)
        self.by_sid[message.sid] = message
        self.by_phone.setdefault(message.phone, []).append(message)
        self.by_to.setdefault(message.to, []).append(message)

    def forget(self, message: Message) -> None:
        """Drop it from the resource, as DELETE does; the phone that got it still shows it."""
        del self.by_sid[message.sid]

    def last_writer(self, phone: str) -> Message | None:
        """Return the newest message that reached `phone`: a reply goes to its sender."""
        texts = self.by_phone.get(phone, ())
        return next((text for text in reversed(texts) if text.direction != "inbound" and text.sender), None)
