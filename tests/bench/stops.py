"""How fast a STOP is obeyed: the real web part under signed webhooks, while a real worker sends at full speed."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from tests.bench import machine
from tests.bench.ground import as_after_a_day
from tests.bench.machine import Family
from tests.bench.runs import Failed
from worker.sandbox.demo import free_ports
from worker.sandbox.house import answers
from worker.sandbox.process import end, grace, launch, tail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.bench.ground import Ground

RATE = 200.0  # webhooks a second
PROCESSES = 2
SENT_A_SECOND = 1500  # texts that wait for the worker, for each second of calling: it must not run out of work
READY_WITHIN = 60.0
GATHER = "import sys, django; django.setup(); from tests.bench.crowd import gather; gather(int(sys.argv[1]))"
SENDING, IDLE = ("aftercare.send_sms", "sms"), ("", "")
HINT = (
    "import sys, time, django; django.setup()\n"
    "from config.celery import app\n"
    "hints = [('aftercare.tend', 'tend')] + ([tuple(sys.argv[1:])] if sys.argv[1] else [])\n"
    "while True:\n"
    "    for task, queue in hints: app.send_task(task, queue=queue, expires=2)\n"
    "    time.sleep(1.0)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFigures:
    """Milliseconds from the moment a webhook was due to be said until its answer; CPU in milliseconds a webhook."""

    database: str
    sending: bool
    rate: float
    calls: int
    refused: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    caller_cpu_share: float
    cpu_ms_web: float
    cpu_ms_database: float  # PostgreSQL for all who use it, the worker too; on SQLite it is part of the others
    worker_cores: float
    foreign_cores: float
    sent_a_second: float
    followed_up_s: float  # after the last answer, until nothing that follows from a STOP was open

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.database}{'' if self.sending else ', worker idle'}"

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def run(
    ground: Ground, secrets: Mapping[str, str], *, database: str, seconds: float, sending: bool = True
) -> StopFigures:
    """Call for so many seconds, while a worker sends, or while it idles. Raises Failed when a part did not start."""
    calls = int(RATE * seconds)
    size = calls + (int(SENT_A_SECOND * seconds) if sending else 0)
    name = f"stops_{database}{'' if sending else '_idle'}"
    folder = ground.folder / name
    folder.mkdir()
    env = {**ground.environment(name), **secrets, "AFTERCARE_HOME": str(folder)}
    if database == "sqlite":
        env["DATABASE_URL"] = f"sqlite:///{folder / 'stops.sqlite3'}"
    else:
        ground.postgres.create(name)
    subprocess.run([sys.executable, "-c", GATHER, str(size)], env={**os.environ, **env}, check=True)
    if database == "postgresql":
        as_after_a_day(ground.postgres)
    port = free_ports(1)
    command = (sys.executable, "-m", "worker.management.cli")
    web_log, worker_log = folder / "web.log", folder / "worker.log"
    bind = ("web", "--bind", f"127.0.0.1:{port}", "--processes", str(PROCESSES))
    parts = [launch((*command, *bind), env, web_log), launch((*command, "worker"), env, worker_log)]
    try:
        _until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), web_log)
        _until(lambda: " ready." in worker_log.read_text(encoding="utf-8"), worker_log)
        parts.append(launch((sys.executable, "-c", HINT, *(SENDING if sending else IDLE)), env, folder / "hint.log"))
        ground.stub.reset()
        if sending:
            _until(lambda: ground.stub.report()["posts"] > 0, worker_log)
        house = _House(ground, Family(parts[0].pid), Family(parts[1].pid), env["DATABASE_URL"], sending)
        return _figures(house, database, port, calls, size - calls + 1)
    finally:
        for part in reversed(parts):
            end(part, within=grace(5))


@dataclass(frozen=True, slots=True)
class _House:
    """What runs while the caller calls."""

    ground: Ground
    web: Family
    worker: Family
    url: str
    sending: bool

    def spent(self) -> tuple[float, float, float, float]:
        """CPU seconds so far: web, database, worker, and all that is ours (the stub and this process too)."""
        ground = self.ground
        families = (self.web, Family(ground.postgres.pids()[0]), self.worker)
        web, database, worker = (family.cpu() for family in families)
        return web, database, worker, machine.cpu([*families, Family(ground.stub.pid), Family(os.getpid())])

    def open_stops(self) -> int:
        """How many addresses wait for what follows from their STOP."""
        question = "SELECT count(*) FROM aftercare_standing WHERE open_stop IS NOT NULL"
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=20)) as line:
                return int(line.execute(question).fetchone()[0])
        with psycopg.connect(self.url) as other:
            found = other.execute(question).fetchone()
            return int(found[0]) if found else 0


def _figures(house: _House, database: str, port: int, calls: int, first: int) -> StopFigures:
    posts, before, busy, began = house.ground.stub.report()["posts"], house.spent(), machine.busy(), time.monotonic()
    words = [sys.executable, "-m", "tests.bench.caller", str(port), str(RATE), str(calls), str(first)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall = time.monotonic() - began
    sent = house.ground.stub.report()["posts"] - posts
    web, store, worker, ours = (now - then for now, then in zip(house.spent(), before, strict=True))
    foreign = machine.busy() - busy - ours
    _until(lambda: not house.open_stops(), house.ground.folder / "none")
    said = json.loads(done.stdout)
    took = sorted(said["ms"])
    return StopFigures(
        database=database,
        sending=house.sending,
        rate=RATE,
        calls=calls,
        refused=calls - said["statuses"].get("200", 0),
        p50_ms=statistics.median(took),
        p99_ms=took[int(len(took) * 0.99)],
        max_ms=took[-1],
        caller_cpu_share=said["cpu_share"],
        cpu_ms_web=1000 * web / calls,
        cpu_ms_database=1000 * store / calls,
        worker_cores=worker / wall,
        foreign_cores=max(0.0, foreign) / wall,
        sent_a_second=sent / wall,
        followed_up_s=time.monotonic() - began - wall,
    )


def _until(condition: Any, log: Path) -> None:
    in_time = grace(READY_WITHIN)
    while not condition():
        if not in_time():
            raise Failed(f"stops: not ready{tail(log)}")
        time.sleep(0.05)
