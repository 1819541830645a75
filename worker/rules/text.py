"""What a text costs on a phone, and what no text may carry: GSM-7, UCS-2, plain punctuation, control characters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

# 3GPP TS 23.038 6.2.1: the basic alphabet (ESC left out) and, each costing two septets, the extension.
GSM7_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = "^{}\\[~]|€\f"

_BASIC = frozenset(GSM7_BASIC)
_NOT_GSM7 = re.compile(f"[^{re.escape(GSM7_BASIC + GSM7_EXTENSION)}]")
_EXTENSION = re.compile(f"[{re.escape(GSM7_EXTENSION)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_HALF = re.compile("[\ud800-\udfff]")

# A typeset quote or dash turns a whole text into UCS-2, and one SMS into three: the clinic pays each part.
_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u0060\u02bc\u02bb\u2039\u203a", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u00b7", "-")
    | dict.fromkeys("\t\v\u00a0\u1680\u202f\u205f\u3000", " ")
    | {chr(code): " " for code in range(0x2000, 0x200B)}
    | dict.fromkeys("\u2028\u2029\u0085", "\n")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")
    | {"\u2026": "..."}
)


class Encoding(StrEnum):
    """The two alphabets of an SMS."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Segments:
    """What one text costs: `units` are septets (GSM-7) or UTF-16 code units (UCS-2), `parts` what is billed."""

    encoding: Encoding
    units: int
    parts: int


def segments(text: str) -> Segments:
    """Count the parts of an SMS as the network cuts it (rule 104); an empty text has none.

    An extension pair or a surrogate pair is never split, so parts may be left one unit short:
    153 euro signs are 306 septets and still three parts.
    """
    if _NOT_GSM7.search(text) is None:
        return _counted(Encoding.GSM7, text, _EXTENSION, single=160, part=153)
    return _counted(Encoding.UCS2, text, _ASTRAL, single=70, part=67)


def _counted(encoding: Encoding, text: str, double: re.Pattern[str], *, single: int, part: int) -> Segments:
    doubles = [found.start() for found in double.finditer(text)]
    units = len(text) + len(doubles)
    if units <= single:
        return Segments(encoding, units, 1 if units else 0)
    # Walk only the characters that cost two: the wasted unit at the end of a part is all they can change.
    wasted = 0
    for seen, position in enumerate(doubles):
        if (position + seen + wasted) % part == part - 1:
            wasted += 1
    return Segments(encoding, units, -(-(units + wasted) // part))


def simplify(text: str) -> str:
    """Replace typeset punctuation and odd spaces by their plain forms (rule 106); letters and emoji stay.

    Deterministic and idempotent, done before a practitioner approves, so that the approved text is the
    text that is sent. Every line end becomes one line feed, and letters are composed (NFC).
    """
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", composed.translate(_PLAIN))


def storable(text: str) -> str:
    """The text with every half of a surrogate pair marked: JSON may hold one, UTF-8 can't (an emoji cut in two)."""
    return _HALF.sub("\ufffd", text)


def refuse_control(text: str, field: str, *, newlines: bool = False) -> None:
    """Refuse what a person cannot see in a name or another variable (rule 108).

    Refused: control, bidirectional and zero-width characters, line ends (unless `newlines`), lone
    surrogates and noncharacters. A zero-width joiner stands where writing needs it: between two emoji
    (a family is one picture) and after a virama (Sinhala and other Indic names).

    Raises:
        Refusal: naming `field` and the kind of character, never the text.
    """
    if text.isascii() and text.isprintable():
        return
    for at, character in enumerate(text):
        kind = _unseen(character)
        if kind is None or (newlines and character == "\n") or _joins(text, at):
            continue
        raise Refusal(field, f"has {kind} at position {at + 1}", "type it again without hidden characters")


_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_NONCHARACTERS = frozenset(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)) | frozenset(
    map(chr, range(0xFDD0, 0xFDF0))
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _unseen(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in _BIDI:
        return "a bidirectional control"
    if category == "Cf" or character in _FILLERS:
        return "a zero-width character"
    if category in {"Cc", "Zl", "Zp"}:
        return "a control character"
    if category == "Cs" or character in _NONCHARACTERS:
        return "a character that is none"
    return None


_ZWJ = "\u200d"
_VIRAMA = 9  # canonical combining class


def _joins(text: str, at: int) -> bool:
    if text[at] != _ZWJ or at == 0:
        return False
    before, after = text[at - 1], text[at + 1 : at + 2]
    if unicodedata.combining(before) == _VIRAMA:
        return True
    return (before == "\ufe0f" or _pictured(before)) and bool(after) and _pictured(after)


def _pictured(character: str) -> bool:
    return "\U0001f000" <= character <= "\U0001faff" or "\u2190" <= character <= "\u2bff"


def graphemes(text: str) -> Iterator[str]:
    """Yield what a reader calls one character: a letter with its marks, a flag, a family of emoji."""
    cluster = ""
    for character in text:
        if cluster and _breaks(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _breaks(cluster: str, character: str) -> bool:
    if character == _ZWJ or unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return False
    if "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f":
        return False
    if _flag(character) and len(cluster) == 1 and _flag(cluster):
        return False
    return cluster[-1] != _ZWJ and unicodedata.combining(cluster[-1]) != _VIRAMA


def _flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def short_name(name: str, limit: int) -> str:
    """Shorten a NAME to at most `limit` SMS units, so that the advice after it never is (rule 105).

    Tried in turn: the whole name, its first word, the first half of a double name, whole graphemes.
    Units are septets when the result is GSM-7, else UTF-16 code units; "" when nothing fits.
    """
    name = " ".join(name.split())
    for candidate in (name, name.partition(" ")[0], name.partition(" ")[0].partition("-")[0]):
        if candidate and segments(candidate).units <= limit:
            return candidate
    kept = ""
    for grapheme in graphemes(name):
        if segments(kept + grapheme).units > limit:
            break
        kept += grapheme
    return kept.rstrip(" -'.")


# Letters without a decomposition that a reader of the name would still accept.
_NEAREST = str.maketrans(
    dict(zip("\u0141\u0142\u0110\u0111\u00d0\u00f0\u0131\u0126\u0127\u014a\u014b", "LlDdDdiHhNn", strict=True))
    | {"\u00de": "Th", "\u00fe": "th", "\u0152": "OE", "\u0153": "oe", "\u1e9e": "SS"}
)


def to_gsm7(text: str) -> str:
    """Write a NAME in the basic GSM-7 alphabet, or "" where it cannot be, and the greeting is left out.

    Marks are dropped only where the alphabet lacks the letter (José stays, María becomes Maria); emoji
    and symbols fall away. A name in another script is never half written: one foreign letter gives "".
    The result costs one septet a character, so that the SMS keeps its approved length (rule 105).
    """
    written = [_septets(character) for character in simplify(text).translate(_NEAREST)]
    if None in written:
        return ""
    name = " ".join("".join(piece for piece in written if piece is not None).split())
    return name if any(character.isalpha() for character in name) else ""


def _septets(character: str) -> str | None:
    if character in _BASIC:
        return character
    category = unicodedata.category(character)
    if category in {"Mn", "Me", "Cf", "So", "Sk", "Cc"} or character in GSM7_EXTENSION:
        return ""
    plain = "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))
    return plain if plain and plain.isascii() and _BASIC.issuperset(plain) else None
