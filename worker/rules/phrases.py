"""Finding a lexicon's phrases and patterns in clauses: one look-up a word, whatever the lexicon's size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worker.rules.lexicon import Pattern, Phrase

Clauses = list[list[str]]
_NO_WORDS: frozenset[str] = frozenset()


def found(clauses: Clauses, phrases: frozenset[Phrase], negations: frozenset[str] = _NO_WORDS) -> Phrase | None:
    """Return the first phrase whose words stand side by side, no negation right before it."""
    lengths = _lengths(phrases)
    for clause in clauses:
        for at, word in enumerate(clause):
            if word in lengths and not (at and clause[at - 1] in negations) and (phrase := _here(clause, at, phrases)):
                return phrase
    return None


def without(clauses: Clauses, phrases: frozenset[Phrase]) -> Clauses:
    """Return the clauses with those phrases taken out."""
    lengths = _lengths(phrases)
    return [_without(clause, phrases) if any(word in lengths for word in clause) else clause for clause in clauses]


def _without(clause: Sequence[str], phrases: frozenset[Phrase]) -> list[str]:
    kept, at = [], 0
    while at < len(clause):
        phrase = _here(clause, at, phrases)
        if phrase is None:
            kept.append(clause[at])
        at += len(phrase) if phrase else 1
    return kept


def _here(clause: Sequence[str], at: int, phrases: frozenset[Phrase]) -> Phrase | None:
    for length in _lengths(phrases).get(clause[at], ()):
        words = tuple(clause[at : at + length])
        if words in phrases:
            return words
    return None


@lru_cache(maxsize=64)
def _lengths(phrases: frozenset[Phrase]) -> Mapping[str, tuple[int, ...]]:
    """How long the phrases are that begin with a word, longest first."""
    index: dict[str, set[int]] = {}
    for phrase in phrases:
        index.setdefault(phrase[0], set()).add(len(phrase))
    return {word: tuple(sorted(lengths, reverse=True)) for word, lengths in index.items()}


def matched(clauses: Clauses, patterns: frozenset[Pattern], negations: frozenset[str] = _NO_WORDS) -> Phrase | None:
    """Return the words that filled the first pattern found, no negation right before it.

    They are entries of our own lists, never free text (P9).
    """
    index = _by_opening(patterns)
    for clause in clauses:
        for at, word in enumerate(clause):
            if word not in index or (at and clause[at - 1] in negations):
                continue
            for pattern in index[word]:
                if filled := _filled(clause, at, pattern):
                    return filled
    return None


@lru_cache(maxsize=16)
def _by_opening(patterns: frozenset[Pattern]) -> dict[str, tuple[Pattern, ...]]:
    index: dict[str, tuple[Pattern, ...]] = {}
    for pattern in sorted(patterns, key=lambda entry: [sorted(step) for step in entry.steps]):
        for word in pattern.steps[0]:
            index[word] = (*index.get(word, ()), pattern)
    return index


def _filled(clause: Sequence[str], start: int, pattern: Pattern) -> Phrase | None:
    at, filled = start, [clause[start]]
    for step in pattern.steps[1:]:
        last = min(at + pattern.reach, len(clause) - 1)
        at = next((then for then in range(at + 1, last + 1) if clause[then] in step), -1)
        if at < 0:
            return None
        filled.append(clause[at])
    near = clause[max(0, start - 2) : at + 2]
    return tuple(filled) if pattern.unless.isdisjoint(near) else None
