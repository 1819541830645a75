"""How fast clients' words are read: every text of the corpora, in as many spellings as it takes, none of them twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from worker.reading.words import corpus
from worker.rules.lexicons import LANGUAGES
from worker.rules.words import read

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "corpora"
WARM = 2000
DRESSES = ("{} {}", "{} ({})", "#{1} {0}", "{}. {}", "{}!! {}")


def texts(count: int) -> Iterator[str]:
    """That many texts, all different."""
    said = [row.text for language in LANGUAGES for row in corpus(FOLDER, language)]
    for number in range(count):
        yield DRESSES[number // len(said) % len(DRESSES)].format(said[number % len(said)], number)


def per_second(count: int) -> float:
    """Texts read in a second of CPU, each for the first time, by a process that has read others before.

    The first two thousand are not counted: they build each language's indexes, which a web process does once in days.
    """
    first, fresh = list(texts(WARM)), list(texts(WARM + count))[WARM:]
    assert len({*first, *fresh}) == WARM + count
    for text in first:
        read(text)
    began = time.process_time()
    for text in fresh:
        read(text)
    return count / (time.process_time() - began)
