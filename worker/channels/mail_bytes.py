"""One mail as the bytes that go over the wire: two parts of the same words, and headers nobody can add to.

The standard library's policy.SMTP folds a List-Unsubscribe of more than about 77 characters into "=?utf-8?q?=3Chttps",
and one-click is dead without a word; the same policy with room for 998 makes encoded words longer than any reader must
accept (rule 110, RFC 2047 2). So the few headers are written here, each value checked character by character first,
and only Subject and the sender's name are ever encoded. It also costs a quarter of the library's time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import replace
from email.headerregistry import Address
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from django.conf import settings

from worker import clock
from worker.rules.address import parse_email
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from worker.channels.base import Mail

ONE_CLICK = "List-Unsubscribe=One-Click"  # RFC 8058 3.1: exactly this
LONGEST_SUBJECT, LONGEST_NAME, LONGEST_URL, LONGEST_ID = 250, 100, 900, 255
CALENDAR_FILE = "visit.ics"
WORD = 39  # bytes in one encoded word: with "Subject: " before it the line stays within 76 (RFC 2047 2)

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DOT_ATOM = r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=^_`{|}~-]+)*"  # no "?": never looks encoded
_MESSAGE_ID = re.compile(rf"<{_DOT_ATOM}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+>")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9-]+)+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:[/?#][!#-+\--;=?-Z_a-z~\[\]]*)?")
_MAILTO = re.compile(r"mailto:[A-Za-z0-9.%_~-]+@[A-Za-z0-9.-]+\?subject=[A-Za-z0-9.%_~-]+")
_PAGE = (
    '<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n</head>\n'
    '<body dir="auto" style="max-width:38em;margin:0 auto;padding:1em;background:#ffffff;color:#1a1a1a;'
    'font:16px/1.5 sans-serif">\n{html}\n</body>\n</html>\n'
)


def raw(mail: Mail) -> bytes:
    """Build the mail's bytes: CRLF, 7-bit, body lines of at most 76 and headers of at most 998 (rules 109 to 123).

    Nothing but Date (the calendar's now, UTC) depends on anything but `mail`. Raises Refusal, see `checked`.
    """
    mail = checked(mail)
    if mail.calendar:
        return _with_calendar(mail)
    return _head(mail).encode("ascii") + _words(mail)


def _with_calendar(mail: Mail) -> bytes:
    """The same words, and the visit attached: an alternative would hide the words from whoever can read a calendar."""
    boundary = _boundary(mail, "visit")
    head = f'{_head(mail)}Content-Type: multipart/mixed; boundary="{boundary}"\r\n'
    kind = f'text/calendar; charset="utf-8"; method={mail.calendar_method}; name="{CALENDAR_FILE}"'
    part = (
        f"\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{CALENDAR_FILE}"\r\n\r\n'
    )
    lines = base64.encodebytes(mail.calendar).replace(b"\n", b"\r\n")
    parts = (head.encode("ascii"), b"\r\n" + _words(mail), part.encode("ascii") + lines, b"")
    return f"\r\n--{boundary}".encode().join(parts) + b"--\r\n"


def _words(mail: Mail) -> bytes:
    boundary = _boundary(mail, "")
    lines = (
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n'.encode("ascii"),
        _part("plain", mail.text),  # text first: the last part a reader understands wins (RFC 2046 5.1.4)
        _part("html", page(mail)),
        b"",
    )
    return f"\r\n--{boundary}".encode().join(lines) + b"--\r\n"


def _head(mail: Mail) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in _headers(mail))


def _boundary(mail: Mail, part: str) -> str:
    # "=_" can't stand in quoted-printable nor in base64, so nothing can ever end its part early (RFC 2045 6.7).
    return "=_" + hashlib.sha256(f"{mail.message_id}{part}".encode()).hexdigest()[:32]


def page(mail: Mail) -> str:
    """Wrap the HTML fragment in a whole page with its language set, readable without styles (rule 120)."""
    return _PAGE.format(language=mail.language, title=escape(mail.subject), html=mail.html)


def list_headers(mail: Mail) -> dict[str, str]:
    """Give the headers that make a mailbox show its unsubscribe button, and keep robots from answering.

    One https URI, after it a mailto where such mail is read; the one-click line to the letter, List-Id and
    Auto-Submitted (rules 109, 115, 116, 117).
    """
    return {
        "List-Id": f"<{mail.list_id}>",
        "List-Unsubscribe": ", ".join(f"<{url}>" for url in (mail.unsubscribe_url, mail.unsubscribe_mail) if url),
        "List-Unsubscribe-Post": ONE_CLICK,
        "Auto-Submitted": mail.auto_submitted,
    }


def message_id(key: bytes, delivery: str, content_sha256: str, domain: str) -> str:
    """Make the Message-ID of one content of one delivery: the same on every retry, new when the words change.

    Nothing of the client is in it, and without `key` it can't be guessed (rules 118, 123; RFC 5322 3.6.4).
    Raises Refusal when `domain` is none.
    """
    secret = hmac.new(key, f"message-id\0{delivery}\0{content_sha256}".encode(), hashlib.sha256).hexdigest()
    return f"<{parse_email(f'{secret[:32]}@{domain}', field='mail_domain').send_to}>"


def checked(mail: Mail) -> Mail:
    """Return the mail with its addresses in canonical form, once nothing in it can be read as anything else.

    Raises Refusal, naming the field and never its value: control characters, NUL, U+2028, more than one address,
    an identifier or URL that would need encoding, or an empty part (rules 109, 116, 118, 120, 121).
    """
    _line(mail.subject, "subject", LONGEST_SUBJECT)
    _line(mail.from_name, "from_name", LONGEST_NAME)
    _shape(mail.message_id, "message_id", _MESSAGE_ID, "make it with message_id()")
    _shape(mail.list_id, "list_id", _LIST_ID, "give the bare identifier, such as aftercare.clinic.example")
    _shape(mail.language, "language", _LANGUAGE, "give a BCP 47 tag such as en or es-MX", most=35)
    _shape(mail.auto_submitted, "auto_submitted", re.compile("auto-(generated|replied)"), "use one of the two")
    _unsubscribe(mail.unsubscribe_url)
    if mail.unsubscribe_mail:
        _shape(mail.unsubscribe_mail, "unsubscribe_mail", _MAILTO, "give one mailto URL, percent-encoded")
    if mail.calendar:
        _shape(mail.calendar_method, "calendar_method", re.compile("PUBLISH|CANCEL"), "use one of the two")
    for field, value in (("text", mail.text), ("html", mail.html)):
        if not value.strip() or _UNSENDABLE.search(value):
            raise Refusal(field, "is empty or has a control character", "write it again as plain words")
    return replace(
        mail,
        to=parse_email(mail.to, field="to").send_to,
        from_address=parse_email(mail.from_address, field="from_address").send_to,
        reply_to=parse_email(mail.reply_to, field="reply_to").send_to,
        envelope_sender=parse_email(mail.envelope_sender, field="envelope_sender").send_to,
    )


def sender(mail: Mail) -> Address:
    """Give the From address with its display name, as a value that quotes itself (rule 121)."""
    local, _, domain = mail.from_address.rpartition("@")
    return Address(display_name=" ".join(mail.from_name.split()), username=local, domain=domain)


def _headers(mail: Mail) -> list[tuple[str, str]]:
    return [
        ("From", _from(mail)),
        ("To", mail.to),
        ("Reply-To", mail.reply_to),
        ("Subject", mail.subject.strip() if _plain(mail.subject) else _encoded(mail.subject.strip())),
        ("Date", format_datetime(clock.now())),
        ("Message-ID", mail.message_id),
        *list_headers(mail).items(),
        ("MIME-Version", "1.0"),
        ("Content-Language", mail.language),
    ]


def _from(mail: Mail) -> str:
    address = sender(mail)
    if _plain(address.display_name):
        return str(address)
    # The address itself stays outside the encoded words, where no name can reach it.
    return f"{_encoded(address.display_name)}\r\n <{mail.from_address}>"


def _plain(value: str) -> bool:
    return value.isascii() and "=?" not in value


def _encoded(value: str) -> str:
    """Write `value` as encoded words of whole characters, one a line (RFC 2047 5)."""
    words, word = [], b""
    for character in value:
        octets = character.encode()
        if len(word) + len(octets) > WORD:
            words.append(word)
            word = b""
        word += octets
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each).decode()}?=" for each in [*words, word])


def _part(subtype: str, content: str) -> bytes:
    head = f'\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    lines = content.replace("\r\n", "\n").replace("\r", "\n").encode()
    return head.encode() + binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")


def _line(value: str, field: str, most: int) -> None:
    if _UNSEEN.search(value):
        raise Refusal(field, "has a control character or a line end", "write it on one line, without hidden characters")
    if not value.strip() or len(value) > most:
        raise Refusal(field, f"is empty or longer than {most} characters", "give a shorter one")


def _shape(value: str, field: str, shape: re.Pattern[str], mend: str, *, most: int = LONGEST_ID) -> None:
    if len(value) > most or not shape.fullmatch(value):
        raise Refusal(field, "has the wrong shape", mend)


def _unsubscribe(url: str) -> None:
    _shape(url, "unsubscribe_url", _URL, "give one https URL, percent-encoded", most=LONGEST_URL)
    if "=?" in url or not (url.startswith("https:") or settings.EMAIL_URL == "sandbox"):
        raise Refusal("unsubscribe_url", "is not https", "set PUBLIC_URL to the https address that clients reach")
