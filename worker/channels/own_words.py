"""What a person wrote in a mail, without what she quoted: our own words under hers must never speak for her."""

from __future__ import annotations

import codecs
import contextlib
import re
from email.errors import MessageError
from html import unescape
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

# What the standard library raises on mails that nobody would write.
FAULTS = (MessageError, ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
MOST = 20_000  # characters of text that are looked at; words.read takes fewer still
MOST_PARTS = 40
# Decoders of text; others that a mail could name take minutes, or do something else than decode.
_CHARSETS = (
    "utf-8",
    "utf-16",
    "ascii",
    "iso8859",
    "cp",
    "koi8",
    "mac-",
    "gb",
    "big5",
    "euc",
    "shift_jis",
    "iso2022",
    "tis",
)

# "On Tuesday, Clinic wrote:" as mail programs say it, over one line or two.
_QUOTE_HEAD = re.compile(
    r"^[ \t>]*(?:on|am|le|el|il giorno|em|il|op|den)\b[^\n]{0,200}(?:\n[^\n]{0,200})?"
    r"\b(?:wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev)\b[^\n]{0,200}:[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# From here on everything is quoted, though no line is marked.
_QUOTE_REST = re.compile(
    r"^[ \t]*(?:-{2,}[ \t]*(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|"
    r"messaggio originale|mensagem original|forwarded message)\b|_{20,}[ \t]*$|"
    r"\*?(?:from|von|de|da)\*?:[^\n]{0,300}\n(?:[^\n]{0,300}\n){0,3}\*?(?:sent|date|gesendet|datum|envoyé|enviado|"
    r"inviato|data|to|an|à|para|a)\*?:)",
    re.IGNORECASE | re.MULTILINE,
)
_TAG = re.compile(r"(/?)([a-z!][a-z0-9!-]{0,20})", re.IGNORECASE)
_UNSAID = frozenset({"blockquote", "style", "script", "title"})
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "hr", "h1", "h2", "h3"})
_QUOTE_CLASS = re.compile(r"(?:class|id)\s*=[^=]{0,80}_quote")
_REST_IS_QUOTED = re.compile(r"appendonsend|divrplyfwdmsg", re.IGNORECASE)  # Outlook: unmarked from here on
_SIGNATURE = re.compile(r"^--[ \t]?$", re.MULTILINE)
_SENT_WITH = re.compile(
    r"^[ \t]*(?:sent from my|sent from outlook|get outlook for|von meinem|gesendet von|envoyé de mon|enviado desde mi|"
    r"enviado do meu|inviato da)\b[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)


def own_words(mail: Message) -> str:
    """The new words of a mail, from its first text part, else from its HTML; "" when it has none. Never raises."""
    try:
        return _plain(mail) or _page(mail)
    except FAULTS:
        return ""


def _plain(mail: Message) -> str:
    return next(filter(None, (unquoted(_decoded(part)) for part in _texts(mail, "plain"))), "")


def _page(mail: Message) -> str:
    return next(filter(None, (unquoted(_spoken(_decoded(part))) for part in _texts(mail, "html"))), "")


def unquoted(text: str) -> str:
    """`text` without quoted lines, what introduces them, a signature and a device's advertisement.

    An answer below the quotation is kept: only what is quoted unmarked ends the reading.
    """
    text = text[:MOST].replace("\r\n", "\n").replace("\r", "\n")
    for end in (_QUOTE_REST, _SIGNATURE):
        if found := end.search(text):
            text = text[: found.start()]
    text = _SENT_WITH.sub("", _QUOTE_HEAD.sub("", text))
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">")).strip()


def _texts(mail: Message, kind: str) -> Iterator[Message]:
    for part in islice(mail.walk(), MOST_PARTS):
        attached = (part.get_content_disposition() or "") == "attachment"
        if part.get_content_type() == f"text/{kind}" and not part.is_multipart() and not attached:
            yield part


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    charset = "utf-8"
    with contextlib.suppress(*FAULTS):  # a charset that nobody has heard of
        known = codecs.lookup(part.get_content_charset() or charset).name
        charset = known if known.startswith(_CHARSETS) else charset
    return raw[: MOST * 4].decode(charset, "replace")


def _spoken(html: str) -> str:
    """The visible words of an HTML mail, without the quoted mail below them.

    By hand and in one pass: the library's parser takes two minutes for 80 kB of "<a".
    """
    page = _Page()
    head, *notes = html.split("<!--")
    first, *pieces = "".join((head, *(note.partition("-->")[2] for note in notes))).split("<")
    page.text(first)
    for piece in pieces:
        tag, _, text = piece.partition(">")
        if _REST_IS_QUOTED.search(tag):
            break
        page.tag(tag.lower())
        page.text(text if _TAG.match(tag) else f"<{piece}")
    return unescape("".join(page.said))


class _Page:
    """What was said so far, and the element that is passed over, with how deep we are in it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._silent, self._deep = "", 0

    def tag(self, written: str) -> None:
        """Enter or leave an element; a new block begins a new line."""
        found = _TAG.match(written)
        if found is None:
            return
        ends, name = bool(found[1]), found[2]
        if self._silent:
            self._deep += (name == self._silent) * (-1 if ends else 1)
            self._silent = self._silent if self._deep else ""
        elif not ends and (name in _UNSAID or _QUOTE_CLASS.search(written)):
            self._silent, self._deep = name, 1
        elif name in _BLOCKS:
            self.said.append("\n")

    def text(self, words: str) -> None:
        """Hear words, unless they are passed over."""
        if not self._silent:
            self.said.append(words)
