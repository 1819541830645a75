"""Visits from a spreadsheet: one line a visit, every fault named with its line (P12)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from worker.intake.shape import checked, read_text
from worker.intake.table import numbered
from worker.intake.visit import VisitFile, refuse_odd_name
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MUST = ("external_id", "client", "starts_at", "status", "source_version")
MAY = ("protocol",)


def read_visits(path: Path, source: str) -> list[tuple[int, str, VisitFile]]:
    """(line, external_id, visit) of each visit of a CSV file with a head. Raises Refusals with every fault at once.

    The line is the one that the visit begins in, as an editor shows it.
    """
    (_, heads), *rows = _records(read_text(path))
    _refuse_odd_head(heads)
    faults: list[Refusal] = []
    found: list[tuple[int, str, VisitFile]] = []
    for line, cells in rows:
        try:
            found.append((line, *_read(heads, cells, source)))
        except Refusals as refused:
            faults += [Refusal(f"line {line} {each.field}", each.problem, each.mend) for each in refused.faults]
    if faults:
        raise Refusals(faults)
    return found


def _records(text: str) -> list[tuple[int, list[str]]]:
    """The first line, whatever it holds, and each below it that is not empty, with its number."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1  # of a record that can't be read: after a quote left open the reader itself stands at the file's end
    try:
        for line, cells in numbered(reader):
            found.append((line, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Refusals([Refusal(f"line {begins}", f"is no CSV: {error}", "save it as CSV (UTF-8)")]) from None
    return [*(found[:1] or [(1, [])]), *(each for each in found[1:] if each[1])]


def _refuse_odd_head(names: Sequence[str]) -> None:
    missing, odd = set(MUST) - set(names), set(names) - {*MUST, *MAY}
    faults = [
        Refusal(f"line 1 {name}", "is missing", f"name the columns {', '.join(MUST)}") for name in sorted(missing)
    ]
    faults += [Refusal(f"line 1 {name[:40]}", "is not a known column", "take it out") for name in sorted(odd)]
    if len(set(names)) < len(names):
        faults.append(Refusal("line 1", "names a column twice", "keep one of them"))
    if faults:
        raise Refusals(faults)


def _read(heads: Sequence[str], row: Sequence[str], source: str) -> tuple[str, VisitFile]:
    if len(row) != len(heads):
        raise Refusals([Refusal("columns", "are more or fewer than in the first line", "put quotes around commas")])
    cells = {name: value.strip() for name, value in zip(heads, row, strict=True)}
    external_id = cells.pop("external_id")
    refuse_odd_name(source, external_id)
    version: str | int = cells.pop("source_version")
    if isinstance(version, str) and version.isascii() and version.isdecimal() and len(version) < 20:  # noqa: PLR2004 - digits of the largest column
        version = int(version)
    return external_id, checked(VisitFile, {**cells, "source_version": version})
