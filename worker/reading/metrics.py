"""What is asked of the database and of Redis at each scrape; every question is answered by an index (P5).

Nothing is counted to its end: at ten million rows that takes a second, and 10,001 due messages tell enough. Lists and
calendars have no index of their own: there are as many as numbers and calendars of clinics.
"""

from __future__ import annotations

import platform
from collections import Counter
from datetime import timedelta
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

import django
import structlog
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from worker import broker
from worker.models import Attempt, Feed, Hold, Lineage, Message, Pause, ProviderCopy, StaffTask, Watermark
from worker.models.attempt import AttemptState
from worker.models.hold import CIRCUIT, PauseScope
from worker.models.provider_copy import CopyState
from worker.reading import engine
from worker.reading.after_stop import sent_after_stop
from worker.reading.backlog import backlog
from worker.reading.circuits import HALF_OPEN, OPEN, state_of
from worker.reading.counted import MANY, counted
from worker.reading.overdue import family as retention_overdue
from worker.reading.promptly import promptly
from worker.reading.red_flags import waiting
from worker.reading.schema import missing_migrations
from worker.reading.unconfirmed import unconfirmed
from worker.rules.names import Channel
from worker.rules.states import OPEN as UNDECIDED
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from django.db.models import QuerySet

    Values = Mapping[Any, float]
    from prometheus_client.core import Metric

log = structlog.get_logger("aftercare.request")
COPIES = (CopyState.PENDING, CopyState.FAILED)
LEAST_SILENT = timedelta(hours=1)  # no clinic may ask for an alarm sooner


class House(Collector):
    """The gauges of the house at calendar time `now`; what is asked of the database is all there or not at all."""

    def __init__(self, now: datetime) -> None:
        """Nothing is asked before `collect`."""
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every family, one after the other. With the database away there is one of it alone: `database_up 0`.

        Where migrations are missing there is `schema_ready 0` beside `database_up 1`, and the rest if it can be asked.
        """
        behind: bool | None = None
        asked: list[Metric] = []
        try:
            with promptly():
                behind = missing_migrations() > 0
                asked = list(self._asked())
        except Error as error:
            log.error("database_unavailable", page="metrics", error=type(error).__name__)  # its text may quote a row
        up = bool(asked or behind)  # what fails where tables are missing is no sign of a database that is away
        yield _gauge("database_up", "1 when the database answers within seconds.", {(): int(up)})
        ready = {(): int(not behind)} if up else {}
        yield _gauge("schema_ready", "1 when every migration of this version is applied.", ready)
        yield from asked
        yield from _broker()

    def _asked(self) -> Iterator[Metric]:
        """What the database tells."""
        yield _gauge("build_info", "What runs here.", {tuple(_build().values()): 1}, _build())
        yield from self._messages()
        yield from self._people()
        yield from self._behind()
        yield from _parts()
        yield from _database()

    def _messages(self) -> Iterator[Metric]:
        due = backlog(now=self._now)
        now = {(channel,): found.due_now for channel, found in due.items()}
        yield _gauge("due_backlog", "Messages due now and not decided, counted to 10,001.", now, ("channel",))
        ages = {(channel,): found.oldest_seconds for channel, found in due.items()}
        yield _gauge("oldest_due_age_seconds", "How long the oldest due message has waited.", ages, ("channel",))
        many = counted(in_flight=Attempt.objects.filter(state=AttemptState.SENDING), quiet=unconfirmed(now=self._now))
        yield _gauge("in_flight", "Calls that are begun and not written down.", {(): many["in_flight"]})
        told = "Texts taken days ago whose carrier never said more."
        yield _gauge("unconfirmed_messages", told, {(): many["quiet"]})
        unknown = Message.objects.filter(state=State.UNKNOWN)
        many_unknown, since = self._by_channel(unknown, "channel", "decided_at")
        told = "Messages of which nobody knows whether they left, counted to 10,001 of all channels."
        yield _gauge("unknown_outcomes", told, many_unknown, ("channel",))
        yield _gauge("unknown_oldest_age_seconds", "How long the oldest of them is unknown.", since, ("channel",))
        told = "How long the oldest open message is past its useful time."
        late = Message.objects.filter(state__in=UNDECIDED, expires_at__lte=self._now)
        yield _gauge("undecided_oldest_age_seconds", told, {(): self._age(late, "expires_at")})
        after = sent_after_stop()
        told = "Course messages that were decided after a stop that stands, among the newest stops; must be 0 for ever."
        yield _gauge("sent_after_optout", told, {(): after.many})
        told = "When the newest of them was decided; 0 where there is none."
        newest = after.newest.timestamp() if after.newest else 0
        yield _gauge("sent_after_optout_newest_timestamp_seconds", told, {(): newest})

    def _people(self) -> Iterator[Metric]:
        holds = Hold.objects.filter(released_at__isnull=True)
        tasks = StaffTask.objects.filter(done_at__isnull=True)
        many = counted(
            held=Message.objects.filter(state=State.HELD), open=tasks,
            late=tasks.filter(due_at__lte=self._now), drift=tasks.filter(kind="ledger_drift"),
            flags=waiting(), flags_late=waiting().filter(answer_by__lte=self._now),
            **{each.value: ProviderCopy.objects.filter(state=each) for each in COPIES},
        )  # fmt: skip
        yield _gauge("held_messages", "Messages that wait for a person or for a resume.", {(): many["held"]})
        counts, ages = self._by_channel(holds, "standing__channel", "since")
        told = "Addresses that are held until a person has looked, counted to 10,001 of all channels."
        yield _gauge("holds", told, counts, ("channel",))
        yield _gauge("hold_oldest_age_seconds", "The oldest hold.", ages, ("channel",))
        by_state = {(state,): many[state] for state in ("open", "late")}
        yield _gauge("staff_tasks", "Open tasks of staff.", by_state, ("state",))
        flags = {("waiting",): many["flags"], ("late",): many["flags_late"]}
        yield _gauge("red_flags", "Warning signs of clients that nobody answered.", flags, ("state",))
        yield _gauge("ledger_drift", "Stops that the provider knew and we did not.", {(): many["drift"]})
        told = "Copies at the provider that are still to be emptied, and those that were given up."
        yield _gauge("provider_copies", told, {(each.value,): many[each.value] for each in COPIES}, ("state",))
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

    def _behind(self) -> Iterator[Metric]:
        """What others were to tell us and have not (lists, calendars), and what should be gone and is not."""
        yield retention_overdue(self._now)
        failing = Watermark.objects.filter(name__startswith="inbound:", failures__gt=0)
        told = "How far the reading of a provider's list of incoming texts is behind, where it fails."
        yield _gauge("inbound_list_behind_seconds", told, {(): self._age(failing, "read_to")})
        silent = Feed.objects.filter(ended_at__isnull=True, heard_at__lte=self._now - LEAST_SILENT).values_list(
            "heard_at", "clinic__feed_alarm_hours", "clinic__feed_hold_hours"
        )[:MANY]
        past = [[self._now - heard >= timedelta(hours=each) for each in limits] for heard, *limits in silent]
        by_state = {("alarms",): sum(alarms for alarms, _ in past), ("holds",): sum(holds for _, holds in past)}
        told = "Calendars that are silent for longer than their clinic allows, and so long that their visits are held."
        yield _gauge("feeds_silent", told, by_state, ("state",))

    def _by_channel(self, found: QuerySet[Any], channel: str, field: str) -> tuple[Values, Values]:
        """How many there are, and how old the oldest is: one walk along the index of `field`, oldest first."""
        rows = list(found.order_by(field).values_list(channel, field)[:MANY])
        many = Counter(name for name, _ in rows)
        first = dict(reversed(rows))
        ages = {(each,): (self._now - first[each]).total_seconds() if each in first else 0.0 for each in Channel}
        return {(each,): many[each] for each in Channel}, {each: max(0.0, age) for each, age in ages.items()}

    def _age(self, found: QuerySet[Any], field: str) -> float:
        """Seconds of calendar time since the earliest; 0 where there is none."""
        first = found.order_by(field).values_list(field, flat=True).first()
        return max(0.0, (self._now - first).total_seconds()) if first else 0.0


def _parts() -> Iterator[Metric]:
    seen = engine.engine()
    yield _gauge("workers", "Worker processes that gave a sign of life within 30 s.", {(): len(seen.workers)})
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
    told = "The oldest transaction of a client, vacuums apart: of all sessions, or of those of our own role alone."
    whose = ("all" if seen.sees_all else "own",)
    yield _gauge("db_oldest_xact_seconds", told, {whose: seen.oldest_transaction}, ("sessions",))
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
