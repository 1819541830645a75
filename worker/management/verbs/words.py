"""aftercare words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from worker.reading.words import Score
    from worker.rules.words import Reading

HELP = "how a client's text is read; --evaluate scores the reading per language"

_DOES = {
    "stop": "revokes: nothing more is sent to that number",
    "cancel_stop": "revokes, and asks staff whether the visit was meant",
    "wrong_number": "revokes, and tells staff that the number is not the client's",
    "unclear": "holds the number and asks staff: nothing is sent until a person has read it",
    "none": "changes nothing",
    "help": "is answered with the clinic's contact",
    "start": "undoes that person's own keyword, no more",
    "yes": "answers an open question of ours, if there is one",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The text, or the evaluation."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("text", nargs="?", help="one text, as a client wrote it")
    what.add_argument("--evaluate", action="store_true", help="recall and precision on the shipped corpora")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Read one text; or score, and exit 1 when a revocation of the corpora was ignored."""
    from worker.management.cli import show

    if options.evaluate:
        return _evaluate(as_json=options.json)
    from worker.rules.words import read

    reading = read(options.text)
    show(asdict(reading), as_json=options.json, lines=_told(reading))
    return 0


def _told(reading: Reading) -> list[str]:
    lines = [f"{reading.kind}: {_DOES[reading.kind]}"]
    if reading.matched:
        lines.append(f"  by our words: {reading.matched}")
    if reading.everything:
        lines.append("  email too: the text names all contact")
    return lines


def _evaluate(*, as_json: bool) -> int:
    from django.conf import settings

    from worker.management.cli import show
    from worker.reading.words import scores

    found = scores(settings.TEMPLATES_DIR / "corpora")
    head = "language  half      stops  recall  precision  asked  ignored  harmless  read as stop  held"
    ignored = sum(score.ignored for score in found)
    lines = [head, *map(_row, found), f"revocations ignored: {ignored}"]
    show([score.as_json() for score in found], as_json=as_json, lines=lines)
    return 1 if ignored else 0


def _row(score: Score) -> str:
    return (
        f"{score.language:8}  {score.half:8}  {score.stops:5}  {score.recall:6.1%}  {score.precision:9.1%}  "
        f"{score.asked:5}  {score.ignored:7}  {score.harmless:8}  {score.false_stops:12}  {score.false_holds:4}"
    )
