"""One mail that came in, read within bounds: who wrote it, to whom, in what words, and whether a machine wrote it.

Anyone may send us anything, so nothing here believes a header, and nothing fails: what can't be read is empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from typing import TYPE_CHECKING

from worker.channels.bounces import Report, report_of
from worker.channels.own_words import FAULTS, own_words
from worker.rules.address import parse_email
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 256 * 1024  # bytes that are read: the words come first, the pictures after them
MOST_PARTS = 30  # a mail that nests more is read by its headers alone: parsing it would take minutes
LONGEST_HEADER = 2000  # characters
MOST_HEADERS = 300

_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,253}")
# By hand: the library's reader of addresses fails on a header of nothing but "(".
_QUOTED = re.compile(r'"[^"]*"')
_ANGLES = re.compile(r"<([^<>\s]{1,320})>")
_MESSAGE_ID = re.compile(r"<([^\s<>@]{1,128}@[^\s<>@]{1,253})>")
_AGAIN = re.compile(r"^\s*(?:(?:re|aw|antw|sv|rv|res|rif|r|fwd?|wg|tr|enc|i)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_DELIVERED_TO = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")
# RFC 3834 2 and 5, and what came before it.
_LIST = ("list-id", "list-unsubscribe", "list-post", "x-autoreply", "x-autorespond")
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What we take from a mail.

    Args:
        key: the same for the same mail, however often and by whichever way it comes (hex).
        sender: the one address in From, folded as for a fingerprint; "" when there is none, or several.
        recipients: every address it names as its own destination, in lower case.
        answers: the Message-IDs it replies to, without brackets, newest first.
        subject: without "Re:" and kin.
        words: what the person wrote, without quotation and signature.
        unread: no words were found, and not all of the mail could be looked at: they may stand in the rest.
        automatic: a machine or a list wrote it: it is never obeyed and never answered (rule 117).
        report: what it says about a mail of ours, when it is a bounce or a complaint.
    """

    key: str
    sender: str
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    subject: str
    words: str
    unread: bool
    automatic: bool
    report: Report | None


def read(raw: bytes) -> Incoming:
    """Read one mail from its bytes; of a longer one its first 256 kB. Never raises."""
    mail, whole = _parsed(raw[:LARGEST])
    sender, words = _sender(mail), own_words(mail)
    subject = _AGAIN.sub("", header(mail, "subject")).strip()  # part of what makes a mail: STOP may stand there alone
    identity = f"{header(mail, 'message-id')}\n{sender}\n{subject}\n{words}" if mail["message-id"] else ""
    return Incoming(
        key=hashlib.sha256(identity.encode("utf-8", "replace") or raw).hexdigest(),
        sender=sender,
        recipients=_recipients(mail),
        answers=_answers(mail),
        subject=subject,
        words=words,
        unread=not words and not (whole and len(raw) < LARGEST),
        automatic=_automatic(mail),
        report=report_of(mail, raw[:LARGEST].decode("utf-8", "replace")),
    )


def header(mail: Message, name: str) -> str:
    """The first header of that name as one line of text; "" when there is none."""
    return _text(mail.get(name, ""))


def _parsed(raw: bytes) -> tuple[Message, bool]:
    """The mail, and whether that is more than its headers."""
    parts = len(re.findall(rb"boundary", raw, re.IGNORECASE))
    if parts <= MOST_PARTS:
        try:
            return BytesParser(policy=compat32).parsebytes(raw), True
        except FAULTS:
            pass  # the headers are still worth reading
    try:
        return BytesHeaderParser(policy=compat32).parsebytes(raw), False
    except FAULTS:
        return Message(), False


def _text(value: object) -> str:
    written = str(value)[:LONGEST_HEADER]
    with contextlib.suppress(*FAULTS):  # else as it stands
        written = str(make_header(decode_header(written)))
    return " ".join(written.encode("utf-8", "replace").decode().split())


def _sender(mail: Message) -> str:
    """From alone counts: Reply-To and Sender say who else wants to be answered."""
    written = _QUOTED.sub("", str(mail.get("from", ""))[:LONGEST_HEADER])
    given = _ANGLES.findall(written) or _ADDRESS.findall(written)
    if len(given) != 1 or len(mail.get_all("from", [])) != 1:
        return ""
    try:
        return parse_email(given[0]).folded
    except Refusal:
        return ""


def _recipients(mail: Message) -> tuple[str, ...]:
    found = _found(_ADDRESS, (str(value) for name in _DELIVERED_TO for value in mail.get_all(name, [])[:10]))
    return tuple(dict.fromkeys(address.lower() for address in found))


def _answers(mail: Message) -> tuple[str, ...]:
    named = (str(mail.get("in-reply-to", "")), str(mail.get("references", ""))[-LONGEST_HEADER:])
    replied, thread = (_found(_MESSAGE_ID, [each]) for each in named)
    return tuple(dict.fromkeys([*replied, *reversed(thread)]))[:20]


def _found(shape: re.Pattern[str], values: Iterable[str]) -> list[str]:
    return [match for value in values for match in shape.findall(value[:LONGEST_HEADER])]


def _automatic(mail: Message) -> bool:
    names = {name.lower() for name in mail.keys()[:MOST_HEADERS]}
    said = header(mail, "auto-submitted").partition(";")[0].strip().lower()
    return (
        said not in {"", "no"}
        or not names.isdisjoint(_LIST)
        or header(mail, "precedence").lower() in _BULK
        or header(mail, "return-path") == "<>"
        or mail.get_content_type() == "multipart/report"
    )
