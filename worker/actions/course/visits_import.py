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
    return _each(lines, lambda told: preview(told, by="command", now=now), clinic, source)


def take(lines: Lines, *, clinic: Clinic, source: str, now: datetime) -> list[tuple[int, str, Outcome]]:
    """The same, done: a transaction for each visit, and none of them where one line is refused. Raises Refusals.

    A file that was taken half before the power failed is taken again: what it said already changes nothing.
    """
    foresee(lines, clinic=clinic, source=source, now=now)
    done = _each(lines, lambda told: tell(told, by="command", now=now).outcome, clinic, source)
    for each in Feed.objects.filter(clinic=clinic, source=source):
        feeds.heard(each, now)
    return done


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
