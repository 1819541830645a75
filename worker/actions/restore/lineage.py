"""Find out that the database was put back from a backup, and hold everything until a person has looked (P4).

A backup does not know what was sent after it, nor who said stop. Sent again from there, every message of that time
would ring twice. So a count goes up by the minute, in the database and in a file beside HEADS_FILE: a file that has
come farther proves it. So do calls of that minute that the disk names and the database does not know (`marks`), and
published heads that this database's chains have not come to.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.backends.signals import connection_created

from worker import clock, heads
from worker.actions.consent.hold import pause
from worker.actions.restore import coverage, marks
from worker.actions.restore.marks import Mark, mark_file
from worker.actions.restore.told import tell
from worker.models import Attempt, Clinic, Lineage, Message, Pause, Seal
from worker.models.chain import INSTALLATION
from worker.models.hold import SYSTEM, PauseScope
from worker.models.rows import server_time
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.restore.marks import Known

__all__ = ["calling", "declare_restored", "forget", "hold_all", "look", "looked", "mark_file", "released"]

log = structlog.get_logger("aftercare.restore")
EVERY = timedelta(minutes=1)
OLDEST = timedelta(days=366)  # of a backup; a slip of the year would have the provider's whole list read
WHY = "restored from a backup: run aftercare restore-check"
AGAIN = 1.0  # seconds: behind a pooler no connection tells that another server answers; a look costs a millisecond
LEAP = 10  # of the count over a life that was left: what another host's disk knows of it may be some minutes farther
_looked_at: float | None = None  # by this process, or by the one that it was forked from: clock.running()
_count = 0  # as this process last saw it committed


def looked() -> bool:
    """True once this process has looked; nothing is sent before. Looks again each second, and on a new connection.

    Raises DatabaseError.
    """
    global _looked_at  # noqa: PLW0603 - one answer a process is the point
    running = clock.running()
    if _looked_at is None or running - _looked_at > AGAIN:
        look(now=clock.now())
        _looked_at = running
    return True


def forget(**_: Any) -> None:
    """Look again before the next call: another server, promoted meanwhile, may answer on a new connection."""
    global _looked_at  # noqa: PLW0603
    _looked_at = None


connection_created.connect(forget, dispatch_uid="aftercare.lineage")


def calling(attempt: str) -> None:
    """A round of calls was committed and begins: its newest attempt, by id, for the disk beside the heads."""
    marks.call_made(_count, attempt)


def look(*, now: datetime) -> bool:
    """Compare, and hold everything where the database is the older one; else count on, once a minute.

    True when it was found to be restored just now. `now` is calendar time. The minutes are the database's: by a
    worker's clock that stood an hour ahead once, nothing would be counted for an hour, and no restore found in it.
    """
    global _count  # noqa: PLW0603
    known = marks.read()  # before the row: what the disk says had been committed by then
    row = Lineage.objects.filter(pk=1).first()
    _count = row.count if row else 0
    if row is None or _counts(row) or _is_behind(row, known):
        return _look_closely(known, now)
    if known.mark is None or known.mark.number < row.count:  # a new disk; or another host counted
        marks.write(Mark(row.count, row.counted_at))
    return False


@transaction.atomic
def _look_closely(known: Known, now: datetime) -> bool:
    row, new = Lineage.objects.select_for_update().get_or_create(pk=1, defaults={"counted_at": server_time()})
    counts, behind = new or _counts(row), _is_behind(row, known)
    older = behind and Message.objects.exists()  # a new database beside an old disk: nothing in it could go twice
    if row.restored_at is None and (older or (counts and not new and _heads_are_ahead())):
        hold_all(row, by=SYSTEM, now=now, known=known)
        return True
    if older:
        row.checked_at = None  # a backup of a database that was held: check anew
    if counts or behind:
        _count_on(row, known, leap=behind)
    return False


def _counts(row: Lineage) -> bool:
    return abs(server_time() - row.counted_at) >= EVERY


def _is_behind(row: Lineage, known: Known) -> bool:
    """True when the disk has come farther, or names a call of this minute that is unknown here.

    Earlier calls prove nothing: they may be those of a life that a release left. A worker that looked just before the
    count moved still named the number before.
    """
    calls = {call.attempt for call in known.calls if call.number >= row.count - 1}
    return known.number > row.count or Attempt.objects.filter(pk__in=calls).count() < len(calls)


def _count_on(row: Lineage, known: Known, *, leap: bool) -> None:
    """The next number, here and, once it is committed, on the disk; also while everything is held.

    A backup that is made between the comparison and the release must find itself older, too.
    """
    row.count, row.counted_at = max(row.count, known.number) + (LEAP if leap else 1), server_time()
    row.save()
    mark = Mark(row.count, row.counted_at)
    transaction.on_commit(lambda: _counted(mark))


def _counted(mark: Mark) -> None:
    global _count  # noqa: PLW0603
    _count = mark.number
    marks.write(mark)
    coverage.begin(mark.at)


def hold_all(row: Lineage, *, by: str, now: datetime, known: Known) -> None:
    """Nothing goes from here on, in the caller's transaction; a pause of everything that stands already stays."""
    row.restored_at = server_time()
    row.lost_since, row.checked_at = min(row.counted_at, row.restored_at), None
    _count_on(row, known, leap=True)
    if not Pause.objects.filter(scope=PauseScope.ALL, value="", ended_at__isnull=True).exists():
        pause(scope=PauseScope.ALL, value="", why=WHY, by=SYSTEM, now=now)
    tell("restore_found" if by == SYSTEM else "restore_declared", by=by, now=now)
    log.error("restored_from_backup", lost_since=row.lost_since.isoformat())


def declare_restored(*, now: datetime, by: str = "command", since: datetime | None = None) -> None:
    """A person says that this database was put back, where no file could tell: a new machine, a new disk.

    `since` (machine) is when the backup was made, where a worker has counted on since. Raises Refusals when it lies
    ahead, or more than a year back.
    """
    known = marks.read()
    if since is not None and not server_time() - OLDEST < since <= server_time():
        where = "lies ahead" if since > server_time() else "lies more than a year back"
        raise Refusals([Refusal("since", where, "say when the backup was made")])
    with transaction.atomic():
        row, _ = Lineage.objects.select_for_update().get_or_create(pk=1, defaults={"counted_at": server_time()})
        if row.restored_at is None:
            hold_all(row, by=by, now=now, known=known)
        else:
            tell("restore_declared", by=by, now=now)
        if since is not None and row.lost_since is not None and since < row.lost_since:
            row.lost_since, row.restored_at, row.checked_at = since, server_time(), None  # lists are read from there
            row.save(update_fields=["lost_since", "restored_at", "checked_at"])


def released(row: Lineage) -> None:
    """It goes on as a life of its own, in the caller's transaction: the count leaves that of the life before behind."""
    row.restored_at, row.lost_since, row.checked_at = None, None, None
    _count_on(row, marks.read(), leap=True)


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
