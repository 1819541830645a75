"""Email addresses: exactly one plain addr-spec, or a refusal."""

from __future__ import annotations

import re
from dataclasses import dataclass

from worker.rules.refusal import Refusal
from worker.rules.text import refuse_control

LONGEST_LOCAL = 64  # octets, RFC 5321 4.5.3.1.1
LONGEST_DOMAIN = 253  # octets, RFC 1035 2.3.4 without the root dot
LONGEST = 254  # octets, RFC 5321 4.5.3.1.3 less the angle brackets

_DOTS = "\u2022" * 5
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """One address in its three forms.

    Args:
        send_to: what the mail is sent to: local part as given, domain in lower-case A-labels.
        folded: what is fingerprinted: all lower case, since no mailbox in use tells case apart and a
            suppression must not be dodged by a capital.
        raw: as given, for the proof of consent.
    """

    send_to: str
    folded: str
    raw: str


def parse_email(raw: str, *, field: str = "email") -> Email:
    """Read exactly one addr-spec with a dot-atom local part (rule 121, RFC 5321 4.1.2).

    The email library lets NUL and "x@y, z@w" through into To: one client's advice would go to two people.
    Outer spaces are dropped; international domains become A-labels (RFC 5891).

    Raises:
        Refusal: naming `field` and the mend, never the address.
    """
    text = raw.strip(" ")
    refuse_control(text, field)
    if len(text) > LONGEST or text.count("@") != 1 or re.search(r'[\s",;:<>()\[\]\\]', text):
        raise Refusal(field, "is not one email address", "give one address such as name@example.com, nothing else")
    local, _, domain = text.partition("@")
    if len(local) > LONGEST_LOCAL or not _DOT_ATOM.fullmatch(local):
        raise Refusal(field, "has an unusable part before the @", "use letters, digits and single inner dots")
    send_to = f"{local}@{_domain(domain, field)}"
    if len(send_to) > LONGEST:
        raise Refusal(field, "is too long", "give a shorter address")
    return Email(send_to=send_to, folded=send_to.lower(), raw=raw)


def normalise_email(raw: str, *, field: str = "email") -> tuple[str, str]:
    """Return the form to send to and the form to fingerprint.

    Raises:
        Refusal: as `parse_email`.
    """
    email = parse_email(raw, field=field)
    return email.send_to, email.folded


def _domain(domain: str, field: str) -> str:
    plain = domain.lower()
    if not plain.isascii() or "xn--" in plain:
        plain = _a_labels(plain, field)
    if len(plain) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(plain):
        raise Refusal(field, "has an unusable part after the @", "give a full domain such as example.com")
    return plain


def _a_labels(domain: str, field: str) -> str:
    try:
        import idna

        return idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except (ImportError, UnicodeError):
        raise Refusal(
            field, "has an international domain that cannot be used", "write the domain in its xn-- form"
        ) from None


def masked_email(address: str) -> str:
    """Show an address to operators: first letters and the last label only (rule 67, P9)."""
    local, at, domain = address.partition("@")
    name, dot, last = domain.rpartition(".")
    return f"{local[:1]}{_DOTS}@{name[:1]}{_DOTS}.{last}" if at and dot else _DOTS
