"""Visits from a spreadsheet: one line a visit, every fault named with its line (P12)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from worker.intake.shape import checked, read_text
from worker.intake.visit import VisitFile, refuse_odd_name
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MUST = ("external_id", "client", "starts_at", "status", "source_version")
MAY = ("protocol",)


def read_visits(path: Path, source: str) -> list[tuple[int, str, VisitFile]]:
    """(line, external_id, visit) of each line of a CSV file with a head. Raises Refusals with every fault at once."""
    rows = csv.DictReader(io.StringIO(read_text(path)), strict=True)
    faults: list[Refusal] = []
    found: list[tuple[int, str, VisitFile]] = []
    try:
        _refuse_odd_head(rows.fieldnames or ())
        for row in rows:
            try:
                found.append((rows.line_num, *_read(row, source)))
            except Refusals as refused:
                faults += [
                    Refusal(f"line {rows.line_num} {each.field}", each.problem, each.mend) for each in refused.faults
                ]
    except csv.Error as error:
        raise Refusals([Refusal(f"line {rows.line_num}", f"is no CSV: {error}", "save it as CSV (UTF-8)")]) from None
    if faults:
        raise Refusals(faults)
    return found


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


def _read(row: dict[str | None, str | list[str] | None], source: str) -> tuple[str, VisitFile]:
    if None in row or None in row.values():
        raise Refusals([Refusal("columns", "are more or fewer than in the first line", "put quotes around commas")])
    cells = {str(name): str(value).strip() for name, value in row.items()}
    external_id = cells.pop("external_id")
    refuse_odd_name(source, external_id)
    version: str | int = cells.pop("source_version")
    if isinstance(version, str) and version.isascii() and version.isdecimal() and len(version) < 20:  # noqa: PLR2004 - digits of the largest column
        version = int(version)
    return external_id, checked(VisitFile, {**cells, "source_version": version})
