"""Find out that the database was put back from a backup, and hold everything until a person has looked (P4).

A backup does not know what was sent after it, nor who said stop. Sent again from there, every message of that time
would ring twice. So a count goes up by the minute, in the database and in a file beside HEADS_FILE: a file that has
come farther proves it. So do published heads that this database's chains have not come to.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import transaction

from worker import clock, heads
from worker.actions.consent.hold import pause
from worker.models import Clinic, Lineage, Message, Pause, Seal
from worker.models.chain import INSTALLATION
from worker.models.hold import SYSTEM, PauseScope
from worker.models.rows import server_time

log = structlog.get_logger("aftercare.restore")
EVERY = timedelta(minutes=1)
WHY = "restored from a backup: run aftercare restore-check"
AGAIN = 15.0  # seconds
_looked_at: float | None = None  # by this process, or by the one that it was forked from: clock.running()


class Mark(NamedTuple):
    """What the file says: how far the count had come, and when (machine)."""

    number: int
    at: datetime


def mark_file() -> Path:
    """Beside the heads: on a disk that is not put back together with the database."""
    return Path(f"{settings.HEADS_FILE}.lineage")


def looked() -> bool:
    """True once this process has looked; nothing is sent before. Looks again each quarter of a minute.

    Raises DatabaseError.
    """
    global _looked_at  # noqa: PLW0603 - one answer a process is the point
    running = clock.running()
    if _looked_at is None or running - _looked_at > AGAIN:
        look(now=clock.now())
        _looked_at = running
    return True


def forget() -> None:
    """Look again; for tests."""
    global _looked_at  # noqa: PLW0603
    _looked_at = None


@transaction.atomic
def look(*, now: datetime) -> bool:
    """Compare, and hold everything where the database is the older one; else count on, once a minute.

    True when it was found to be restored just now. `now` is calendar time. The minutes are the database's: by a
    worker's clock that stood an hour ahead once, nothing would be counted for an hour, and no restore found in it.
    """
    machine = server_time()
    row, new = Lineage.objects.select_for_update().get_or_create(pk=1, defaults={"counted_at": machine})
    mark = _read()
    if row.restored_at is not None:
        if row.checked_at is not None and _is_older(row, mark):  # a backup of a database that was held: check anew
            Lineage.objects.filter(pk=1).update(checked_at=None)
        return False
    counts = new or abs(machine - row.counted_at) >= EVERY
    if _is_older(row, mark) or (counts and not new and _heads_are_ahead()):
        hold_all(row, now=now)
        return True
    if counts or mark is None:
        row.count, row.counted_at = max(row.count, mark.number if mark else 0) + 1, machine
        row.save(update_fields=["count", "counted_at"])
        count = row.count
        transaction.on_commit(lambda: _write(Mark(count, machine)))
    return False


def _is_older(row: Lineage, mark: Mark | None) -> bool:
    """A new database beside an old file, as after a fresh start, has no message that could go twice."""
    return mark is not None and mark.number > row.count and Message.objects.exists()


def hold_all(row: Lineage, *, now: datetime) -> None:
    """Nothing goes from here on, in the caller's transaction; a pause of everything that stands already stays."""
    row.restored_at = server_time()
    row.lost_since, row.checked_at = min(row.counted_at, row.restored_at), None
    row.save(update_fields=["restored_at", "lost_since", "checked_at"])
    if not Pause.objects.filter(scope=PauseScope.ALL, value="", ended_at__isnull=True).exists():
        pause(scope=PauseScope.ALL, value="", why=WHY, by=SYSTEM, now=now)
    log.error("restored_from_backup", lost_since=row.lost_since.isoformat())


@transaction.atomic
def declare_restored(*, now: datetime) -> None:
    """A person says that this database was put back, where no file could tell: a new machine, a new disk."""
    row, _ = Lineage.objects.select_for_update().get_or_create(pk=1, defaults={"counted_at": server_time()})
    if row.restored_at is None:
        hold_all(row, now=now)


@transaction.atomic
def released() -> None:
    """It goes on as a life of its own: the count leaves that of the life before behind."""
    row = Lineage.objects.select_for_update().get(pk=1)
    mark, machine = _read(), server_time()
    row.count = max(row.count, mark.number if mark else 0) + 1
    row.counted_at, row.restored_at, row.lost_since, row.checked_at = machine, None, None, None
    row.save()
    count = row.count
    transaction.on_commit(lambda: _write(Mark(count, machine)))


def _heads_are_ahead() -> bool:
    """True when a published head names a seal that its chain has not come to."""
    try:
        newest = heads.newest(Path(settings.HEADS_FILE), heads.public_keys())
    except OSError:
        return False
    ids = {heads.INSTALLATION: INSTALLATION, **dict(Clinic.objects.values_list("slug", "pk"))}
    reached = {
        clinic_id: Seal.objects.filter(clinic_id=clinic_id).order_by("-number").values_list("number", flat=True).first()
        for slug, clinic_id in ids.items()
        if slug in newest
    }
    return any(head.seal > (reached.get(ids[slug]) or 0) for slug, head in newest.items() if slug in ids)


def _read() -> Mark | None:
    """None where there is no file, or one that nobody can read: it is written anew."""
    try:
        said = json.loads(mark_file().read_text(encoding="utf-8"))
        return Mark(int(said["count"]), datetime.fromisoformat(said["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(mark: Mark) -> None:
    """Whole or not at all; never backwards, for another worker may have counted on."""
    before = _read()
    if before is not None and before.number >= mark.number:
        return
    file = mark_file()
    draft = file.with_name(f"{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"count": mark.number, "at": mark.at.isoformat()}), encoding="utf-8")
        draft.replace(file)
    except OSError as error:
        log.error("lineage_unwritable", error=type(error).__name__)
