"""Take a file in, sealed, and say how its columns are read; drop it again, or confirm what was looked at."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, transaction

from worker import sealed
from worker.actions.clients import find
from worker.actions.record.audit import record
from worker.intake.client_rows import METHODS, mapping_faults, proposed
from worker.intake.table import read_table
from worker.models import ImportBatch, ImportRow, Protocol
from worker.models.client import HealthBasis
from worker.models.import_batch import Fate, ImportState
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.models import Clinic, Staff

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
AT_ONCE = 500  # rows a transaction: some hundredths of a second
ARRIVING = 0  # rows, until all are there
LIVE = (ImportState.STAGED, ImportState.LOOKING, ImportState.READY)


def stage(*, clinic: Clinic, by: str, raw: bytes, now: datetime) -> ImportBatch:
    """Keep a CSV file's rows, each sealed; nothing takes effect. Raises Refusals; then nothing is kept.

    `by` is the email of one of the clinic's staff, in whose name the rows will be enrolled.
    """
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    table = read_table(raw)
    rows = [(line, sealed.seal_json(cells, "import.row")) for line, cells in zip(table.lines, table.rows, strict=True)]
    batch = ImportBatch.objects.create(
        clinic=clinic, by=staff, heads_sealed=sealed.seal_json(table.heads, "import.heads"),
        mapping={column: table.heads.index(head) for column, head in proposed(table.heads).items()},
        total=ARRIVING, created_at=now, busy_until=LONG_AGO,
    )  # fmt: skip
    try:
        _keep(batch, rows, staff, now)
    except DatabaseError:
        with (
            suppress(DatabaseError),
            transaction.atomic(),
        ):  # else it is purged after a day, as whatever nobody confirmed
            empty(batch, ImportState.DROPPED, now)
        raise
    return batch


def _keep(batch: ImportBatch, rows: list[tuple[int, bytes]], staff: Staff, now: datetime) -> None:
    """In slices: on SQLite nobody else writes meanwhile, and a STOP must not wait for fifty thousand rows."""
    left = iter(rows)
    while some := list(islice(left, AT_ONCE)):
        ImportRow.objects.bulk_create(
            ImportRow(batch=batch, number=number, cells_sealed=cells) for number, cells in some
        )
    with transaction.atomic():
        batch.total = len(rows)
        arrived = ImportBatch.objects.filter(pk=batch.pk, state=ImportState.STAGED).update(total=batch.total)
        if arrived:
            _note("import_staged", batch, staff, now)
        else:  # what came in after it was dropped would lie here for ever (P9)
            empty(batch, ImportState.DROPPED, now)
    if not arrived:
        raise Refusals([Refusal("import", "was dropped while it came in", "upload the file again")])


def heads_of(batch: ImportBatch) -> list[str]:
    """The first line of the file; empty once it was purged."""
    return list(sealed.unseal_json(batch.heads_sealed, "import.heads")) if batch.heads_sealed else []


@transaction.atomic
def read_as(
    *, clinic: Clinic, batch_id: int, by: str, mapping: Mapping[str, str], defaults: Mapping[str, str]
) -> ImportBatch:
    """Say which of the file's columns is what, and what holds for all rows; looking begins anew. Raises Refusals."""
    staff, batch = _mine(clinic, batch_id, by, LIVE)
    if batch.total == ARRIVING:
        raise Refusals([Refusal("import", "did not arrive whole", "upload the file again")])
    heads = heads_of(batch)
    chosen = {column: head for column, head in mapping.items() if head}
    faults = [*mapping_faults(chosen, heads), *_default_faults(clinic, defaults)]
    if faults:
        raise Refusals(faults)
    batch.mapping = {column: heads.index(head) for column, head in chosen.items()}
    batch.defaults = dict(defaults)
    batch.state, batch.done, batch.by = ImportState.LOOKING, 0, staff
    batch.save(update_fields=["mapping", "defaults", "state", "done", "by"])
    batch.rows.exclude(fate=Fate.WAITING).update(fate=Fate.WAITING, reason="", faults=[], key=None, digest=None)
    return batch


@transaction.atomic
def confirm(*, clinic: Clinic, batch_id: int, by: str, now: datetime) -> ImportBatch:
    """Let the rows that were looked at be enrolled, each through every check anew. Raises Refusals."""
    staff, batch = _mine(clinic, batch_id, by, (ImportState.READY,))
    batch.state, batch.done, batch.confirmed_at, batch.by = ImportState.CONFIRMED, 0, now, staff
    batch.save(update_fields=["state", "done", "confirmed_at", "by"])
    _note("import_confirmed", batch, staff, now)
    return batch


@transaction.atomic
def drop(*, clinic: Clinic, batch_id: int, by: str, now: datetime) -> None:
    """Forget a file that was not confirmed: its cells are gone at once. Raises Refusals."""
    staff, batch = _mine(clinic, batch_id, by, LIVE)
    empty(batch, ImportState.DROPPED, now)
    _note("import_dropped", batch, staff, now)


def empty(batch: ImportBatch, state: ImportState, now: datetime) -> None:
    """Take out everything personal, in the caller's transaction; what was decided about each row stays."""
    batch.rows.filter(cells_sealed__isnull=False).update(cells_sealed=None, key=None)
    batch.heads_sealed, batch.state, batch.ended_at = None, state, batch.ended_at or now
    batch.save(update_fields=["heads_sealed", "state", "ended_at"])


def _default_faults(clinic: Clinic, defaults: Mapping[str, str]) -> list[Refusal]:
    faults = []
    if set(defaults) - {"protocol", "method", "wording", "basis"}:
        faults.append(Refusal("defaults", "has an unknown name", "use protocol, method, wording, basis"))
    code = defaults.get("protocol", "")
    if code and not Protocol.objects.filter(clinic=clinic, code=code).exists():
        faults.append(Refusal("protocol", "is not a protocol of this clinic", "choose one of its own"))
    if defaults.get("method", "") not in {"", *METHODS}:
        faults.append(Refusal("method", "is none that we know", f"choose one of {', '.join(sorted(METHODS))}"))
    if defaults.get("basis", "none") not in set(HealthBasis):
        faults.append(Refusal("basis", "is none that we know", "choose none, explicit_consent or care"))
    return faults


def _mine(clinic: Clinic, batch_id: int, by: str, states: tuple[ImportState, ...]) -> tuple[Staff, ImportBatch]:
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    batch = ImportBatch.objects.select_for_update(no_key=True).filter(pk=batch_id, clinic=clinic).first()
    if batch is None:
        raise Refusals([Refusal("import", "is not known here", "upload the file")])
    if batch.state not in states:
        raise Refusals([Refusal("import", f"is {batch.state}", "upload the file again")])
    return staff, batch


def _note(kind: str, batch: ImportBatch, staff: Staff, now: datetime, **facts: Any) -> None:
    record(
        clinic_id=batch.clinic_id, kind=kind, subject=f"import:{batch.pk}", actor=f"staff:{staff.pk}", at=now,
        facts={"rows": batch.total, **facts}, sealed=True,
    )  # fmt: skip
