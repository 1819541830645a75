"""A client's text as clauses of folded words, whatever it is dressed in."""

from __future__ import annotations

import re
import unicodedata

from worker.rules.lexicon import folded

_SPELLED = re.compile(r"(?<![^\W_])[^\W\d_](?:[\W_]{1,3}[^\W\d_]){2,}(?![^\W_])")
_APART = re.compile(r"[\W_]+")
_STRETCHED = re.compile(r"(.)\1{2,}")
_ZERO = re.compile(r"(?<=[^\W\d_])0(?=[^\W\d_])")
_DOLLAR = re.compile(r"\$(?=[^\W\d_])")
_MIXED = re.compile(r"(?<![^\W_])(?=\w*\d)(?=\w*[^\W\d_])\w{4,}(?![^\W_])")  # letters with a digit among them
_FACES = (str.maketrans("013457", "oieast"), str.maketrans("013457", "oleast"))  # 1 stands for i and for l
_TITLE = re.compile(r"\b(dra?|mrs?|ms|sra?)\.")  # "Dr. Okafor" is one clause
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[.!?;:,\n\u3002\u3001]")


def clauses_of(text: str, disguised: frozenset[str] = frozenset()) -> list[list[str]]:
    """Split into clauses of folded words; "S.T.O.P", "stoooop", "ST0P" and "$top" come out as one word stop.

    `disguised`: words that are known again although digits stand for some of their letters ("5top", "canc3l").
    """
    plain = _STRETCHED.sub(r"\1", folded(text))
    # What a pattern needs is looked for first: to search in vain for each of them was a fifth of all reading.
    if "0" in plain:
        plain = _ZERO.sub("o", plain)
    if "$" in plain:
        plain = _DOLLAR.sub("s", plain)
    plain = _SPELLED.sub(lambda found: _APART.sub("", found[0]), plain)
    plain = _MIXED.sub(lambda found: _undisguised(found[0], disguised), plain)
    clauses: list[list[str]] = [[]]
    if "." in plain:
        plain = _TITLE.sub(r"\1", plain)
    for token in _TOKEN.findall(plain):
        if token.isalnum():
            clauses[-1].append(token)
        elif clauses[-1]:
            clauses.append([])
    return clauses


def _undisguised(token: str, words: frozenset[str]) -> str:
    meant = (token.translate(faces) for faces in _FACES)
    return next((word for word in meant if word in words), token)


def asks(text: str) -> bool:
    """True for a text with a question mark in it, of any script we read."""
    return "?" in text or "\u00bf" in text or "\uff1f" in text


# Hands, hearts, smiles, flowers: what people send instead of "thank you".
_KIND = frozenset(
    "\U0001f44d\U0001f64f\u2764\U0001f60a\U0001f600\U0001f642\U0001f495\U0001f338\U0001f44c\u263a\U0001f60d\U0001f970"
    "\U0001f618\U0001f917\U0001f496\U0001f497\U0001f499\U0001f49a\U0001f49c\u2728\U0001f604\U0001f601\U0001f609"
    "\U0001f389\U0001f44f\U0001f4aa\U0001f602\U0001f606\U0001f60e\U0001f607\U0001f490\U0001f339\U0001f33a\u2705\u2600"
)
# A raised hand, no entry, an angry face: with these, no friendly word is taken at its word.
_CROSS = frozenset(
    "\u270b\U0001f6ab\u26d4\U0001f92c\U0001f595\U0001f44e\U0001f621\U0001f620\U0001f92e\U0001f507\U0001f515\u274c"
    "\U0001f645\U0001f624\U0001f644\U0001f47f\U0001f4f5\u2716\u274e\U0001f6d1\U0001f590\U0001f44b"
)
_SILENT = frozenset({"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp", "Po", "Ps", "Pe", "Pd", "Pc", "Pi", "Pf", "Sk", "Sm"})


def cross(text: str) -> bool:
    """True for a text with a sign of refusal or anger in it."""
    return not (text.isascii() or _CROSS.isdisjoint(text))


def silent(text: str) -> bool:
    """True for a text without words that says nothing: empty, marks, a thumb up; not a question, not a number."""
    return all(
        character in _KIND or (unicodedata.category(character) in _SILENT and character not in "?\u00bf\uff1f")
        for character in text
    )
