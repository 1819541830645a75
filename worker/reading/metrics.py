"""What is asked of the database and of Redis at each scrape; every question is answered by an index (P5).

Nothing is counted to its end: at ten million rows that takes a second, and 10,001 due messages tell enough.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from worker import broker
from worker.models import Attempt, Hold, Lineage, Message, Pause, StaffTask
from worker.models.attempt import AttemptState
from worker.models.hold import CIRCUIT, PauseScope
from worker.reading import engine
from worker.reading.after_stop import sent_after_stop
from worker.reading.backlog import backlog
from worker.reading.circuits import HALF_OPEN, OPEN, state_of
from worker.reading.counted import counted
from worker.reading.red_flags import waiting
from worker.reading.unconfirmed import unconfirmed
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    Values = Mapping[Any, float]
    from prometheus_client.core import Metric


class House(Collector):
    """The gauges of the house at calendar time `now`; raises Django's database errors while it collects."""

    def __init__(self, now: datetime) -> None:
        """Nothing is asked before `collect`."""
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every family, one after the other."""
        yield _gauge("build_info", "What runs here.", {tuple(_build().values()): 1}, _build())
        yield from self._messages()
        yield from self._people()
        yield from _parts()
        yield from _database()
        yield from _broker()

    def _messages(self) -> Iterator[Metric]:
        due = backlog(now=self._now)
        now = {(channel,): found.due_now for channel, found in due.items()}
        yield _gauge("due_backlog", "Messages due now and not decided, counted to 10,001.", now, ("channel",))
        ages = {(channel,): found.oldest_seconds for channel, found in due.items()}
        yield _gauge("oldest_due_age_seconds", "How long the oldest due message has waited.", ages, ("channel",))
        unknown = Message.objects.filter(state=State.UNKNOWN)
        many = counted(
            in_flight=Attempt.objects.filter(state=AttemptState.SENDING),
            unknown=unknown,
            quiet=unconfirmed(now=self._now),
        )
        yield _gauge("in_flight", "Calls that are begun and not written down.", {(): many["in_flight"]})
        told = "Messages of which nobody knows whether they left."
        yield _gauge("unknown_outcomes", told, {(): many["unknown"]})
        told = "Texts taken days ago whose carrier never said more."
        yield _gauge("unconfirmed_messages", told, {(): many["quiet"]})
        age = self._age(unknown, "decided_at")
        yield _gauge("unknown_oldest_age_seconds", "How long the oldest of them is unknown.", {(): age})
        told = "Course messages that were decided after a stop that stands; must be 0 for ever."
        yield CounterMetricFamily("aftercare_sent_after_optout", told, value=sent_after_stop())

    def _people(self) -> Iterator[Metric]:
        holds = Hold.objects.filter(released_at__isnull=True)
        tasks = StaffTask.objects.filter(done_at__isnull=True)
        many = counted(
            held=Message.objects.filter(state=State.HELD), holds=holds, open=tasks,
            late=tasks.filter(due_at__lte=self._now), drift=tasks.filter(kind="ledger_drift"),
            flags=waiting(), flags_late=waiting().filter(answer_by__lte=self._now),
        )  # fmt: skip
        yield _gauge("held_messages", "Messages that wait for a person or for a resume.", {(): many["held"]})
        yield _gauge("holds", "Addresses that are held until a person has looked.", {(): many["holds"]})
        yield _gauge("hold_oldest_age_seconds", "The oldest hold.", {(): self._age(holds, "since")})
        by_state = {(state,): many[state] for state in ("open", "late")}
        yield _gauge("staff_tasks", "Open tasks of staff.", by_state, ("state",))
        flags = {("waiting",): many["flags"], ("late",): many["flags_late"]}
        yield _gauge("red_flags", "Warning signs of clients that nobody answered.", flags, ("state",))
        yield _gauge("ledger_drift", "Stops that the provider knew and we did not.", {(): many["drift"]})
        yield from self._paused(list(Pause.objects.filter(ended_at__isnull=True)))

    def _paused(self, standing: list[Pause]) -> Iterator[Metric]:
        scopes = [each.scope for each in standing]
        paused = {(scope.value,): scopes.count(scope) for scope in PauseScope}
        yield _gauge("paused", "Pauses that stand, by what they stop.", paused, ("scope",))
        states = [state_of(each) for each in standing if each.by == CIRCUIT]
        circuits = {(state,): states.count(state) for state in (OPEN, HALF_OPEN)}
        told = "Senders that their provider refuses, left alone or being tried."
        yield _gauge("circuits", told, circuits, ("state",))
        oldest = min((each.since for each in standing), default=self._now)
        age = max(0.0, (self._now - oldest).total_seconds())
        yield _gauge("pause_oldest_age_seconds", "The oldest pause.", {(): age})

    def _age(self, found: QuerySet[Message | Hold], field: str) -> float:
        """Seconds of calendar time since the earliest; 0 where there is none."""
        first = found.order_by(field).values_list(field, flat=True).first()
        return max(0.0, (self._now - first).total_seconds()) if first else 0.0


def _parts() -> Iterator[Metric]:
    seen = engine.engine()
    yield _gauge("workers", "Worker processes that worked within 30 s.", {(): len(seen.workers)})
    consumers = {(queue,): many for queue, many in seen.consumers.items()}
    yield _gauge("queue_consumers", "Worker processes that take from a queue.", consumers, ("queue",))
    for name, told, at in (
        ("worker_heartbeat_timestamp_seconds", "When a worker last worked.", seen.newest_worker),
        ("beat_last_tick_timestamp_seconds", "When a beat's tick last arrived.", seen.last_tick),
        ("sweep_last_success_timestamp_seconds", "When somebody last looked for due messages.", seen.last_sweep),
    ):
        yield _gauge(name, told, {(): at.timestamp()} if at else {})


def _database() -> Iterator[Metric]:
    seen = engine.database()
    told = "1 while everything is held because the database was put back from a backup."
    yield _gauge("held_after_restore", told, {(): int(Lineage.objects.filter(restored_at__isnull=False).exists())})
    yield _gauge("database_seconds", "One round trip to the database.", {(): seen.seconds})
    yield _gauge("db_oldest_xact_seconds", "The oldest transaction.", {(): seen.oldest_transaction})
    dead = {(table,): many for table, many in (seen.dead_rows or {}).items()}
    yield _gauge("db_dead_rows", "Rows that wait for the vacuum.", dead, ("table",))
    yield _gauge("clock_skew_seconds", "A peer's clock minus ours.", {("db",): seen.skew}, ("peer",))


def _broker() -> Iterator[Metric]:
    """With Redis away there is one series of it alone: `broker_up 0`; with another broker none, its own tools tell."""
    if not broker.is_redis(settings.BROKER_URL):
        return
    seen = broker.look()
    yield _gauge("broker_up", "1 when Redis answers within a third of a second.", {(): int(seen is not None)})
    if seen is None:
        return
    yield _gauge("broker_seconds", "One round trip to Redis.", {(): seen.seconds})
    yield _gauge("broker_policy_ok", "1 when Redis evicts nothing.", {(): int(seen.policy_ok)})
    yield _gauge("broker_memory_bytes", "What Redis uses.", {(): seen.used_bytes})
    yield _gauge("broker_memory_limit_bytes", "What it may use; 0 is no limit.", {(): seen.limit_bytes})
    depth = {(queue,): many for queue, many in seen.depth.items()}
    yield _gauge("queue_messages", "Hints that wait in a Celery queue.", depth, ("queue",))
    yield _gauge("broker_clock_skew_seconds", "Redis's clock minus ours.", {(): seen.skew})


def _gauge(name: str, told: str, values: Values, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    """A family of aftercare_NAME: each value under the values of its labels, as a tuple."""
    family = GaugeMetricFamily(f"aftercare_{name}", told, labels=tuple(labels))
    for key, value in values.items():
        family.add_metric(key, value)
    return family


@cache
def _build() -> dict[str, str]:
    newest = MigrationRecorder.Migration.objects.filter(app="aftercare").order_by("-name")
    return {
        "version": _version("aftercare"),
        "python": platform.python_version(),
        "django": django.get_version(),
        "celery": _version("celery"),
        "redis_py": _version("redis"),
        "database": connection.vendor,
        "schema": str(newest.values_list("name", flat=True).first()),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # run from a bare checkout
        return "unknown"
