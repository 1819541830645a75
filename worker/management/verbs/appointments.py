"""aftercare appointments."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

HELP = "take a file of visits (CSV), or show beforehand what it would change"


def add(parser: argparse.ArgumentParser) -> None:
    """The file, and whose it is."""
    acts = parser.add_subparsers(dest="act", metavar="import|schema", required=True)
    take = acts.add_parser("import", help="take a CSV file; nothing of it where a line has a fault")
    take.add_argument("file", type=Path, help="see docs/appointments.md for its columns")
    take.add_argument("--clinic", default="", metavar="SLUG")
    take.add_argument("--source", default="csv", metavar="NAME", help="what the calendar is called (default csv)")
    take.add_argument("--preview", action="store_true", help="say what would change, and change nothing")
    take.add_argument("--json", action="store_true", help="print JSON")
    acts.add_parser("schema", help="print the JSON schema of what the interface takes")


def run(options: argparse.Namespace) -> int:
    """Import, or refuse with every fault of every line."""
    if options.act == "schema":
        return _schema()
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.clients import find
    from worker.actions.course import visits_import
    from worker.intake.visits_csv import read_visits

    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    lines = read_visits(options.file, options.source)
    act = visits_import.foresee if options.preview else visits_import.take
    done = act(lines, clinic=clinic, source=options.source, now=clock.now())
    rows = [{"line": number, "external_id": name, "outcome": outcome} for number, name, outcome in done]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(Counter(each[2] for each in done).items()))
    head = f"{'would be' if options.preview else 'taken'}: {counted or 'nothing'}"
    show(rows, as_json=options.json, lines=[head, *(f"  line {n}: {name} {outcome}" for n, name, outcome in done)])
    return 0


def _schema() -> int:
    from worker.intake.visit import VisitFile

    print(json.dumps(VisitFile.model_json_schema(), indent=2, ensure_ascii=False))
    return 0
