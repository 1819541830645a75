"""How today goes against what it was meant to bring: each message that falls due in it, by what became of it (P5).

What was meant is no forecast that somebody wrote down in the morning: it is counted from the messages themselves, by
the moment they are due, so it stays when they end. What was called off before the day began was not meant for it. A
message that is put off into another day, by quiet hours or a moved visit, belongs to that day.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models.functions import TruncHour

from worker.models import Clinic, Message
from worker.models.rows import fetch, moment
from worker.reading.alarms import LATE
from worker.rules.local_time import instant, local, zone
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

MOST = 100_000  # messages of one day: to count so many takes a tenth of a second
LONG_DUE, DUE, COMING = range(3)
WENT = frozenset({State.ACCEPTED, State.DELIVERED})
WORDS = {
    State.REFUSED: "failed", State.UNDELIVERED: "failed", State.UNKNOWN: "unknown", State.UNRESOLVED: "unknown",
    State.SENDING: "due", State.MISSED: "missed", State.WITHHELD: "withheld", State.HELD: "held",
    State.CANCELLED: "cancelled",
}  # fmt: skip
KINDS = ("went", "late", "due", "missed", "withheld", "held", "failed", "unknown", "cancelled", "to_come")
"""Each message of the day is one of these; `due` is being seen to, `late` waits for more than a quarter of an hour."""


def day(*, now: datetime, clinic: Clinic | None = None) -> dict[str, Any]:
    """A clinic's messages of its own day on its own clock; without a clinic those of the house, of the day in UTC.

    `channels` sums them up: `meant` in all, `so_far` until now, and each of KINDS. `hours` (full hours of UTC, on that
    clock) has what was due in each, and how much of that went. Where the day has more than MOST, `whole` is False and
    nothing is told: half a sum would be a wrong one.
    """
    begins, ends = _span(now, clinic)
    clock = zone(clinic.zone) if clinic else UTC
    whose = [clinic.pk] if clinic else list(Clinic.objects.order_by("pk").values_list("pk", flat=True))
    found = _counted(_meant(begins, ends, whose), now) if whose else Counter()
    whole = sum(found.values()) <= MOST
    found = found if whole else Counter()
    return {
        "zone": clinic.zone if clinic else "UTC",
        "begins": begins.astimezone(clock).isoformat(),
        "ends": ends.astimezone(clock).isoformat(),
        "most": MOST,
        "whole": whole,
        "channels": {each.value: _sums(found, each) for each in Channel} if whole else {},
        "hours": [each | {"hour": each["hour"].astimezone(clock).isoformat()} for each in _hours(found)],
    }


def _span(now: datetime, clinic: Clinic | None) -> tuple[datetime, datetime]:
    if clinic is None:
        begins = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return begins, begins + timedelta(days=1)
    place = zone(clinic.zone)
    today = local(now, place).date()
    return instant(today, time(0), place), instant(today + timedelta(days=1), time(0), place)


def _meant(begins: datetime, ends: datetime, whose: list[int]) -> QuerySet[Message]:
    """Clinic by clinic, as the index of what is not planned any more has them."""
    called_off = Q(state__in=(State.CANCELLED, State.WITHHELD), decided_at__lt=begins)
    return Message.objects.filter(clinic__in=whose, due_at__gte=begins, due_at__lt=ends).exclude(called_off)


def _counted(found: QuerySet[Message], now: datetime) -> Counter[tuple[datetime, Channel, State, int]]:
    """How many of each hour, channel, state and age; one more than MOST means that there may be more."""
    late = now - timedelta(seconds=LATE)
    when = Case(
        When(due_at__gt=now, then=Value(COMING)), When(due_at__gt=late, then=Value(DUE)), default=Value(LONG_DUE),
        output_field=IntegerField(),
    )  # fmt: skip
    each_one = found.order_by().annotate(hour=TruncHour("due_at", tzinfo=UTC), at=when)
    rows = each_one.values_list("hour", "channel", "state", "at")
    planned, ended = Q(state=State.PLANNED), ~Q(state=State.PLANNED)  # each has an index of its own
    halves = [rows.filter(which)[: MOST + 1].query.sql_with_params() for which in (planned, ended)]
    both = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS half" for sql, _ in halves)
    counted = fetch(
        f"SELECT hour, channel, state, at, count(*) FROM ({both}) AS found GROUP BY 1, 2, 3, 4",
        [each for _, params in halves for each in params],
    )
    return Counter({(moment(hour), Channel(name), State(state), at): many for hour, name, state, at, many in counted})


def _sums(found: Counter[tuple[datetime, Channel, State, int]], channel: Channel) -> dict[str, int]:
    kinds, so_far = Counter[str](), 0
    for (_, of, state, at), many in found.items():
        if of is channel:
            kinds[_kind(state, at)] += many
            so_far += many if at != COMING else 0
    return {"meant": kinds.total(), "so_far": so_far, **{kind: kinds[kind] for kind in KINDS}}


def _kind(state: State, at: int) -> str:
    if state in WENT:
        return "went"
    return WORDS.get(state) or {COMING: "to_come", DUE: "due", LONG_DUE: "late"}[at]


def _hours(found: Counter[tuple[datetime, Channel, State, int]]) -> Iterator[dict[str, Any]]:
    meant, went = Counter[datetime](), Counter[datetime]()
    for (hour, _, state, _at), many in found.items():
        meant[hour] += many
        went[hour] += many if state in WENT else 0
    for hour in sorted(meant):
        yield {"hour": hour, "meant": meant[hour], "went": went[hour]}
