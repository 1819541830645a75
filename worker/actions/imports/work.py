"""The work on a file, a few seconds at a time: look at each row, or enrol it; killed anywhere, it goes on (P11)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from worker import clock, sealed
from worker.actions.clients.enrol import enrol
from worker.actions.clients.find import Remembered
from worker.actions.clients.foresee import foresee
from worker.actions.imports.stage import LONG_AGO, empty
from worker.actions.record.audit import record
from worker.intake.client import ClientFile
from worker.intake.client_rows import Defaults, as_client
from worker.intake.shape import checked
from worker.models import Client, ImportBatch, ImportRow
from worker.models.import_batch import Fate, ImportState
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

LEASE = timedelta(seconds=60)
CHUNK = 50
KEEP = timedelta(hours=24)
AT_WORK = (ImportState.LOOKING, ImportState.CONFIRMED)
log = structlog.get_logger("aftercare.imports")


def work(*, longest: float, now: datetime, machine: datetime, batch_id: int | None = None) -> int:
    """Work on the files that wait, or on one, for at most `longest` seconds; how many rows were done.

    A lease (machine time) keeps two workers off one file; each row is enrolled in a transaction of its own.
    """
    until, rows = clock.running() + longest, 0
    while clock.running() < until:
        batch = _leased(machine, batch_id)
        if batch is None:
            break
        try:
            rows += _work_on(batch, until, now)
        finally:
            ImportBatch.objects.filter(pk=batch.pk).update(busy_until=LONG_AGO)
    return rows


def purge(*, now: datetime) -> int:
    """Empty what is a day old, confirmed or not: nobody's data wait here for somebody to remember them; how many."""
    old = ImportBatch.objects.filter(created_at__lte=now - KEEP, heads_sealed__isnull=False)
    done = 0
    for pk in list(old.exclude(state=ImportState.CONFIRMED).values_list("pk", flat=True)):
        with transaction.atomic():
            batch = ImportBatch.objects.select_for_update(no_key=True).get(pk=pk)
            if batch.state != ImportState.CONFIRMED:  # it is being enrolled: it ends by itself, and empties then
                empty(batch, ImportState.DONE if batch.state == ImportState.DONE else ImportState.DROPPED, now)
                done += 1
    return done


@transaction.atomic
def _leased(machine: datetime, batch_id: int | None) -> ImportBatch | None:
    """The file that waits longest, ours for a minute."""
    free = ImportBatch.objects.filter(state__in=AT_WORK, busy_until__lte=machine)
    if batch_id is not None:
        free = free.filter(pk=batch_id)
    batch = free.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("pk").first()
    if batch is not None:
        batch.busy_until = machine + LEASE
        batch.save(update_fields=["busy_until"])
    return batch


def _work_on(batch: ImportBatch, until: float, now: datetime) -> int:
    wanted = [Fate.WAITING] if batch.state == ImportState.LOOKING else [Fate.GOOD, Fate.QUIET]
    defaults = _defaults(batch)
    rows = 0
    while clock.running() < until:
        chunk = list(batch.rows.filter(fate__in=wanted).order_by("number")[:CHUNK])
        if not chunk:
            _finish(batch, now)
            break
        if batch.state == ImportState.LOOKING:
            if not _look_at(batch, chunk, defaults, now):
                break
        else:
            for row in chunk:
                _decide(batch, row, now, partial(_take, defaults=defaults))
            _count(batch, chunk)
        rows += len(chunk)
    return rows


def _count(batch: ImportBatch, chunk: list[ImportRow]) -> None:
    ImportBatch.objects.filter(pk=batch.pk).update(done=F("done") + len(chunk), busy_until=clock.machine() + LEASE)


@transaction.atomic
def _look_at(batch: ImportBatch, chunk: list[ImportRow], defaults: Defaults, now: datetime) -> bool:
    """Some rows in one commit, for nothing but they is written; what they have in common is looked up once.

    False when somebody dropped the file meanwhile, or said anew which column is what: by the old mapping good rows
    would be refused, and rows with another's consent be good.
    """
    current = ImportBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if not _is_same(batch, current):
        return False
    step = partial(_look, defaults=defaults, look=Remembered())
    for row in chunk:
        _decide(batch, row, now, step)
    _count(batch, chunk)
    return True


def _is_same(batch: ImportBatch, current: ImportBatch) -> bool:
    """True while nobody has said anything else about the file."""
    return (batch.state, batch.mapping, batch.defaults) == (current.state, current.mapping, current.defaults)


def _decide(batch: ImportBatch, row: ImportRow, now: datetime, step: Callable[..., None]) -> None:
    """One row; what nobody foresaw is a refusal of this row, never the end of the others."""
    try:
        with transaction.atomic():
            step(batch, row, now=now)
            return
    except Refusals as refused:
        faults = list(refused.faults)
    except Refusal as refused:
        faults = [refused]
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - one odd row must not stop the rows behind it
        log.error("row failed", batch=batch.pk, row=row.number, error=type(error).__name__)
        faults = [Refusal("row", "could not be read", "enrol this client by hand")]
    _refuse(row, faults)


def _refuse(row: ImportRow, faults: list[Refusal]) -> None:
    row.fate, row.reason = Fate.REFUSED, f"{faults[0].field}: {faults[0].problem}"[:200]
    row.faults = [[each.field, each.problem, each.mend] for each in faults]
    row.save(update_fields=["fate", "reason", "faults"])


def _look(batch: ImportBatch, row: ImportRow, *, defaults: Defaults, look: Remembered, now: datetime) -> None:
    made = _made(batch, row, defaults)
    row.key = sealed.fingerprint(batch.clinic_id, "import.key", made["external_id"]).digest
    row.digest = _digest(batch, made)
    before = batch.rows.filter(key=row.key, number__lt=row.number).order_by("number").first()
    if before is not None:
        mend = "keep one of the two lines"
        raise Refusals([Refusal("external_id", f"stands in line {before.number} as well", mend)])
    if _known(batch, row) or foresee(checked(ClientFile, made), now=now, look=look):
        row.fate = Fate.KNOWN
    else:
        row.fate = Fate.GOOD if made["consents"] else Fate.QUIET
    row.save(update_fields=["fate", "key", "digest"])


def _take(batch: ImportBatch, row: ImportRow, *, defaults: Defaults, now: datetime) -> None:
    """Enrol by the one way there is; the row and the client commit together."""
    if _known(batch, row):
        row.fate = Fate.KNOWN
    else:
        row.client = enrol(checked(ClientFile, _made(batch, row, defaults)), now=now).client
        row.fate = Fate.ENROLLED
    row.cells_sealed = None
    row.save(update_fields=["fate", "client", "cells_sealed"])


def _made(batch: ImportBatch, row: ImportRow, defaults: Defaults) -> dict[str, Any]:
    assert row.cells_sealed is not None
    cells = sealed.unseal_json(row.cells_sealed, "import.row")
    return as_client({column: cells[place] for column, place in batch.mapping.items()}, defaults)


def _digest(batch: ImportBatch, made: dict[str, Any]) -> bytes:
    """Of what the row says, whoever brings it: a colleague's import of the same file is no change either."""
    said = sealed.spoken({name: value for name, value in made.items() if name != "enrolled_by"})
    return sealed.fingerprint(batch.clinic_id, "import.row", said).digest


def _known(batch: ImportBatch, row: ImportRow) -> bool:
    same = ImportRow.objects.filter(digest=row.digest, fate=Fate.ENROLLED, batch__clinic_id=batch.clinic_id)
    return same.filter(client__erased_at__isnull=True).exists()


def _defaults(batch: ImportBatch) -> Defaults:
    clinic = batch.clinic
    chosen = {name: value for name, value in batch.defaults.items() if value}
    return Defaults(clinic=clinic.slug, by=batch.by.email, language=clinic.language, zone=clinic.zone, **chosen)


@transaction.atomic
def _finish(batch: ImportBatch, now: datetime) -> None:
    """The last row is done: the preview is ready, or the file is enrolled and forgotten."""
    current = ImportBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if not _is_same(batch, current):  # somebody dropped it meanwhile, or had it read anew
        return
    if current.state == ImportState.LOOKING:
        current.state = ImportState.READY
        current.save(update_fields=["state"])
        return
    empty(current, ImportState.DONE, now)
    enrolled = Client.objects.filter(pk__in=current.rows.values("client_id")).count()
    record(
        clinic_id=current.clinic_id, kind="import_done", subject=f"import:{current.pk}", actor=f"staff:{current.by_id}",
        at=now, facts={"rows": current.total, "enrolled": enrolled}, sealed=True,
    )  # fmt: skip
