"""Words that matter, known again with a slip of the finger in them ("unsuscribe", "abmeldne")."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONG = 8  # letters; from here a word may carry two slips and still be no other word
SHORTEST = 4  # letters; "sop" and "sto" are too near to everything
LONGEST = 24  # letters; 1,600 of them in one word would take a second to compare, and the webhook waits


def mended(word: str, targets: frozenset[str]) -> str:
    """Return the target meant by a misspelt word, or the word as it is.

    A slip is a letter too many, too few, another, or two swapped; long words may have two.
    """
    if not SHORTEST <= len(word) <= LONGEST:
        return word
    index = _index(targets)
    for slip in _shortened(word, _slips(word)):
        for target in index.get(slip, ()):
            if _distance(word, target) <= _slips(target):
                return target
    return word


def _slips(word: str) -> int:
    return 2 if len(word) >= LONG else 1


@lru_cache(maxsize=8)
def _index(targets: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """Targets by what is left of them after their slips: a look-up instead of a comparison with every target."""
    index: dict[str, tuple[str, ...]] = {}
    for target in sorted(targets):
        for left in set(_shortened(target, _slips(target))):
            index[left] = (*index.get(left, ()), target)
    return index


def _shortened(word: str, times: int) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        shorter = word[:at] + word[at + 1 :]
        yield shorter
        if times > 1:
            for then in range(at, len(shorter)):
                yield shorter[:then] + shorter[then + 1 :]


def _distance(one: str, other: str) -> int:
    """Optimal string alignment: insert, delete, replace or swap neighbours, one each."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        older, before, row = before, row, [i + 1]
        for j, b in enumerate(other):
            cost = min(before[j + 1] + 1, row[j] + 1, before[j] + (a != b))
            if i and j and a == other[j - 1] and one[i - 1] == b:
                cost = min(cost, older[j - 1] + 1)
            row.append(cost)
    return row[-1]
