"""What the wording of a message may not do: pure checks, each finding with the number of its rule.

Texts may be templates or rendered: what Jinja fills in is left out before words are looked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from worker.rules import lint_words
from worker.rules.lexicon import folded
from worker.rules.text import Encoding, segments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of wording: the rule broken, where, and what to change."""

    rule: int
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message} (rule {self.rule})"


_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_HEALTH = lint_words.pattern(lint_words.HEALTH)
_MARKETING = lint_words.pattern(lint_words.MARKETING)
_MONEY = re.compile(r"\d\s?%|[$\u20ac\u00a3]\s?\d|\d\s?(?:\u20ac|eur\b|euros\b|usd\b|dollars?\b)|\bsave\s+\d")


def _own_words(text: str, brand: str = "") -> str:
    """Fold what the author wrote: without Jinja, and without the clinic's own name ("Skin Clinic" is no diagnosis)."""
    written = _JINJA.sub(" ", text)
    return folded(written.replace(brand, " ") if brand else written)


def lint_health(text: str, where: str, *, treatments: Iterable[str] = (), brand: str = "") -> tuple[Finding, ...]:
    """Find health words in an SMS or a subject: both lie open on a locked screen (rule 37).

    Args:
        text: the SMS or the subject.
        where: named in each finding.
        treatments: names of treatments, refused wherever they stand.
        brand: the clinic's name, which may hold such a word.
    """
    words = _own_words(text, brand)
    found = {match[0] for match in _HEALTH.finditer(words)}
    found |= {name for name in map(folded, treatments) if name.strip() and name in words}
    return tuple(Finding(37, where, f'names health or treatment: "{word}"; say it by link') for word in sorted(found))


def lint_marketing(text: str, where: str) -> tuple[Finding, ...]:
    """Find what makes a service message marketing: prices, offers, a push to buy (rule 13)."""
    words = _own_words(text)
    found = {match[0] for pattern in (_MARKETING, _MONEY) for match in pattern.finditer(words)}
    return tuple(
        Finding(13, where, f'is marketing by "{word}"; leave it out or ask for that consent') for word in sorted(found)
    )


_LINK = re.compile(
    r"(?<![\w@.-])(?:([a-z][a-z0-9+.-]*)://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?=[/:?#]|[^\w.@-]|\.?\Z|\.\s)", re.IGNORECASE
)


def lint_links(text: str, where: str, *, own_hosts: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Find links by a shortener, without https, or (when `own_hosts` is given) to a foreign host (rule 38)."""
    found: list[str] = []
    for scheme, name in _LINK.findall(_JINJA.sub(" ", text)):
        host = name.lower().removeprefix("www.")
        if _is_under(host, lint_words.SHORTENERS):
            found.append("uses a public link shortener; use the clinic's own domain")
        elif scheme and scheme.lower() != "https":
            found.append("has a link that is not https")
        elif own_hosts is not None and not _is_under(host, {own.removeprefix("www.") for own in own_hosts}):
            found.append("links to a host that is not the clinic's own")
    if re.search(r"\bhttp:\s*//|\bhttp:\s*\{\{", text, re.IGNORECASE) and "has a link that is not https" not in found:
        found.append("has a link that is not https")
    return tuple(Finding(38, where, message) for message in found)


def _is_under(host: str, domains: Collection[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


_STOP_LINE = re.compile(r"\bSTOP\b")
_ASKS_CANCEL = re.compile(
    r"\b(?:reply|replying|text|texting|send|type|answer|respond|responda|conteste|envie|escriba|mande)\b"
    r"[^.!?\n]{0,30}?\bcancel(?:ar)?\b(?!\s+(?:or|and|o|y|your|an|the|a|su|la|el)\b)"
)


def names_brand(text: str, brand: str = "") -> bool:
    """True when the text names the clinic, by its name or by the `clinic_name` variable."""
    return bool(re.search(r"\{\{-?\s*clinic_name\b", text)) or bool(brand.strip() and folded(brand) in folded(text))


def lint_sms(text: str, where: str, *, brand: str = "", stop_line: bool = True) -> tuple[Finding, ...]:
    """Find a missing brand or STOP line, and any request to reply CANCEL (rules 28, 36).

    Args:
        text: the SMS, template or rendered.
        where: named in each finding.
        brand: the clinic's name, for rendered texts.
        stop_line: False only for the answers that need none (the STOP confirmation).
    """
    found = []
    if not names_brand(text, brand):
        found.append(Finding(36, where, "does not name the clinic"))
    if stop_line and not _STOP_LINE.search(text):
        found.append(Finding(36, where, "does not say how to STOP"))
    return (*found, *lint_cancel(text, where))


def lint_cancel(text: str, where: str) -> tuple[Finding, ...]:
    """Find a request to reply CANCEL, in any text: by law that word ends all texts, whatever was meant (rule 28)."""
    if not _ASKS_CANCEL.search(folded(text)):
        return ()
    return (Finding(28, where, "asks for CANCEL, which ends all texts by law; ask for a call"),)


_LEAVING = lint_words.pattern(lint_words.LEAVING)
_PUNISHING = lint_words.pattern(lint_words.PUNISHING)
_REASSURING = lint_words.pattern(lint_words.REASSURING)


def lint_punishment(text: str, where: str) -> tuple[Finding, ...]:
    """Find a sentence that threatens those who stop: revoking never changes care (rule 35)."""
    for sentence in re.split(r"[.!?\n]+", _own_words(text)):
        if _LEAVING.search(sentence) and _PUNISHING.search(_REASSURING.sub(" ", sentence)):
            return (Finding(35, where, "threatens a client who stops"),)
    return ()


_RATES = r"\b(?:rates?|charges)\s+may\s+apply|\b(?:tarifas|cargos)\b[^.\n]*\b(?:mensajes|datos|aplicar)"
_FREQUENCY = (
    r"messages_promised|\b\d+\s+(?:msgs?|messages?|texts?|mensajes?|sms)\b|\bup to\b|\bhasta\b[^.\n]*\bmensajes?\b"
    r"|\bfrequency varies\b|\bfrecuencia\b"
)
_OPTIN = (
    (
        r"\bafter\s?care\b|\bfollow.?up\b|\breminders?\b|\bcuidados?\b|\brecordatorios?\b|\bseguimiento\b",
        "the programme",
    ),
    (_FREQUENCY, "how many messages"),
    (_RATES, "that message and data rates may apply"),
    (r"\bhelp\b|\bayuda\b", "HELP"),
)


def lint_optin(text: str, where: str, *, brand: str = "") -> tuple[Finding, ...]:
    """Find what an opt-in confirmation lacks: brand, programme, frequency, rates, HELP, STOP (rule 6, Twilio 30540)."""
    return tuple(Finding(6, where, f"does not say {what}") for what in _lacks(text, brand))


def lint_asks_for_yes(text: str, where: str) -> tuple[Finding, ...]:
    """Find an opt-in question by SMS that does not say how to agree (rule 7)."""
    asks = re.search(r"\bYES\b", text)
    return () if asks else (Finding(7, where, "does not say how to agree; ask for the reply YES"),)


def lint_call_to_action(text: str, where: str, *, brand: str = "") -> tuple[Finding, ...]:
    """Find what the words shown at opt-in lack: those of the confirmation, terms and privacy (rule 5)."""
    lacks = [*_lacks(text, brand)]
    words = folded(text)
    if not re.search(r"\bterms\b|\bcondiciones\b|\bterminos\b", words):
        lacks.append("where the terms are")
    if not re.search(r"\bprivacy\b|\bprivacidad\b", words):
        lacks.append("where the privacy notice is")
    return tuple(Finding(5, where, f"does not say {what}") for what in lacks)


def _lacks(text: str, brand: str) -> Iterator[str]:
    words = folded(text)
    if not names_brand(text, brand):
        yield "who sends"
    for wanted, what in _OPTIN:
        if not re.search(wanted, words):
            yield what
    if not _STOP_LINE.search(text):
        yield "STOP"


_NO_MORE = (
    r"\b(?:no more|no further|not (?:get|receive|send)|wont (?:get|receive|send)|unsubscribed|opted out|stopped)\b"
    r"|\bno (?:recibira|le enviaremos|enviaremos|habra)\b|\bdado de baja\b|\bno mas\b|\bninguno mas\b"
)


_CONTACT = re.compile(r"\b(?:questions|preguntas|dudas)\?")


def lint_stop_confirmation(text: str, where: str, *, brand: str = "") -> tuple[Finding, ...]:
    """Find what makes a STOP confirmation more, or less, than a pure confirmation (rule 22).

    It names the clinic, says that no more will come, how to resume and whom to call, in one GSM-7 part, and
    asks, sells and surveys nothing.
    """
    words = folded(text)
    cost = segments(text)
    faults = (
        (not names_brand(text, brand), "does not name the clinic"),
        (not re.search(_NO_MORE, words), "does not say that no more messages come"),
        (not re.search(r"\bSTART\b", text), "does not say how to resume (START)"),
        (not re.search(r"clinic_phone|\+?\d[\d\s().-]{6,}\d", text), "does not say whom to call"),
        ("?" in _CONTACT.sub("", words), "asks something"),
        (bool(re.search(r"\bsurvey\b|\bfeedback\b|\bencuesta\b|\bopinion\b|\bwhy\b|\bpor que\b", words)), "surveys"),
        (bool(_LINK.search(_JINJA.sub(" ", text)) or "_url" in text), "carries a link"),
        (cost.encoding is not Encoding.GSM7 or cost.parts > 1, "does not fit one GSM-7 part"),
    )
    pure = tuple(Finding(22, where, message) for wrong, message in faults if wrong)
    return pure + tuple(Finding(22, where, finding.message) for finding in lint_marketing(text, where))


# Attributes by which opening a mail, or merely rendering it, loads something.
_LOADING = {"src", "srcset", "background", "poster", "data", "codebase", "manifest", "lowsrc", "dynsrc", "xlink:href"}
_ACTIVE = {"script", "iframe", "frame", "object", "embed", "applet", "base", "form"}
_LINKS = {"a", "area"}
_STYLE_LOAD = re.compile(r"url\s*\(|@import|image-set\s*\(|expression\s*\(", re.IGNORECASE)
_VARIABLE = re.compile(r"\{\{[^{}]*\}\}")
_INLINE = ("data:image/", "cid:")


def lint_html(html: str, where: str, *, own_hosts: Collection[str] = ()) -> tuple[Finding, ...]:
    """Find every way a mail or care page would load from outside or run code (rule 39).

    Args:
        html: a template or a rendered page.
        where: named in each finding.
        own_hosts: hosts that links, never resources, may point to; `{{ ... }}` counts as our own.
    """
    reader = _Loads(own_hosts)
    reader.feed(html)
    reader.close()
    return tuple(Finding(39, where, message) for message in dict.fromkeys(reader.found))


class _Loads(HTMLParser):
    def __init__(self, own_hosts: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._own_hosts = {host.removeprefix("www.") for host in own_hosts}
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in _ACTIVE:
            self.found.append(f"has <{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, (value or "").strip())

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_comment(self, data: str) -> None:
        # Outlook renders what stands in its conditional comments.
        if "[if" in data:
            inner = _Loads(self._own_hosts)
            inner.feed(data.partition("]>")[2])
            inner.close()
            self.found += inner.found

    def handle_data(self, data: str) -> None:
        if self._in_style and _STYLE_LOAD.search(data):
            self.found.append("loads by style")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self.found.append(f"runs code by {name}")
        elif name == "style" and _STYLE_LOAD.search(value):
            self.found.append("loads by style")
        elif name == "href" and tag in _LINKS:
            self._link(value)
        elif (name in _LOADING or name == "href") and value and not value.startswith(("#", *_INLINE)):
            self.found.append(f"loads by <{tag} {name}>")
        elif name == "ping" or (tag == "meta" and value.lower() == "refresh"):
            self.found.append(f"calls out by <{tag}>")

    def _link(self, value: str) -> None:
        if not value or value.startswith(("#", "mailto:", "tel:")) or _VARIABLE.fullmatch(value):
            return
        try:
            parts = urlsplit(value)
            host = (parts.hostname or "").removeprefix("www.")
        except ValueError:
            self.found.append("has a link that is none")
            return
        if parts.scheme != "https":
            self.found.append("has a link that is not https")
        elif not _is_under(host, self._own_hosts):
            self.found.append("links to a host that is not the clinic's own")
