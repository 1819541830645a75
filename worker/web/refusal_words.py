"""What a refusal says, in the language of the page: the rules say it in plain English, and rows of a file keep it so.

So with the reasons of a message (worker/reading/explain.py), which the command line says in English as well.

The English sentence itself is looked up, as gettext does it, in templates/locale/LANGUAGE/refusals.toml; where the code
puts a value into a sentence, its key has `{}`. What nothing there fits stays English, rather than unsaid.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import get_language

VALUE = "{}"
_PLACE = re.compile(r"\{(\d*)\}")
_ALONE = 7  # letters; with fewer of its own a pattern would take any sentence for one of its own


class Pattern(NamedTuple):
    """A sentence with values in it, how many letters of its own it has, and what it is in the language."""

    shape: re.Pattern[str]
    letters: int
    said: str


class Book(NamedTuple):
    """All sentences of one language: those without a value, and the patterns, the most outspoken first."""

    exact: dict[str, str]
    patterns: tuple[Pattern, ...]

    def said(self, words: str) -> str:
        """The words in this language; unchanged where nobody has written them."""
        if words in self.exact:
            return self.exact[words]
        for pattern in self.patterns:
            found = pattern.shape.fullmatch(words)
            if found and (pattern.letters >= _ALONE or all(map(self._fits, found.groups()))):
                return _filled(pattern.said, [self.exact.get(value, value) for value in found.groups()])
        return words

    def _fits(self, value: str) -> bool:
        """A state that we know, or one word: "is {}" is no translation of whatever begins with "is"."""
        return value in self.exact or " " not in value


def told(words: str, language: str | None = None) -> str:
    """A problem or a mend in the language of the page, or in `language`: what is streamed later names its own."""
    return _book((language or get_language() or "").partition("-")[0]).said(words)


def told_reason(reason: str) -> str:
    """The same of "field: problem", as a row of a file keeps its first fault; cut off, it may stay English."""
    field, colon, problem = reason.partition(": ")
    return f"{field}{colon}{told(problem)}"


@cache
def _book(language: str) -> Book:
    """Read once a process; a language without a file is told in English, as it was said."""
    path = settings.TEMPLATES_DIR / "locale" / language / "refusals.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known = {words: said for table in tables.values() for words, said in table.items()}
    patterns = [_pattern(words, said) for words, said in known.items() if VALUE in words]
    exact = {words: said for words, said in known.items() if VALUE not in words}
    return Book(exact, tuple(sorted(patterns, key=lambda each: -each.letters)))


def _pattern(words: str, said: str) -> Pattern:
    parts = words.split(VALUE)
    shape = re.compile("(.*?)".join(map(re.escape, parts)), re.DOTALL)
    return Pattern(shape, sum(letter.isalpha() for part in parts for letter in part), said)


def _filled(said: str, values: list[str]) -> str:
    """The values at `{}` in their order, or at `{1}`, `{2}`; no str.format, for templates' own braces stand there."""
    left = iter(values)
    return _PLACE.sub(lambda place: values[int(place[1]) - 1] if place[1] else next(left), said)
