"""How many SMS parts a text takes, counted here once more and apart from our own rules (rules 104 and 107)."""

from __future__ import annotations

import re

# 3GPP TS 23.038, 6.2.1: the default alphabet, and the ten characters that cost two septets.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE = "\f^{}\\[~]|€"
_PLAIN = re.compile(f"[{re.escape(_BASIC)}]*")
_GSM7 = re.compile(f"[{re.escape(_BASIC + _DOUBLE)}]*")


def segments(text: str) -> int:
    """Count the parts of `text`; a pair (escape or surrogate) never lies across two parts (rule 104)."""
    if _PLAIN.fullmatch(text):
        return _parts(len(text), 160, 153)
    if _GSM7.fullmatch(text):
        return _packed([2 if mark in _DOUBLE else 1 for mark in text], 160, 153)
    return _packed([2 if mark > "\uffff" else 1 for mark in text], 70, 67)


def _parts(units: int, single: int, joined: int) -> int:
    return 1 if units <= single else -(-units // joined)


def _packed(widths: list[int], single: int, joined: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, filled = 1, 0
    for width in widths:
        if filled + width > joined:
            parts, filled = parts + 1, 0
        filled += width
    return parts
