"""Take a whole file of visits, or say beforehand what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.course import feed as feeds
from worker.actions.course.told import Told, preview, tell
from worker.models import Contact, Feed
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from worker.actions.course.told import Outcome
    from worker.intake.visit import VisitFile
    from worker.models import Clinic

    Lines = Sequence[tuple[int, str, VisitFile]]


def foresee(lines: Lines, *, clinic: Clinic, source: str, now: datetime) -> list[tuple[int, str, Outcome]]:
    """(line, external_id, outcome) of each visit, with nothing done. Raises Refusals with the faults of all lines."""
    _refuse_twice(lines)
    return _each(lines, lambda told: preview(told, by="command", now=now), clinic, source)


def take(lines: Lines, *, clinic: Clinic, source: str, now: datetime) -> list[tuple[int, str, Outcome]]:
    """The same, done: in one transaction, so that a line that is refused leaves nothing of the others. Raises Refusals.

    Foreseen first, so that a file with a fault locks nobody out. From the first line to the last, some 20 ms each, its
    clients' rows are locked, and with SQLite every other writer waits: a long file is better taken in parts.
    """
    foresee(lines, clinic=clinic, source=source, now=now)
    return _take(lines, clinic, source, now)


@transaction.atomic
def _take(lines: Lines, clinic: Clinic, source: str, now: datetime) -> list[tuple[int, str, Outcome]]:
    """All rows are locked at once, in their own order: line by line two files could wait for each other for good."""
    named = {visit.client for _, _, visit in lines}
    theirs = Contact.objects.filter(clinic=clinic, client__external_id__in=named, valid_to__isnull=True)
    standings.lock(theirs.values_list("standing_id", flat=True))
    done = _each(lines, lambda told: tell(told, by="command", now=now).outcome, clinic, source)
    for each in Feed.objects.filter(clinic=clinic, source=source):
        feeds.heard(each, now)
    return done


def _refuse_twice(lines: Lines) -> None:
    """Raise Refusals for two lines with one version of one visit: each alone is news, and together one is a lie."""
    seen: dict[tuple[str, int], int] = {}
    faults = []
    for number, external_id, visit in lines:
        before = seen.setdefault((external_id, visit.source_version), number)
        if before != number:
            mend = "keep one of the two lines, or give the newer one a higher source_version"
            faults.append(Refusal(f"line {number} external_id", f"stands in line {before} as well", mend))
    if faults:
        raise Refusals(faults)


def _each(lines: Lines, act: Callable[[Told], Outcome], clinic: Clinic, source: str) -> list[tuple[int, str, Outcome]]:
    done, faults = [], []
    for number, external_id, visit in lines:
        told = Told(clinic_id=clinic.pk, source=source, external_id=external_id, visit=visit)
        try:
            done.append((number, external_id, act(told)))
        except Refusals as refused:
            faults += [Refusal(f"line {number} {each.field}", each.problem, each.mend) for each in refused.faults]
    if faults:
        raise Refusals(faults)
    return done
