"""What a client's text message means for consent: stop, start, help, yes, wrong number, or a person must read it.

Twilio's own filter sees only a whole message of one keyword (rule 18); "STOP please" gets past it and must
not get past us. Whatever is not clearly harmless is `unclear`, and the caller holds that number (rule 17).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from worker.rules.clauses import asks, clauses_of, cross, silent
from worker.rules.lexicons import EVERY
from worker.rules.phrases import found, matched, without
from worker.rules.spelling import mended
from worker.rules.visit_words import visit_word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from worker.rules.lexicon import Lexicon, Phrase, Tongue
    from worker.rules.phrases import Clauses

# What Twilio answers by itself when a whole message is one of these (rules 16, 18, 23).
TWILIO_STOP = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
TWILIO_START = frozenset({"START", "YES", "UNSTOP"})
TWILIO_HELP = frozenset({"HELP", "INFO"})

SHORT = 4  # words; up to here one stop word anywhere revokes
REACH = 4  # words that a "no" may stand before its symptom
LONGEST = 1600  # characters; Twilio delivers no more


class Word(StrEnum):
    """The meanings that change what may be sent, and `none` for the rest."""

    STOP = "stop"
    CANCEL_STOP = "cancel_stop"  # revokes, and staff asks whether the visit was meant (rule 28)
    WRONG_NUMBER = "wrong_number"  # revokes, and the consent was never this person's (rule 133)
    START = "start"
    HELP = "help"
    YES = "yes"
    CONFIRM = "confirm"  # she comes to the visit she was reminded of
    ANOTHER_TIME = "another_time"  # she wants that visit at another time
    UNCLEAR = "unclear"  # hold this number's SMS and ask staff (rule 17)
    NONE = "none"

    @property
    def revokes(self) -> bool:
        """True for the kinds that end SMS from this clinic to this number at once."""
        return self in _REVOKING


_REVOKING = frozenset({Word.STOP, Word.CANCEL_STOP, Word.WRONG_NUMBER})


@dataclass(frozen=True, slots=True)
class Reading:
    """How one message was read.

    Args:
        kind: its meaning.
        matched: the entry of our own list that decided, folded; never the client's free text (P9).
        whole_message: nothing but that entry was written, so a provider may have seen it too (rule 23).
        everything: the revocation names all contact, email included (rule 25).
    """

    kind: Word
    matched: str = ""
    whole_message: bool = False
    everything: bool = False


_NOTHING = Reading(Word.NONE)
_UNCLEAR = Reading(Word.UNCLEAR)
_PROVIDER = {"STOP": Word.STOP, "START": Word.START, "HELP": Word.HELP}


def read(text: str, opt_out_type: str | None = None, *, lexicon: Lexicon = EVERY) -> Reading:
    """Read one inbound text, with the provider's own verdict when it gave one (rules 16, 17, 24).

    Deterministic; needs no model, network or database. Either side saying STOP wins. YES stays YES even
    when the provider calls it START: it may answer our own question, and the caller knows whether it was asked.
    """
    reading = _read(text[:LONGEST], lexicon)
    if not reading.kind.revokes and len(text) > LONGEST:
        reading = _UNCLEAR  # who knows what the unread rest says
    said = _PROVIDER.get(opt_out_type.strip().upper()) if opt_out_type else None
    if said is None or reading.kind.revokes:
        return reading
    if said is Word.START and reading.kind in {Word.START, Word.YES}:
        return reading
    if said is reading.kind:
        return reading
    return Reading(said, "OptOutType", whole_message=True)


def _read(text: str, lexicon: Lexicon) -> Reading:
    written = clauses_of(text, lexicon.stop)
    clauses = _mended(without(written, lexicon.set_aside), lexicon)
    words = [word for clause in clauses for word in clause if not word.isdigit()]
    if not words:
        thanked = any(word.isalpha() for word in chain(*written)) and not cross(text)
        return _NOTHING if thanked or silent(text) else _UNCLEAR
    return _revocation(written, clauses, words, lexicon) or _answer(text, written, clauses, lexicon)


def _mended(clauses: Clauses, lexicon: Lexicon) -> Clauses:
    known = _known(lexicon)
    return [
        clause
        if known.issuperset(clause)
        else [word if word in known or word.isdigit() else mended(word, lexicon.misspelt) for word in clause]
        for clause in clauses
    ]


@lru_cache(maxsize=8)
def _known(lexicon: Lexicon) -> frozenset[str]:
    """Every word of the lexicon: a word that means something by itself is no slip of another."""
    sets = [lexicon.stop, lexicon.stop_alone, lexicon.courtesy, lexicon.around_stop, lexicon.start, lexicon.yes]
    sets += [lexicon.negations, lexicon.help_words, lexicon.misspelt, lexicon.real_words]
    for phrases in (lexicon.stop_phrases, lexicon.stop_alone_phrases, lexicon.wrong_number, lexicon.harmless_pairs):
        sets += map(frozenset, phrases)
    for pattern in lexicon.stop_patterns | lexicon.wrong_patterns:
        sets += [*pattern.steps, pattern.unless]
    for tongue in lexicon.tongues:
        sets += [tongue.plain, tongue.negations, tongue.symptoms, *map(frozenset, tongue.fine)]
    return frozenset(chain(*sets))


def _revocation(written: Clauses, clauses: Clauses, words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    if phrase := found(clauses, lexicon.wrong_number) or matched(clauses, lexicon.wrong_patterns):
        return Reading(Word.WRONG_NUMBER, " ".join(phrase), _is_all(written, phrase))
    phrase = _stop_phrase(clauses, words, lexicon)
    if phrase is None:
        return None
    kind = Word.CANCEL_STOP if lexicon.cancel.issuperset(phrase) else Word.STOP
    everything = found(clauses, lexicon.everything) is not None
    return Reading(kind, " ".join(phrase), _is_all(written, phrase), everything)


def _stop_phrase(clauses: Clauses, words: Sequence[str], lexicon: Lexicon) -> Phrase | None:
    phrase = found(clauses, lexicon.stop_phrases, lexicon.negations) or matched(
        clauses, lexicon.stop_patterns, lexicon.negations
    )
    if phrase is None and not lexicon.stop.isdisjoint(words):
        phrase = _stop_word(clauses, lexicon, short=len(words) <= SHORT)
    if phrase is None:
        phrase = _stop_alone(words, lexicon)
    return phrase


def _stop_alone(words: Sequence[str], lexicon: Lexicon) -> Phrase | None:
    bare = tuple(word for word in words if word not in lexicon.courtesy)
    core = _core(bare, lexicon)
    for said in (tuple(words), bare):
        if said in lexicon.stop_alone_phrases:
            return said
        if len(said) <= SHORT and "".join(said) in lexicon.stop:  # "s-top", "un subscribe", "st op"
            return ("".join(said),)
    alone = core in lexicon.stop_alone_phrases or (bool(core) and lexicon.stop_alone.issuperset(core))
    return core if alone else None


def _stop_word(clauses: Clauses, lexicon: Lexicon, *, short: bool) -> Phrase | None:
    """Find the stop word of a short message, or of a clause that says nothing else."""
    meant = [
        word
        for clause in clauses
        for word in _meant(clause, lexicon)
        if short or lexicon.stop.issuperset(_core(clause, lexicon))
    ]
    # STOP and CANCEL together: no visit was meant.
    meant.sort(key=lexicon.cancel.__contains__)
    return (meant[0],) if meant else None


def _meant(clause: Sequence[str], lexicon: Lexicon) -> Iterator[str]:
    """Yield the stop words of a clause that nothing beside them turns round."""
    for at, word in enumerate(clause):
        if word not in lexicon.stop:
            continue
        before = clause[at - 1] if at else ""
        after = clause[at + 1] if at + 1 < len(clause) else ""
        harmless = (before, word) in lexicon.harmless_pairs or (word, after) in lexicon.harmless_pairs
        if not harmless and before not in lexicon.negations:
            yield word


def _core(words: Sequence[str], lexicon: Lexicon) -> Phrase:
    return tuple(word for word in words if word not in lexicon.courtesy and word not in lexicon.around_stop)


def _answer(text: str, written: Clauses, clauses: Clauses, lexicon: Lexicon) -> Reading:
    question = asks(text)
    core = [word for word in chain(*clauses) if word not in lexicon.courtesy and not word.isdigit()]
    keyword = core[0] if len(core) == 1 else ""
    if keyword in lexicon.help_words:
        return Reading(Word.HELP, keyword, _is_all(written, (keyword,)))
    # A question is no agreement: consent needs a plain word.
    if keyword in lexicon.start and not question:
        return Reading(Word.START, keyword, _is_all(written, (keyword,)))
    if keyword in lexicon.yes and not question:
        return Reading(Word.YES, keyword, _is_all(written, (keyword,)))
    if cross(text) or (question and len(core) <= 1 and visit_word(text) is None):
        return _UNCLEAR
    if answered := visit_word(text):
        return Reading(Word(answered.value))
    return _NOTHING if any(_harmless(clauses, tongue) for tongue in lexicon.tongues) else _UNCLEAR


def _harmless(clauses: Clauses, tongue: Tongue) -> bool:
    return all(_plain(clause, tongue) for clause in without(clauses, tongue.fine))


def _plain(clause: Sequence[str], tongue: Tongue) -> bool:
    """True when every word is plain, and every "no" has found its symptom within four words."""
    if tongue.plain.issuperset(clause):
        return True
    reach, waiting, before = 0, False, ""
    for word in clause:
        if word in tongue.negations:
            if reach <= 0:  # "no me duele nada": the second "no" only underlines the first
                reach, waiting = REACH + 1, True
        elif word in tongue.symptoms and reach > 0:
            waiting = False
        elif word not in tongue.plain and not word.isdigit() and before not in tongue.titles:
            return False
        reach, before = reach - 1, word
    return not waiting


def _is_all(written: Clauses, phrase: Phrase) -> bool:
    return tuple(chain(*written)) == phrase
