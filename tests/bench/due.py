"""What it costs to find what is due, beside ten thousand planned messages and beside millions: `--only due`.

One second of a worker that sends a hundred texts: end what nobody may read any more, bring what is due within the hour
into the ready table, count what waits, claim a hundred. What counts is CPU, the process's and the database's together:
others use this machine, and its disk, as well. A real message is multiplied inside the database, its copies a
hundred to each second of the coming weeks and strewn over the whole table, as plans of many enrolments lie there. Each
database is filled and measured in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import ground
from tests.postgres import PrivatePostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

FEW = 10_000
MANY = {"postgresql": 10_000_000, "sqlite": 1_000_000}
MOST_RATIO = 1.5
A_SECOND = 100  # messages due in one second, and claimed at once
WARM, ROUNDS = 20, 75  # seconds; together fewer than FEW holds
STEPS = ("close_missed", "promote", "waiting", "claim")
PRIME = 7_368_787  # walks through every place of a table once: it divides none of the sizes
FORGET = "PRAGMA foreign_keys = OFF", "SET session_replication_role = replica"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFigures:
    """Milliseconds of CPU of one second, and of the wall for each step, in a quiet one."""

    database: str
    pending: int
    steps: dict[str, float]
    cpu_ms: float
    filled_s: float


def main(output: Path) -> int:
    """Measure each database few and full, print; 0 when the full ones cost no more than half as much again, else 1."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftercare-bench-due-")))
        postgres = stack.enter_context(PrivatePostgres())
        own = {"AFTERCARE_HOME": str(folder), "PUBLIC_URL": "http://127.0.0.1:8000", "LOG_LEVEL": "ERROR",
               "DJANGO_SETTINGS_MODULE": "config.settings", **dict(ground.keys())}  # fmt: skip
        found = {}
        for database, most in MANY.items():
            for pending in (FEW, most):
                where = f"sqlite:///{folder}/{pending}.sqlite3"
                if database == "postgresql":
                    postgres.create(f"due_{pending}")
                    where = postgres.url(f"due_{pending}")
                found[database, pending] = _elsewhere({**own, "DATABASE_URL": where}, pending)
                print(line(found[database, pending]), flush=True)
    ratios = {name: found[name, most].cpu_ms / found[name, FEW].cpu_ms for name, most in MANY.items()}
    for name, ratio in ratios.items():
        print(f"{name:12} {MANY[name]:>12,} cost {ratio:.2f} times {FEW:,}  (at most {MOST_RATIO:g})")
    output.parent.mkdir(parents=True, exist_ok=True)
    said = {"due": [asdict(each) for each in found.values()], "ratios": ratios, "at_most": MOST_RATIO}
    output.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    return 0 if max(ratios.values()) <= MOST_RATIO else 1


def line(figures: DueFigures) -> str:
    """One row of the report."""
    steps = "  ".join(f"{name} {figures.steps[name]:.2f}" for name in STEPS)
    cpu = f"{figures.cpu_ms:6.2f} ms of CPU a second"
    return f"{figures.database:12} {figures.pending:>12,} planned: {cpu}  (wall: {steps})"


def _elsewhere(environment: Mapping[str, str], pending: int) -> DueFigures:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.due", str(pending)],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return DueFigures(**json.loads(done.stdout))


def measure(pending: int) -> DueFigures:
    """Fill the database of this process, and let its seconds pass."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from tests import builders
    from worker.models import Message, Ready

    call_command("migrate", verbosity=0, interactive=False)
    builders.house()
    builders.alice()
    one = Message.objects.filter(channel="sms", cls="course").latest("pk")
    start, began = builders.NOW + timedelta(days=1), time.monotonic()
    Message.objects.all().update(state="accepted")
    Ready.objects.all().delete()
    _fill(one, pending, start)
    filled = time.monotonic() - began
    seconds = [_second(start + timedelta(seconds=number)) for number in range(WARM + ROUNDS)][WARM:]
    steps = {name: _quiet([each[name] for each in seconds]) for name in STEPS}
    cpu = _quiet([each["cpu"] for each in seconds])
    return DueFigures(database=connection.vendor, pending=pending, steps=steps, cpu_ms=cpu, filled_s=filled)


def _quiet(taken: Sequence[float]) -> float:
    """What three of four exceed: others use this machine too, and what they take is not ours."""
    return statistics.quantiles(taken, n=4)[0]


def _second(now: datetime) -> dict[str, float]:
    """One second's work in milliseconds; afterwards what was claimed is gone, as if it had been sent."""
    from worker.actions.send import claim, due
    from worker.models import Message, Ready

    soon = now + due.HORIZON
    lease = timedelta(seconds=30)
    taken: dict[str, float] = {}
    before = _cpu()
    for name, act in (
        ("close_missed", lambda: due.close_missed(now=now, machine=now)),
        ("promote", lambda: due.promote(now=now)),
        ("waiting", lambda: due.waiting(channel="sms", now=soon, machine=now, limit=A_SECOND)),
        ("claim", lambda: claim.claim(channel="sms", limit=A_SECOND, now=soon, machine=now, lease=lease, worker="b")),
    ):
        began = time.perf_counter()
        answer: Any = act()
        taken[name] = (time.perf_counter() - began) * 1e3
    taken["cpu"] = (_cpu() - before) * 1e3
    assert len(answer) == A_SECOND, len(answer)
    claimed = [each.message_id for each in answer]
    Message.objects.filter(pk__in=claimed).update(state="accepted")
    Ready.objects.filter(pk__in=claimed).delete()
    return taken


def _cpu() -> float:
    """Seconds that this process and its session's server have been at work."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return time.process_time()
    connection.ensure_connection()
    server = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text(encoding="ascii")
    return time.process_time() + int(server.split()[0]) / 1e9


def _fill(one: Any, pending: int, start: datetime) -> None:
    """Copies of one message: the n-th of them is due in second n * PRIME of the coming weeks."""
    from django.db import connection

    from worker.models import Message

    fields = [str(field.column) for field in Message._meta.concrete_fields if field.column != "id"]
    second = f"((n * {PRIME}) % {pending}) / {A_SECOND}"
    postgres = connection.vendor == "postgresql"
    new = {"occasion": "'due:' || n", "state": "'planned'", "reason": "''", "sent_at": "NULL",
           "due_at": _moment(start, second, 60), "expires_at": _moment(start, second, 300)}  # fmt: skip
    numbers = (
        f"generate_series(1::bigint, {pending}) AS n"
        if postgres
        else f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {pending}) SELECT n FROM c)"
    )
    with connection.cursor() as cursor:
        cursor.execute(FORGET[postgres])
        again = list(_without_indexes(cursor)) if postgres else []
        cursor.execute(
            f"INSERT INTO aftercare_message ({', '.join(fields)}) "
            f"SELECT {', '.join(new.get(name, f'one.{name}') for name in fields)} "
            f"FROM {numbers}, (SELECT * FROM aftercare_message WHERE id = {one.pk}) AS one"
        )
        for statement in again:
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE aftercare_message" if postgres else "ANALYZE")
        if postgres:
            cursor.execute("CHECKPOINT")


def _moment(start: datetime, second: str, minutes: int) -> str:
    """SQL for so many minutes and seconds after `start`, as each database stores a moment."""
    from django.db import connection

    first = start + timedelta(minutes=minutes)
    if connection.vendor == "postgresql":
        return f"'{first.isoformat()}'::timestamptz + ({second}) * interval '1 second'"
    return f"strftime('%Y-%m-%d %H:%M:%S', '{first:%Y-%m-%d %H:%M:%S}', '+' || ({second}) || ' seconds')"


def _without_indexes(cursor: Any) -> Iterator[str]:
    """Drop the table's plain indexes; the statements that make them again. Ten million rows one by one take an hour."""
    cursor.execute(
        "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = 'aftercare_message'::regclass AND NOT i.indisunique"
    )
    for name, made in cursor.fetchall():
        cursor.execute(f'DROP INDEX "{name}"')
        yield made


if __name__ == "__main__":
    print(json.dumps(asdict(measure(int(sys.argv[1])))))
