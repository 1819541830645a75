"""How well the rules read clients' words, measured on the corpora that ship with them (rule 17)."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from worker.rules.lexicons import LANGUAGES
from worker.rules.refusal import Refusal, Refusals
from worker.rules.words import Word, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

STOP, HARMLESS = "stop", "harmless"
TUNING, HELD_OUT = "tuning", "held-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One text of a corpus and what a person says it is: `stop` or `harmless`."""

    label: str
    text: str

    @property
    def half(self) -> str:
        """Which half it lies in: by its hash, so that nobody chooses."""
        return HELD_OUT if hashlib.sha256(self.text.encode()).digest()[0] % 2 else TUNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What became of one half of one language's corpus.

    Args:
        stops, harmless: how many texts of each label.
        obeyed: revocations that revoked at once.
        asked: revocations that held the number and asked staff: nothing is sent either.
        ignored: revocations that did neither. One is too many (P2).
        false_stops: harmless texts that revoked.
        false_holds: harmless texts that held the number.
    """

    language: str
    half: str
    stops: int
    obeyed: int
    asked: int
    ignored: int
    harmless: int
    false_stops: int
    false_holds: int

    @property
    def recall(self) -> float:
        """Revocations obeyed at once, of all revocations; 1.0 of none."""
        return self.obeyed / self.stops if self.stops else 1.0

    @property
    def precision(self) -> float:
        """Revocations meant, of all texts read as one; 1.0 of none."""
        read_as_stop = self.obeyed + self.false_stops
        return self.obeyed / read_as_stop if read_as_stop else 1.0

    def as_json(self) -> dict[str, object]:
        """Every count with recall and precision, rounded to four places."""
        return {**asdict(self), "recall": round(self.recall, 4), "precision": round(self.precision, 4)}


def corpus(folder: Path, language: str) -> list[Labelled]:
    """Read `<language>.tsv`: a label, a tab, a text, UTF-8.

    Raises:
        Refusals: the file is not there, or a line is not of that shape; the line's number, never its text.
    """
    path = folder / f"{language}.tsv"
    if not path.is_file():
        raise Refusals([Refusal(str(path), "is not there", "install the whole package: templates/ is part of it")])
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        label, tab, text = line.partition("\t")
        if label not in {STOP, HARMLESS} or not tab or not text.strip():
            fault = Refusal(f"{path.name} line {number}", "is no label, tab and text", "write: stop<TAB>text")
            raise Refusals([fault])
        rows.append(Labelled(label=label, text=text))
    return rows


def scores(folder: Path) -> list[Score]:
    """Score every language, its tuning half and its held-out half; raises `Refusals` as `corpus` does."""
    found = []
    for language in LANGUAGES:
        rows = corpus(folder, language)
        found += [_score(language, half, [row for row in rows if row.half == half]) for half in (TUNING, HELD_OUT)]
    return found


def _score(language: str, half: str, rows: Iterable[Labelled]) -> Score:
    kinds: dict[str, list[Word]] = {STOP: [], HARMLESS: []}
    for row in rows:
        kinds[row.label].append(read(row.text).kind)
    stops, harmless = kinds[STOP], kinds[HARMLESS]
    obeyed, asked = sum(kind.revokes for kind in stops), stops.count(Word.UNCLEAR)
    return Score(
        language=language,
        half=half,
        stops=len(stops),
        obeyed=obeyed,
        asked=asked,
        ignored=len(stops) - obeyed - asked,
        harmless=len(harmless),
        false_stops=sum(kind.revokes for kind in harmless),
        false_holds=harmless.count(Word.UNCLEAR),
    )
