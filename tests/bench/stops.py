"""How fast a STOP is obeyed: the real web part under signed webhooks, while a real worker sends at full speed."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tests.bench import machine
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
HINT = (
    "import sys, time, django; django.setup()\n"
    "from config.celery import app\n"
    "while True: app.send_task('aftercare.send_sms', queue='sms', expires=2); time.sleep(0.5)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFigures:
    """Milliseconds from the moment a webhook was due to be said until its answer; CPU in milliseconds a webhook."""

    database: str
    rate: float
    calls: int
    refused: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    caller_cpu_share: float
    cpu_ms_web: float
    sent_meanwhile: int

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def run(ground: Ground, secrets: Mapping[str, str], *, database: str, seconds: float) -> StopFigures:
    """Call for so many seconds. Raises Failed when a part did not start or a STOP was not taken."""
    calls = int(RATE * seconds)
    size = calls + int(SENT_A_SECOND * seconds)
    folder = ground.folder / f"stops-{database}"
    folder.mkdir()
    env = {**ground.environment("stops"), **secrets, "AFTERCARE_HOME": str(folder)}
    if database == "sqlite":
        env["DATABASE_URL"] = f"sqlite:///{folder / 'stops.sqlite3'}"
    else:
        ground.postgres.create("stops")
    subprocess.run([sys.executable, "-c", GATHER, str(size)], env={**os.environ, **env}, check=True)
    port = free_ports(1)
    command = (sys.executable, "-m", "worker.management.cli")
    web_log, worker_log = folder / "web.log", folder / "worker.log"
    bind = ("web", "--bind", f"127.0.0.1:{port}", "--processes", str(PROCESSES))
    parts = [launch((*command, *bind), env, web_log), launch((*command, "worker"), env, worker_log)]
    try:
        _until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), web_log)
        _until(lambda: " ready." in worker_log.read_text(encoding="utf-8"), worker_log)
        parts.append(launch((sys.executable, "-c", HINT), env, folder / "hint.log"))
        ground.stub.reset()
        _until(lambda: ground.stub.report()["posts"] > 0, worker_log)
        return _figures(ground, Family(parts[0].pid), database, port, calls, first=size - calls + 1)
    finally:
        for part in reversed(parts):
            end(part, within=grace(5))


def _figures(ground: Ground, web: Family, database: str, port: int, calls: int, *, first: int) -> StopFigures:
    before, posts = machine.cpu([web]), ground.stub.report()["posts"]
    words = [sys.executable, "-m", "tests.bench.caller", str(port), str(RATE), str(calls), str(first)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    took = sorted(said["ms"])
    return StopFigures(
        database=database,
        rate=RATE,
        calls=calls,
        refused=calls - said["statuses"].get("200", 0),
        p50_ms=statistics.median(took),
        p99_ms=took[int(len(took) * 0.99)],
        max_ms=took[-1],
        caller_cpu_share=said["cpu_share"],
        cpu_ms_web=1000 * (machine.cpu([web]) - before) / calls,
        sent_meanwhile=ground.stub.report()["posts"] - posts,
    )


def _until(condition: Any, log: Path) -> None:
    in_time = grace(READY_WITHIN)
    while not condition():
        if not in_time():
            raise Failed(f"stops: not ready{tail(log)}")
        time.sleep(0.05)
