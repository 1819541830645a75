"""A mail as its reader sees it. Every byte is hostile: what cannot be read is shown as text or left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message as RawMessage

_URI = re.compile(r"<\s*([^<>\s]+)\s*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a mail program would show, and what its unsubscribe button would do."""

    subject: str
    sender: str
    to: str
    message_id: str
    text: str
    html: str
    list_unsubscribe: tuple[str, ...]
    one_click: bool


def read(raw: bytes) -> Reading:
    """Read a mail; List-Unsubscribe is taken from the raw header, as a real mailbox would (rules 109 and 110)."""
    mail = message_from_bytes(raw, policy=policy.compat32)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    return Reading(
        subject=_header(mail, "Subject"),
        sender=_header(mail, "From"),
        to=_header(mail, "To"),
        message_id=_header(mail, "Message-ID"),
        text=_first(parts, "text/plain"),
        html=_first(parts, "text/html"),
        list_unsubscribe=_uris(mail),
        one_click=_raw(mail, "List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"],
    )


def _raw(mail: RawMessage, name: str) -> list[str]:
    return [re.sub(r"\r?\n[ \t]+", " ", str(value)).strip() for value in mail.get_all(name, [])]


def _uris(mail: RawMessage) -> tuple[str, ...]:
    """RFC 8058 wants exactly one such header: two are as good as none."""
    headers = _raw(mail, "List-Unsubscribe")
    return tuple(_URI.findall(headers[0])) if len(headers) == 1 else ()


def _header(mail: RawMessage, name: str) -> str:
    value = " ".join(_raw(mail, name))
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError):
        return value


def _first(parts: list[RawMessage], kind: str) -> str:
    for part in parts:
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            return _decoded(part)
    return ""


def _decoded(part: RawMessage) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")
