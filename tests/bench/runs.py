"""One run of one sender: start its worker on a fresh copy of the crowd, give the sign, wait for the end, count."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg
from celery import Celery

from tests.bench import machine
from tests.bench.machine import Family
from worker.sandbox.process import end, grace, launch, tail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.bench.ground import Ground

CROWD = "crowd"
ACCEPTED = "aftercare_message WHERE state = 'accepted'"
STALLED = 30.0  # seconds without a single text
TICK, EXPIRES = 1.0, 2.0  # seconds: how often the beat hints, and for how long a hint is good
SETTLE = 1.0  # seconds of quiet before the first and after the last figure is read


class Failed(RuntimeError):
    """A run that sent too little, too much, or nothing; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What is measured: how its worker is started, and how it is told to begin."""

    name: str
    command: tuple[str, ...]
    processes: int
    messages: int
    task: str
    queue: str
    per_message: bool  # a task for each message, or one for each process
    once_only: bool  # every attempt carries an id of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run took; CPU in milliseconds a message, memory in megabytes, foreign CPU in cores."""

    sender: str
    messages: int
    seconds: float
    per_second: float
    cpu_ms: float
    cpu_ms_worker: float
    cpu_ms_postgres: float
    cpu_ms_redis: float
    rss_mb: float
    pss_mb: float
    foreign_cores: float
    cpu_ms_sealing: float  # what tending later spends to chain the decisions; not part of cpu_ms

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def run(sender: Sender, ground: Ground, number: int) -> Figures:
    """Run once on a fresh copy of the crowd. Raises Failed."""
    named = f"{sender.name.replace(' ', '-')}-{number}"
    database, log = named.replace("-", "_").casefold(), ground.folder / f"{named}.log"
    ground.postgres.create(database, copy_of=CROWD)
    process = launch((sys.executable, "-m", *sender.command), ground.environment(database), log)
    try:
        _await_ready(process, log)
        return _measure(sender, ground, database, Family(process.pid), log)
    finally:
        end(process, within=grace(5))


def _measure(sender: Sender, ground: Ground, database: str, worker: Family, log: Path) -> Figures:
    postgres, redis = Family(ground.postgres.pids()[0]), Family(ground.redis.pid or 0)
    others = (Family(ground.stub.pid), Family(os.getpid()))
    time.sleep(SETTLE)
    ground.stub.reset()
    began, before = time.monotonic(), [each.cpu() for each in (worker, postgres, redis)]
    busy, beside = machine.busy(), machine.cpu(others)
    _give_the_sign(sender, ground, database)
    _await_end(sender, ground, database, log)
    resident, proportional = worker.memory()
    time.sleep(SETTLE)  # what a sender leaves to do after the last text counts as well
    spent = [each.cpu() - earlier for each, earlier in zip((worker, postgres, redis), before, strict=True)]
    foreign = machine.busy() - busy - (machine.cpu(others) - beside)
    wall = time.monotonic() - began
    seconds = ground.stub.report()["seconds"]
    per_message = [1000 * each / sender.messages for each in spent]
    return Figures(
        sender=sender.name,
        messages=sender.messages,
        seconds=seconds,
        per_second=(sender.messages - 1) / seconds,
        cpu_ms=sum(per_message),
        cpu_ms_worker=per_message[0],
        cpu_ms_postgres=per_message[1],
        cpu_ms_redis=per_message[2],
        rss_mb=resident,
        pss_mb=proportional,
        foreign_cores=max(0.0, foreign - sum(spent)) / wall,
        cpu_ms_sealing=0.0 if sender.per_message else _sealing(sender, ground, database, (worker, postgres)),
    )


def _sealing(sender: Sender, ground: Ground, database: str, families: Iterable[Family]) -> float:
    """CPU milliseconds a message that the real `tend` takes to chain what was decided."""
    before, in_time = machine.cpu(families), grace(STALLED)
    while _count(ground, database, "aftercare_event") > _count(
        ground, database, "aftercare_seal WHERE \"table\" = 'event'"
    ):
        _publish(replace(sender, task="aftercare.tend", queue="tend"), ground, [()])
        time.sleep(0.3)
        if not in_time():
            raise Failed("the decisions were not sealed")
    return 1000 * (machine.cpu(families) - before) / sender.messages


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    in_time = grace(60)
    while b" ready." not in log.read_bytes():
        if process.poll() is not None or not in_time():
            raise Failed(f"the worker did not start{tail(log)}")
        time.sleep(0.05)


def _give_the_sign(sender: Sender, ground: Ground, database: str) -> None:
    """A task for each message, or a first hint for each process; more hints come as from the beat."""
    waiting = _due(ground, database, sender.messages) if sender.per_message else [()] * sender.processes
    _publish(sender, ground, waiting)


def _publish(sender: Sender, ground: Ground, calls: Sequence[tuple[int, ...]]) -> None:
    with Celery("bench", broker=ground.redis.broker_url, set_as_current=False) as app:
        app.conf.broker_transport_options = {"global_keyprefix": "" if sender.per_message else "aftercare:"}
        for arguments in calls:
            app.send_task(sender.task, arguments, queue=sender.queue, expires=None if sender.per_message else EXPIRES)


def _due(ground: Ground, database: str, limit: int) -> list[tuple[int, ...]]:
    with psycopg.connect(ground.postgres.url(database)) as connection:
        return connection.execute(
            "SELECT id FROM aftercare_message WHERE state = 'planned' ORDER BY due_at LIMIT %s", [limit]
        ).fetchall()


def _await_end(sender: Sender, ground: Ground, database: str, log: Path) -> None:
    in_time, seen, beat = grace(STALLED), 0, grace(TICK)
    while (posts := ground.stub.report()["posts"]) < sender.messages:
        if not sender.per_message and not beat():
            _publish(sender, ground, [()])
            beat = grace(TICK)
        if posts > seen:
            in_time, seen = grace(STALLED), posts
        if not in_time():
            raise Failed(f"{sender.name}: stalled after {posts} of {sender.messages} texts{tail(log)}")
        time.sleep(0.05)
    yesterdays = _count(ground, database, "aftercare_attempt WHERE worker = 'bench'")
    while _count(ground, database, ACCEPTED) < sender.messages + yesterdays:
        if not in_time():
            raise Failed(f"{sender.name}: outcomes were not recorded{tail(log)}")
        time.sleep(0.05)
    report = ground.stub.report()
    if report["doubles"] or (sender.once_only and report["attempts"] != sender.messages):
        raise Failed(f"{sender.name}: a phone rang twice, or a text left without its attempt: {report}")


def _count(ground: Ground, database: str, what: str) -> int:
    with psycopg.connect(ground.postgres.url(database)) as connection:
        found = connection.execute(f"SELECT count(*) FROM {what}").fetchone()
        return int(found[0]) if found else 0
