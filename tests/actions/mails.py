"""Mails that come back, as servers and people write them: bounces, complaints and replies to one mail of ours."""

from __future__ import annotations

import re
from email.utils import make_msgid

CRLF = "\r\n"


def head_of(raw: bytes) -> str:
    """The header of a mail as it went out."""
    return raw.decode().partition("\r\n\r\n")[0]


def value(raw: bytes, name: str) -> str:
    """One header of a mail as it went out."""
    return re.search(rf"(?mi)^{name}: (.*?)\r?$", raw.decode())[1]


def dsn(
    *, to: str = "", returned: str = "", action: str = "failed", status: str = "5.1.1", diagnostic: str = ""
) -> bytes:
    """A bounce (RFC 3464) to our return path `to`, with the header of our mail in it."""
    said = diagnostic or f"smtp; 550 {status} no such box"
    lines = f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: {to or "somebody@lakeside.example"}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: {make_msgid(domain="mx.example.net")}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="dsn"

--dsn
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--dsn
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Tue, 12 Jan 2027 10:00:00 -0500

Final-Recipient: rfc822; alice@example.com
Action: {action}
Status: {status}
Diagnostic-Code: {said}

--dsn
Content-Type: text/rfc822-headers

{returned or "Subject: something"}

--dsn--
"""
    return lines.replace("\r\n", "\n").replace("\n", CRLF).encode()


def arf(*, returned: str, kind: str = "abuse") -> bytes:
    """A complaint (RFC 5965) with our mail in it, its recipient blacked out."""
    redacted = re.sub(r"(?mi)^To: .*?(\r?)$", r"To: redacted\1", returned)
    lines = f"""\
From: <abusedesk@mailbox.example>
To: <abuse@lakeside.example>
Subject: FW: a complaint
Message-ID: {make_msgid(domain="mailbox.example")}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"

--arf
Content-Type: text/plain; charset=us-ascii

This is an email abuse report.

--arf
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
X-Never-Heard-Of: 7

--arf
Content-Type: message/rfc822

{redacted}

Hello,
--arf--
"""
    return lines.replace("\r\n", "\n").replace("\n", CRLF).encode()


def letter(
    words: str,
    *,
    from_: str = "Alice Moreau <Alice@Example.com>",
    to: str = "desk@lakeside.example",
    subject: str = "A question",
    answers: str = "",
    **headers: str,
) -> bytes:
    """A mail that a person wrote; `answers` is the Message-ID it replies to."""
    named = {"From": from_, "To": to, "Subject": subject, "Message-ID": make_msgid(domain="example.com")}
    if answers:
        named |= {"In-Reply-To": answers, "References": answers}
    named |= {name.replace("_", "-"): text for name, text in headers.items()}
    named.setdefault("Content-Type", "text/plain; charset=utf-8")
    head = CRLF.join(f"{name}: {text}" for name, text in named.items() if text)
    return f"{head}{CRLF}{CRLF}{words}".encode()
