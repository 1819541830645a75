"""What every language borrows, and elision; our own collection."""

from __future__ import annotations

from worker.rules.lexicon import words

# Written alike from Lisbon to Leeds.
SHARED = words(
    "ok okay okey oki k h hr hrs am pm x haha hahaha hehe lol super dr doc spa laser peeling bravo ciao wow oh ah ahh aw aww uau yay hey omg"
)


def elided(prefixes: str, line: str) -> frozenset[str]:
    """Return the words themselves and with each prefix run into those that begin with a vowel or h.

    Folding drops the apostrophe, so "l'heure" is read as "lheure".
    """
    plain = words(line)
    begun = [word for word in plain if word[0] in "aeiouhy"]
    return plain | {prefix + word for prefix in prefixes.split() for word in begun}
