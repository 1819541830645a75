"""A file on its way in: how far it is, and what becomes of each row, with the reason in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count

from worker import sealed
from worker.models import ImportBatch
from worker.models.import_batch import Fate, ImportState
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.models import Clinic

PAGE = 100


def imported(*, clinic: Clinic, batch_id: int) -> ImportBatch:
    """One file of this clinic. Raises Refusals."""
    batch = ImportBatch.objects.select_related("by").filter(pk=batch_id, clinic=clinic).first()
    if batch is None:
        raise Refusals([Refusal("import", "is not known here", "upload the file")])
    return batch


def summary(batch: ImportBatch) -> dict[str, Any]:
    """Counts by fate, the refusals by reason (the commonest first), and how far the present work is, of 100."""
    rows = batch.rows.order_by()
    fates = dict(rows.values_list("fate").annotate(count=Count("pk")))
    reasons = rows.filter(fate=Fate.REFUSED).values_list("reason").annotate(count=Count("pk"))
    left = fates.get(Fate.WAITING, 0) if batch.state == ImportState.LOOKING else _to_take(fates)
    at_work = batch.state in (ImportState.LOOKING, ImportState.CONFIRMED)
    return {
        "id": batch.pk,
        "state": batch.state,
        "rows": batch.total,
        "fates": {fate.value: fates.get(fate, 0) for fate in Fate},
        "refused_for": [
            {"reason": reason, "rows": count} for reason, count in sorted(reasons, key=lambda each: -each[1])
        ],
        "left": left if at_work else 0,
        "percent": 100 * (batch.total - left) // max(1, batch.total) if at_work else 100,
    }


def _to_take(fates: dict[str, int]) -> int:
    return fates.get(Fate.GOOD, 0) + fates.get(Fate.QUIET, 0)


def rows_of(batch: ImportBatch, *, fate: str = "", after: int = 0) -> list[dict[str, Any]]:
    """A page of rows in the order of the file: line, fate, every fault, and the client's number while it is kept."""
    rows = batch.rows.filter(number__gt=after).order_by("number")
    if fate in set(Fate):
        rows = rows.filter(fate=fate)
    place = batch.mapping.get("external_id")
    return [
        {
            "line": row.number,
            "fate": row.fate,
            "faults": row.faults,
            "client": row.client_id,
            "external_id": _cell(row.cells_sealed, place),
        }
        for row in rows[:PAGE]
    ]


def first_row(batch: ImportBatch) -> list[str]:
    """What the first row below the heads says, cell by cell; empty once it was purged."""
    row = batch.rows.filter(cells_sealed__isnull=False).order_by("number").first()
    return list(sealed.unseal_json(row.cells_sealed, "import.row")) if row and row.cells_sealed else []


def refusals(batch: ImportBatch) -> Iterator[dict[str, Any]]:
    """Every refused row with its line, all its faults, and the client's number while it is kept."""
    place = batch.mapping.get("external_id")
    for row in batch.rows.filter(fate=Fate.REFUSED).order_by("number").iterator(PAGE):
        yield {"line": row.number, "faults": row.faults, "external_id": _cell(row.cells_sealed, place)}


def _cell(cells: bytes | memoryview | None, place: int | None) -> str:
    if cells is None or place is None:
        return ""
    return str(sealed.unseal_json(cells, "import.row")[place])
