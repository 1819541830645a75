"""How far retention is behind: what should be gone, and is not (rule 66)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

from worker.models.kept import DAYS, KEPT
from worker.models.rows import fetch, moment

if TYPE_CHECKING:
    from datetime import datetime

NAME = "aftercare_retention_overdue_seconds"
TOLD = (
    "How long the oldest of a store is past the 90 days after which it is emptied; within an hour or two in good order."
)


def overdue(*, now: datetime) -> dict[str, float]:
    """Seconds of calendar time by store, 0 where nothing is past its time.

    One statement, and of each store the first entry of one index: it costs the same at fifty million rows.
    """
    before = now - timedelta(days=DAYS)
    oldest = [each.past(before).values_list(each.moment)[:1].query.sql_with_params() for each in KEPT]
    (row,) = fetch(f"SELECT {', '.join(f'({sql})' for sql, _ in oldest)}", [one for _, told in oldest for one in told])
    ages = [(before - moment(at)).total_seconds() if at else 0.0 for at in row]
    return {each.name: age for each, age in zip(KEPT, ages, strict=True)}


def family(now: datetime) -> GaugeMetricFamily:
    """The same for the monitoring."""
    found = GaugeMetricFamily(NAME, TOLD, labels=("store",))
    for store, age in overdue(now=now).items():
        found.add_metric((store,), age)
    return found
