"""Empty what was said once its time is over: texts, replies and raw receipts (rules 42, 66).

Only the stores of `models/kept` are touched: a suppression, a consent and its evidence have no age at which this job
ends them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.actions.privacy.in_turn import in_turn
from worker.actions.privacy.of_erased import of_erased
from worker.actions.record.audit import record
from worker.models.kept import DAYS, KEPT
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from worker.models.kept import Kept

FEWEST, MOST = 1, 3650  # what came in today is what staff still have to read
BATCH = 500  # larger ones are no faster, and keep their rows locked for longer
ERASED_AGAIN = timedelta(hours=20)  # who was erased is looked through once a day, in whichever hour has time for it
INSTALLATION = 0  # the clinic id of what concerns all clinics


def retain(
    *, bodies_days: int = DAYS, dry_run: bool = False, now: datetime, longest: float | None = None
) -> dict[str, int]:
    """Empty what is older than `bodies_days` before `now`, and what came in about clients since they were erased.

    How many values of each store; with `dry_run` nothing is changed. Works in batches, oldest first, each store in its
    turn, for at most `longest` seconds; what is left is found again the next time. Raises Refusals for a number of
    days that is no useful one.
    """
    if not FEWEST <= bodies_days <= MOST:
        mend = f"between {FEWEST} and {MOST}; leave it out for {DAYS}"
        raise Refusals([Refusal("bodies-days", "is no useful number of days", mend)])
    before = now - timedelta(days=bodies_days)
    if dry_run:
        return {each.name: _counted(each, before) for each in KEPT}
    walks = [(each.name, _past(each, before)) for each in KEPT]
    rest = timedelta(0) if longest is None else ERASED_AGAIN
    walks += [(each.name, of_erased(each, now=now, rest=rest)) for each in KEPT if each.client]
    done = in_turn(walks, longest=longest)
    counts = {each.name: done[each.name] for each in KEPT}
    if any(counts.values()):
        facts = {"days": bodies_days, **counts}
        record(clinic_id=INSTALLATION, kind="retained", subject="installation", actor="system", at=now, facts=facts)
    return counts


def _past(kept: Kept, before: datetime) -> Iterator[int]:
    """Empty a batch a step. Each begins where the last one ended: before that lie only the dead entries it left."""
    rows = kept.past(before)
    while page := list(rows.values_list("pk", kept.moment)[:BATCH]):
        rows = kept.past(before).filter(**{f"{kept.moment}__gte": page[-1][1]})
        yield kept.emptied([pk for pk, _ in page])


def _counted(kept: Kept, before: datetime) -> int:
    many = kept.past(before).count()
    if kept.client:
        younger = {f"{kept.moment}__gte": before, f"{kept.client}__erased_at__isnull": False}
        many += kept.filled.filter(**younger).count()
    return many
