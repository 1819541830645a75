"""What a lexicon is made of, and the one that law and carriers dictate in every country (rule 16).

The languages are data in `worker/rules/lexicons/`; `BASE.joined(OTHER)` gives `words.read` a wider lexicon.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields

Phrase = tuple[str, ...]

_DROPPED: dict[int, str | None] = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc\u0060\u00b4\u2032\uff07"))
_DROPPED |= {0x153: "oe", 0x152: "oe", 0xE6: "ae", 0xC6: "ae"}  # written apart on most phones
_STOP_SIGN = "\U0001f6d1"
# Marks and unseen characters: "ARR\u00caT" and "ARRET" are one word, and so is STOP with a zero-width space in it.
_UNSPOKEN = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0640\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


_WORD = re.compile(r"[^\W\d_]+")


def folded(text: str) -> str:
    """Fold a text for comparing: case, accents, full width, apostrophes and unseen characters do not count."""
    if not text.isascii():
        text = text.replace(_STOP_SIGN, " stop ").translate(_DROPPED)
        text = _UNSPOKEN.sub("", unicodedata.normalize("NFKD", text))
        return text.casefold()
    return text.replace("'", "").replace("`", "").lower()


def words(line: str) -> frozenset[str]:
    """Fold a line of words into a set."""
    return frozenset(folded(line).split())


def phrases(*lines: str) -> frozenset[Phrase]:
    """Fold each line into the tuples of its words; "|" parts several on one line."""
    return frozenset(tuple(_WORD.findall(folded(phrase))) for line in lines for phrase in line.split("|"))


def spread(heads: str, tails: str) -> tuple[str, ...]:
    """Write every head before every tail; both are parted by "|"."""
    return tuple(f"{head} {tail}" for head in heads.split("|") for tail in tails.split("|"))


_NONE: frozenset[str] = frozenset()
_NO_PHRASES: frozenset[Phrase] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Words of several sets, one after the other in one clause, other words between them or not.

    Args:
        steps: the sets, in order; "do not | send".
        reach: how many words on the next step may stand, at most.
        unless: words that take the meaning away, from two before the match to one after it.
    """

    steps: tuple[frozenset[str], ...]
    reach: int = 4
    unless: frozenset[str] = _NONE


def pattern(*steps: str, reach: int = 4, unless: str = "") -> Pattern:
    """Fold lines of words into a pattern."""
    return Pattern(steps=tuple(map(words, steps)), reach=reach, unless=words(unless))


_TITLES = words("dr dra drs mr mrs ms mme frau herr sra sr sig")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tongue:
    """What one language says that surely has nothing to do with stopping; a word not listed here is doubtful.

    Args:
        plain: words of which no revocation can be made up. Left out on purpose: no and not, text and message,
            list and number, want and leave, off and out, and whatever staff ought to read (blood, fever).
        fine: phrases harmless as a whole, though a word in them is not ("thanks for the reminder").
        negations: harmless only when a symptom follows ("no pain").
        titles: words after which a name may stand, whatever it is ("Dr Okafor").
        symptoms: what a negation makes harmless; those not in `plain` as well need one (rule 17: in doubt, staff).
    """

    plain: frozenset[str]
    fine: frozenset[Phrase] = _NO_PHRASES
    negations: frozenset[str] = _NONE
    symptoms: frozenset[str] = _NONE
    titles: frozenset[str] = _TITLES


_NO_PATTERNS: frozenset[Pattern] = frozenset()
_NO_TONGUES: frozenset[Tongue] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What counts as what; every entry is folded.

    Args:
        stop: words that revoke, alone or in a short message.
        cancel: those of `stop` that may have meant a visit (rule 28).
        stop_alone: words that revoke only when nothing but courtesy stands beside them ("remove me").
        stop_alone_phrases: phrases of the same kind ("no more").
        stop_phrases: phrases that revoke wherever they stand.
        stop_patterns: the same for words that need not stand side by side ("stop | texting").
        wrong_number: phrases by which the holder says that the number is not the client's (rule 133).
        wrong_patterns: the same, not side by side.
        everything: phrases that widen a revocation beyond SMS (rule 25).
        negations: words that turn a following stop word round ("can't stop").
        harmless_pairs: two words in a row of which one only looks like a stop word ("end of").
        courtesy: words that say nothing beside a keyword.
        around_stop: words that only name what is to stop ("texts", "me").
        set_aside: phrases that are taken out before anything is read ("thanks for everything").
        misspelt: words that are known again with a slip of the finger in them; only unknown words are mended.
        real_words: words that look like a slip and are none ("shop").
        start, help_words, yes: whole-message words.
        tongues: the languages in which a text can be found harmless; one of them must know all its words.
    """

    stop: frozenset[str] = _NONE
    cancel: frozenset[str] = _NONE
    stop_alone: frozenset[str] = _NONE
    stop_alone_phrases: frozenset[Phrase] = _NO_PHRASES
    stop_phrases: frozenset[Phrase] = _NO_PHRASES
    stop_patterns: frozenset[Pattern] = _NO_PATTERNS
    wrong_number: frozenset[Phrase] = _NO_PHRASES
    wrong_patterns: frozenset[Pattern] = _NO_PATTERNS
    everything: frozenset[Phrase] = _NO_PHRASES
    negations: frozenset[str] = _NONE
    harmless_pairs: frozenset[Phrase] = _NO_PHRASES
    courtesy: frozenset[str] = _NONE
    around_stop: frozenset[str] = _NONE
    set_aside: frozenset[Phrase] = _NO_PHRASES
    misspelt: frozenset[str] = _NONE
    real_words: frozenset[str] = _NONE
    start: frozenset[str] = _NONE
    help_words: frozenset[str] = _NONE
    yes: frozenset[str] = _NONE
    tongues: frozenset[Tongue] = _NO_TONGUES

    def joined(self, other: Lexicon) -> Lexicon:
        """Return both lexicons as one; nothing is ever taken away."""
        return Lexicon(**{field.name: getattr(self, field.name) | getattr(other, field.name) for field in fields(self)})

    def with_stop(self, *own: str) -> Lexicon:
        """Return a lexicon with a clinic's own stop words: the list grows and never shrinks (rule 16)."""
        said = phrases(*own) - {()}
        single = frozenset(phrase[0] for phrase in said if len(phrase) == 1)
        longer = frozenset(phrase for phrase in said if len(phrase) > 1)
        return self.joined(Lexicon(stop=single, stop_phrases=longer))


# Rule 16: 47 CFR 64.1200(a)(10), Twilio's default list, AWS's list, French and Spanish; then common slips (rule 17).
BASE = Lexicon(
    stop=words(
        "stop quit end revoke cancel unsubscribe stopall optout arrêt arrêter arrêtez arrête basta parar pare "
        "unsub unsubcribe unsuscribe unsubscibe unsubsribe stpo sotp stp stopp stob stopit stopnow stopplease "
        "cancle cancell"
    ),
    cancel=words("cancel cancle cancell"),
    stop_alone=words("remove td alto baja"),
    stop_alone_phrases=phrases("no more | no mas | not interested | plus de messages | enough | go away"),
    stop_phrases=phrases(
        "opt out | opt me out | opting out | opted out | un subscribe | leave me alone | "
        "never text | take me off | remove me from | remove my number | stop texting | "
        "stop messaging | stop contacting | stop all contact | stop all communication | "
        "stop all communications | stop all emails | stop sending | stop all messages | "
        "stop all texts | stop everything | never contact | do not text | dont text | "
        "do not message | dont message | do not contact | dont contact | do not send me | "
        "dont send me | no more texts | no more messages | no more sms | no mas mensajes | "
        "ne plus recevoir | no me escriban"
    ),
    wrong_number=phrases(
        "wrong number | wrong person | wrong phone | not my number | numero equivocado | "
        "numero incorrecto | mauvais numero | faux numero"
    ),
    everything=phrases(
        "everything | all contact | any contact | all communication | all communications | "
        "all emails | all mail | and email | and emails | emails too | email too | "
        "emails as well | contacting me | do not contact | dont contact | todo | tout"
    ),
    negations=words("not cant cannot dont wont doesnt didnt couldnt wouldnt shouldnt never nunca jamais"),
    harmless_pairs=phrases("end of | the end | week end | bus stop | full stop | non stop | sans arret | sin parar"),
    courtesy=words("please pls plz thanks thank you thx por favor gracias merci s il vous plait svp"),
    around_stop=words(
        "me my i im us now just the this these those it all any to from and too with as well at once "
        "can could would will you your want like need said say told again already immediately "
        "sending send texting text texts messaging message messages msg msgs sms messaging contacting contact "
        "emailing email emails mail calling calls call communication communications everything todo tout number "
        "phone list hi hello hey dear sir madam mensajes mensaje enviar los las les de messages envoyer"
    ),
    start=words("start unstop"),
    help_words=words("help info ayuda aide hilfe ajuda aiuto"),
    yes=words("yes y si oui ja sim"),
)
