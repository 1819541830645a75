"""Take a whole file of visits, or say beforehand what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.course import feed as feeds
from worker.actions.course.told import Told, preview, tell
from worker.models import Feed
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
    """The same, done. Raises Refusals.

    Foreseen first, so that a file with a fault changes nothing. Then each visit has a transaction of its own, some
    20 ms: with SQLite a STOP waits for one visit, not for a file of them (P2). A line that is refused only now, for its
    client was erased a moment ago, leaves the others taken; whoever gives the file again takes none of them twice.
    """
    foresee(lines, clinic=clinic, source=source, now=now)
    try:
        return _each(lines, lambda told: tell(told, by="command", now=now).outcome, clinic, source)
    finally:
        for each in Feed.objects.filter(clinic=clinic, source=source):
            feeds.heard(each, now)


def _refuse_twice(lines: Lines) -> None:
    """Raise Refusals for two lines of one visit that can't both be true: each alone is news, and together one is a lie.

    One version of it twice, or two clients: what `foresee` can't see, for it looks at each line alone.
    """
    versions: dict[tuple[str, int], int] = {}
    clients: dict[str, tuple[str, int]] = {}
    faults = []
    for number, external_id, visit in lines:
        before = versions.setdefault((external_id, visit.source_version), number)
        client, first = clients.setdefault(external_id, (visit.client, number))
        if before != number:
            mend = "keep one of the two lines, or give the newer one a higher source_version"
            faults.append(Refusal(f"line {number} external_id", f"stands in line {before} as well", mend))
        elif client != visit.client:
            mend = "give one of the two visits another external_id"
            faults.append(Refusal(f"line {number} client", f"is not whose visit line {first} has", mend))
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
