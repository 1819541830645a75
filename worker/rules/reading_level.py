"""How easily a text reads: the Flesch formula of its language, on syllables as its printers divide them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import pyphen

_SENTENCE = re.compile(r"[.!?:;]+|\n\s*\n|\n\s*-")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LINK = re.compile(r"https?://\S+")


class Ease(NamedTuple):
    """A score from 0 (hard) to 100 (easy), the words and sentences it was made from, and whether most adults cope."""

    score: int
    words: int
    sentences: int
    plain: bool


# Flesch 1948 for English, Fernandez Huerta 1959 for Spanish: (base, per word of a sentence, per syllable of a word).
FORMULAS = {"en": ("en_US", 206.835, 1.015, 84.6), "es": ("es", 206.84, 1.02, 60.0)}
PLAIN = 60  # "plain English": read with ease at 13 to 15 years of age
FEWEST_WORDS = 5


def ease(text: str, language: str) -> Ease | None:
    """The score of a text; None for a language without a formula here, and for hardly any words."""
    formula = FORMULAS.get(language)
    words = _WORD.findall(_LINK.sub(" ", text))
    if formula is None or len(words) < FEWEST_WORDS:
        return None
    _, base, per_word, per_syllable = formula
    sentences = max(1, sum(bool(_WORD.search(part)) for part in _SENTENCE.split(_LINK.sub(" ", text))))
    syllables = sum(_syllables(word.lower(), language) for word in words)
    score = base - per_word * len(words) / sentences - per_syllable * syllables / len(words)
    clipped = max(0, min(100, round(score)))
    return Ease(clipped, len(words), sentences, clipped >= PLAIN)


@lru_cache(maxsize=4096)
def _syllables(word: str, language: str) -> int:
    return len(_divider(language).positions(word)) + 1  # type: ignore[no-untyped-call] # pyphen has no types


@lru_cache(maxsize=4)
def _divider(language: str) -> pyphen.Pyphen:
    return pyphen.Pyphen(lang=FORMULAS[language][0], left=1, right=1)  # type: ignore[no-untyped-call]
