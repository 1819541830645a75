"""What the words shown before a yes must say, language by language: every element the rules demand, named when missing.

The words come from paper forms and web pages of clinics, so only meaning is looked for, never one exact sentence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from worker.rules.lexicon import folded
from worker.rules.lint import lint_marketing, lint_punishment
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKETING, HOLDER = "marketing", "-holder"
LANGUAGES = ("en", "es")
"""The languages whose words are known here; a wording in another can't be checked, and says so."""


class WordingKind(NamedTuple):
    """What a wording's code says of it: is it about offers, and does somebody else than the client agree by it."""

    marketing: bool
    holder: bool


class Element(NamedTuple):
    """One thing to be said: its rule, what it is, an example as the mend, and how to know it in each language.

    A keyword is looked for as it has to be typed (`folds` False): "I can stop" does not tell how.
    """

    rule: int
    what: str
    example: str
    known_by: dict[str, str]
    folds: bool = True


BOTH = (
    Element(5, "who sends", '"the clinic named on this form"', {"en": r"\bclinic\b", "es": r"\bclinica\b"}),
    Element(
        5, "how many messages", '"up to 12 messages for each session"',
        {
            "en": r"\bup to \d+\b|\b\d+ (?:msgs?|messages|texts)\b|\bfrequency varies\b",
            "es": r"\bhasta \d+\b|\b\d+ mensajes\b|\bfrecuencia\b",
        },
    ),
    Element(
        5, "that rates may apply", '"message and data rates may apply"',
        {"en": r"\b(?:rates|charges) may apply\b", "es": r"\baplicar\w* (?:tarifas|cargos)\b"},
    ),
    Element(5, "how to stop: STOP", '"by replying STOP to a text"', dict.fromkeys(LANGUAGES, r"\bSTOP\b"), folds=False),
    Element(5, "how to get help: HELP", '"reply HELP for help"', dict.fromkeys(LANGUAGES, r"\bHELP\b"), folds=False),
    Element(
        5, "where the terms are", '"terms: see our website"',
        {"en": r"\bterms\b", "es": r"\b(?:condiciones|terminos)\b"},
    ),
    Element(
        5, "where the privacy notice is", '"privacy notice: see our website"',
        {"en": r"\bprivacy\b", "es": r"\bprivacidad\b"},
    ),
    Element(
        3, "that agreeing is voluntary", '"agreeing is voluntary"',
        {"en": r"\bvoluntary\b|\bfree choice\b|\bfree to\b", "es": r"\bvoluntari\w+|\blibre\w*"},
    ),
    Element(
        3, "which address it is for", '"at the phone number or email address I have given here"',
        {"en": r"\b(?:number|email|address)\b[^.]*\bgiven\b", "es": r"\b(?:numero|correo|direccion)\b[^.]*\bdado\b"},
    ),
)  # fmt: skip
SERVICE = (
    Element(
        5, "what comes: messages about care", '"messages about my care after the treatment"',
        {"en": r"\bcare\b", "es": r"\bcuidados?\b"},
    ),
    Element(
        3, "what comes: reminders", '"and reminders of my next session"',
        {"en": r"\breminders?\b", "es": r"\brecordatorios?\b"},
    ),
    Element(
        3, "that a next session may be suggested", '"reminders may tell me when my plan suggests a next session"',
        {"en": r"\bsuggest\w*\b[^.]*\bsession\b", "es": r"\b(?:sugier\w+|sugerir\w*|propon\w+)\b[^.]*\bsesion\b"},
    ),
    Element(
        3, "that treatment does not depend on it", '"my treatment does not depend on it"',
        {
            "en": r"\b(?:does|do|will) not depend\b|\bnot a condition\b",
            "es": r"\bno depende\w*\b|\bno es (?:una )?condicion\b",
        },
    ),
    Element(
        59, "that messages are not encrypted", '"messages are not encrypted on their whole way; I accept that"',
        {"en": r"\bnot (?:fully )?encrypted\b|\bunencrypted\b", "es": r"\bno (?:van |estan )?cifrad\w+|\bsin cifrar\b"},
    ),
)  # fmt: skip
OFFERS = (
    Element(
        13, "what comes: offers", '"offers and news of the clinic"',
        {"en": r"\b(?:offers?|marketing|promot\w+)\b", "es": r"\b(?:ofertas?|promoci\w+|publicidad)\b"},
    ),
    Element(
        13, "that they may be sent automatically", '"sent by an automated system"',
        {"en": r"\bautomat\w+\b", "es": r"\bautomatic\w+\b"},
    ),
    Element(
        13, "that no purchase depends on it", '"agreeing is not a condition of any purchase"',
        {
            "en": r"\bnot (?:a )?(?:condition|required)\b[^.]*\b(?:purchase|buy\w*)\b",
            "es": r"\bno (?:es|son) (?:una )?condicion\b[^.]*\bcompra\w*\b",
        },
    ),
    Element(
        13, "that it is agreed to by signature", '"with my signature"',
        {"en": r"\bsign(?:ed|ing|ature)?\b", "es": r"\bfirm\w+\b"},
    ),
)  # fmt: skip
_SHARING = {
    "en": r"\bshare[sd]?\b[^.]*\b(?:partners?|third part\w+|affiliates?|others)\b",
    "es": r"\b(?:compart\w+|ced\w+)\b[^.]*\b(?:socios|terceros|afiliad\w+)\b",
}
_NOT_SHARED = r"\b(?:not|never|no|nunca)\b[^.]{0,20}$"


def wording_kind(reference: str) -> WordingKind:
    """What a wording is for, by code or `code@version`: "marketing..." is about offers, "...-holder" for a proxy."""
    code = reference.partition("@")[0]
    return WordingKind(marketing=code.startswith(MARKETING), holder=code.endswith(HOLDER))


def is_checked(language: str) -> bool:
    """True when the words of that language are known here."""
    return language in LANGUAGES


def wording_faults(text: str, *, code: str, language: str, field: str) -> Iterator[Refusal]:
    """Every element that the words lack, and what they may not hold, each with its mend (rules 3, 5, 13, 35, 59, 65).

    `field` names the wording in each refusal; a language that is not known here yields nothing.
    """
    if not is_checked(language):
        return
    words = " ".join(folded(text).split())
    own = OFFERS if wording_kind(code).marketing else SERVICE
    for element in (*BOTH, *own):
        if not re.search(element.known_by[language], words if element.folds else text):
            mend = f"write it into the text, for example {element.example} (rule {element.rule})"
            yield Refusal(field, f"does not say {element.what}", mend)
    yield from _forbidden(text, words, code=code, language=language, field=field)


def _forbidden(text: str, words: str, *, code: str, language: str, field: str) -> Iterator[Refusal]:
    if not wording_kind(code).marketing and lint_marketing(text, field):
        mend = 'ask for them in a wording of their own, "marketing" (rule 13)'
        yield Refusal(field, "speaks of offers beside care", mend)
    if lint_punishment(text, field):
        yield Refusal(field, "threatens a client who stops", "say that stopping changes nothing (rule 35)")
    for found in re.finditer(_SHARING[language], words):
        if not re.search(_NOT_SHARED, words[: found.start()]):
            mend = "take it out: sharing needs a consent of its own (rule 65)"
            yield Refusal(field, "agrees to sharing in the same breath", mend)
            return
