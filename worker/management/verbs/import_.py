"""aftercare import."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.management.arguments import person

if TYPE_CHECKING:
    import argparse

    from worker.models import Clinic

HELP = "bring clients from another system's CSV file: says what would become of each row; with --confirm it does so"
SHOWN = 20


def add(parser: argparse.ArgumentParser) -> None:
    """The file, whose clinic, and how its columns are read."""
    parser.add_argument("file", type=Path, help="CSV with a first line of names; docs/import.md lists the columns")
    parser.add_argument(
        "--by", type=person(), required=True, metavar="EMAIL", help="one of the clinic's staff, who brings it"
    )
    parser.add_argument("--clinic", default="", metavar="SLUG", help="when there is more than one")
    parser.add_argument(
        "--map", action="append", default=[], metavar="COLUMN=NAME", help="which column of the file is it"
    )
    parser.add_argument("--protocol", default="", metavar="CODE", help="for rows that name no treatment_code")
    parser.add_argument("--method", default="", help="how consent was given, for rows that do not say")
    parser.add_argument(
        "--wording", default="", metavar="CODE@N", help="which words were shown, for rows that do not say"
    )
    parser.add_argument("--basis", default="", help="the basis for health data, for rows that do not say")
    parser.add_argument(
        "--confirm", action="store_true", help="enrol the rows that are fit; without it nothing is kept"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Stage and look; then take, or forget it all again."""
    from worker.management.cli import ready, show

    ready()
    from worker import clock
    from worker.actions.clients import find
    from worker.actions.imports import stage

    clinic = find.clinic(options.clinic) if options.clinic else find.only_clinic()
    batch = stage.stage(clinic=clinic, by=options.by, raw=_read(options.file), now=clock.now())
    try:
        said = _look(options, clinic, batch.pk)
    except BaseException:  # refused, or Ctrl-C: nothing of it stays
        stage.drop(clinic=clinic, batch_id=batch.pk, by=options.by, now=clock.now())
        raise
    if options.confirm:
        stage.confirm(clinic=clinic, batch_id=batch.pk, by=options.by, now=clock.now())
        said |= _worked(clinic, batch.pk)
    else:
        stage.drop(clinic=clinic, batch_id=batch.pk, by=options.by, now=clock.now())
    show(said, as_json=options.json, lines=_lines(said, done=options.confirm))
    return 0


def _read(path: Path) -> bytes:
    from worker.intake.table import LARGEST
    from worker.rules.refusal import Refusal, Refusals

    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise Refusals([Refusal(path.name, f"can't be read ({error.strerror})", "check the path")]) from None


def _look(options: argparse.Namespace, clinic: Clinic, batch_id: int) -> dict[str, Any]:
    from worker.actions.imports import stage
    from worker.reading.imports import imported

    batch = imported(clinic=clinic, batch_id=batch_id)
    heads = stage.heads_of(batch)
    own = dict(each.split("=", 1) for each in options.map if "=" in each)
    mapping = {
        column: heads[place] for column, place in batch.mapping.items() if heads[place] not in own.values()
    } | own
    defaults = {
        name: getattr(options, name) for name in ("protocol", "method", "wording", "basis") if getattr(options, name)
    }
    stage.read_as(clinic=clinic, batch_id=batch_id, by=options.by, mapping=mapping, defaults=defaults)
    return {"columns": mapping} | _worked(clinic, batch_id)


def _worked(clinic: Clinic, batch_id: int) -> dict[str, Any]:
    """Work until it is done, saying how far it is where somebody watches."""
    from worker import clock
    from worker.actions.imports.work import work
    from worker.reading.imports import imported, rows_of, summary

    while True:
        work(longest=2.0, now=clock.now(), machine=clock.machine(), batch_id=batch_id)
        batch = imported(clinic=clinic, batch_id=batch_id)
        said = summary(batch)
        if sys.stderr.isatty():
            print(f"\r{said['percent']:3} %", end="" if said["left"] else "\n", file=sys.stderr, flush=True)
        if not said["left"] and said["state"] in ("ready", "done"):
            return said | {"refused": rows_of(batch, fate="refused")}


def _lines(said: dict[str, Any], *, done: bool) -> list[str]:
    fates = said["fates"]
    fit = fates["good"] + fates["quiet"]
    lines = [f"{fates['enrolled']} enrolled"] if done else [f"{fit} would be enrolled"]
    if fates["quiet"] and not done:
        lines.append(f"  {fates['quiet']} of these get no message: they agreed to none")
    if fates["known"]:
        lines.append(f"{fates['known']} are enrolled already with the same details: no change")
    lines += [f"{each['rows']} refused: {each['reason']}" for each in said["refused_for"]]
    for row in said["refused"][:SHOWN]:
        lines += [f"  line {row['line']}: {field}: {problem}; {mend}" for field, problem, mend in row["faults"]]
    if not done:
        lines.append("nothing was stored; the same command with --confirm enrols them")
    return lines
