"""Bounces (DSN, RFC 3464) and complaints (ARF, RFC 5965) as they come back by mail.

Both can be forged by anyone, so what they claim is worth nothing without a token of ours; `traces` is the text in
which one may stand, and whoever acts on a report looks for it there (rules 126, 127).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from worker.channels.own_words import FAULTS
from worker.rules.errors import smtp_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BLOCKS = 20  # recipients of one report that are looked at; ours have one
MOST_PARTS = 40
LONGEST = 2000  # characters of a field

_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![.\d])")
_DIAGNOSTIC = re.compile(r"\s*(?:x?-?smtp\s*;)?\s*([45]\d\d)[ \-#]*(.*)", re.IGNORECASE | re.DOTALL)
_POLICY = " 5.7."
_COMPLAINS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})  # not-spam never brings anyone back (rule 127)


class Kind(StrEnum):
    """What a report says."""

    FAILED = "failed"
    COMPLAINT = "complaint"
    OTHER = "other"  # delayed, delivered, not-spam, ...: nothing changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report. `code` is in the terms of an SMTP reply, such as "550 5.1.1"; "" of a complaint."""

    kind: Kind
    code: str
    traces: str


def report_of(mail: Message, traces: str) -> Report | None:
    """What a mail reports, None for any other mail; `traces` is its raw text. Never raises."""
    try:
        for part in islice(mail.walk(), MOST_PARTS):
            if part.get_content_type() == "message/delivery-status":
                return _delivery(part, traces)
            if part.get_content_type() == "message/feedback-report":
                return _feedback(part, traces)
    except FAULTS:
        return None
    return None


def _delivery(part: Message, traces: str) -> Report:
    """Only a recipient whose Action is "failed" counts (RFC 3464 2.3.3): delayed is a message on its way."""
    for block in _blocks(part):
        if _field(block, "action").lower() == "failed":
            code = failure_code(_field(block, "status"), _field(block, "diagnostic-code"))
            return Report(kind=Kind.FAILED, code=code, traces=traces)
    return Report(kind=Kind.OTHER, code="", traces="")


def failure_code(status: str, diagnostic: str) -> str:
    """One code out of the two that a bounce gives, in the terms of an SMTP reply.

    Where either speaks of policy, that wins: a client is never suppressed for what is our reputation (rule 125).
    Else the status counts, unless it only gives its class (5.0.0) and the server's own words tell more.
    """
    ours, theirs = _of_status(status), _of_diagnostic(diagnostic)
    if _POLICY in theirs and _POLICY not in ours:
        return theirs
    vague = not ours or ours.endswith(".0.0")
    return (theirs or ours if vague else ours) or "550"


def _of_status(status: str) -> str:
    found = _STATUS.match(status)
    if found is None or found[1] == "2":
        return ""
    return f"{found[1]}50 {found[1]}.{int(found[2])}.{int(found[3])}"


def _of_diagnostic(diagnostic: str) -> str:
    found = _DIAGNOSTIC.match(diagnostic)
    return smtp_reply(int(found[1]), found[2]).code if found else ""


def _feedback(part: Message, traces: str) -> Report:
    for block in _blocks(part):
        if kind := _field(block, "feedback-type").lower():
            complains = kind in _COMPLAINS
            return Report(kind=Kind.COMPLAINT if complains else Kind.OTHER, code="", traces=traces if complains else "")
    return Report(kind=Kind.OTHER, code="", traces="")


def _blocks(part: Message) -> Iterator[Message]:
    given = part.get_payload()
    for block in (given if isinstance(given, list) else [])[:MOST_BLOCKS]:
        if isinstance(block, Message):
            yield block


def _field(block: Message, name: str) -> str:
    return str(block.get(name, ""))[:LONGEST].strip()
