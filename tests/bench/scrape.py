"""What is done every second, beside no old message and beside millions: a scrape, a status, the day's page, a claim.

On PostgreSQL, Redis answering; the scrape through the web part's whole chain. Today is the same both times.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import ground
from tests.postgres import PrivatePostgres
from worker.sandbox.redis_server import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MESSAGES, PORTION = 3_000_000, 1_000_000
TODAY = 20_000  # planned messages, of which a few are due
ROUNDS, WARM = 200, 20
MOST_MS = 50.0  # of a scrape, at the 95th of a hundred
SAME, NOISE_MS = 1.5, 2.0  # the others may take so much longer than before, or so many milliseconds
ENDED = ("delivered", "cancelled", "missed", "withheld")
COLUMNS = (
    "clinic_id, client_id, contact_id, standing_id, address_sealed, channel, purpose, cls, kind, version_id, step_id, "
    "treatment_id, appointment_id, care_id, generation, resend, language, zone, wall_time, reason, "
    "created_at, decided_at, sent_at, provider_id, attempts"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of one thing, before the old messages were there and after.

    Whether it costs the same is asked of the fastest tenth: what else the machine does meanwhile is least in it.
    """

    name: str
    before: list[float]
    after: list[float]

    @property
    def growth(self) -> float:
        """How many times as long the fastest tenth takes now."""
        return _tenth(self.after) / _tenth(self.before)

    @property
    def p95(self) -> float:
        """What 95 of 100 keep within."""
        return statistics.quantiles(self.after, n=20)[-1]

    @property
    def good_enough(self) -> bool:
        """A scrape within what was promised; everything as fast as before."""
        same = self.growth <= SAME or _tenth(self.after) <= _tenth(self.before) + NOISE_MS
        return same and (self.name != "scrape" or self.p95 < MOST_MS)


def _tenth(times: list[float]) -> float:
    return statistics.quantiles(times, n=10)[0]


def main(messages: int = MESSAGES) -> int:
    """Fill, measure, print; 0 when all is good enough, else 1."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftercare-bench-scrape-")))
        postgres = stack.enter_context(PrivatePostgres(settings={"max_wal_size": "8GB"}))
        redis = stack.enter_context(PrivateRedis(folder / "redis"))
        postgres.create("scrape")
        own = {"DATABASE_URL": postgres.url("scrape"), "AFTERCARE_HOME": str(folder / "home"),
               "REDIS_URL": redis.broker_url, "METRICS_TOKEN": "bench", "LOG_LEVEL": "ERROR",
               "PUBLIC_URL": "http://127.0.0.1:8000", "DJANGO_SETTINGS_MODULE": "config.settings"}  # fmt: skip
        os.environ.update(own | dict(ground.keys()))
        import django

        django.setup()
        figures = list(_measured(messages))
        print(table(messages, figures, _gigabytes()), end="")
        from django.db import connection

        connection.close()
    return 0 if all(each.good_enough for each in figures) else 1


def _measured(messages: int) -> Iterator[Figures]:
    """A few real rows, one of them multiplied inside the database: today's, then the old ones beside them."""
    from django.core.management import call_command

    from tests import builders

    call_command("migrate", verbosity=0, interactive=False)
    builders.house()
    builders.alice()
    _fill(1, TODAY, state="'planned'", due="(n % 8760) * interval '1 hour' - interval '5 minutes'")
    _vacuum()
    things = _things()
    before = {name: _times(thing) for name, thing in things.items()}
    ended = ", ".join(f"'{each}'" for each in ENDED)
    for first in range(TODAY + 1, TODAY + messages + 1, PORTION):
        last = min(first + PORTION - 1, TODAY + messages)
        _fill(first, last, state=f"(ARRAY[{ended}])[1 + n % {len(ENDED)}]", due="- (24 + n % 8760) * interval '1 hour'")
    _vacuum()
    for name, thing in things.items():
        yield Figures(name, before[name], _times(thing))


def _fill(first: int, last: int, *, state: str, due: str) -> None:
    """Messages number `first` to `last`, without the checks that each row's references exist: they are one row's."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            f"INSERT INTO aftercare_message ({COLUMNS}, occasion, state, due_at, expires_at) "
            f"SELECT {COLUMNS}, 'bench:' || n, {state}, now() + {due}, now() + interval '2 years' "
            "FROM (SELECT * FROM aftercare_message WHERE channel = 'sms' LIMIT 1) AS one, "
            f"generate_series({int(first)}, {int(last)}) AS n"
        )
        cursor.execute("RESET session_replication_role")


def _vacuum() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE aftercare_message")


def _gigabytes() -> float:
    """What the messages take on the disk, with their indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('aftercare_message')")
        return float(cursor.fetchone()[0]) / 1e9


def _times(thing: Callable[[], Any]) -> list[float]:
    """Milliseconds of each of many, after a few to warm up."""
    taken = []
    for number in range(ROUNDS + WARM):
        began = time.perf_counter()
        thing()
        if number >= WARM:
            taken.append((time.perf_counter() - began) * 1e3)
    return taken


def _things() -> dict[str, Callable[[], Any]]:
    """What is measured; each leaves the database as it was."""
    from django.test import Client

    from worker import clock
    from worker.models import Clinic
    from worker.reading.house import house
    from worker.reading.today import today

    clinic = Clinic.objects.get(slug="lakeside")
    browser = Client(SERVER_NAME="127.0.0.1")

    def scrape() -> None:
        answer = browser.get("/metrics", headers={"Authorization": "Bearer bench"})
        assert answer.status_code == 200, answer.content

    def looked() -> None:
        assert house(now=clock.now(), machine=clock.machine())["today"]["whole"]

    def day() -> None:
        assert today(clinic, now=clock.now()).going

    return {"scrape": scrape, "status": looked, "today's page": day, "round and claim": _claimed}


def _claimed() -> None:
    """What a worker does each second before it writes a text: look for what is due, close what is late, claim."""
    from datetime import timedelta

    from django.db import transaction

    from worker import clock
    from worker.actions.send.claim import claim
    from worker.actions.send.due import close_missed, promote

    now, machine = clock.now(), clock.machine()
    with transaction.atomic():
        promote(now=now)
        close_missed(now=now, machine=machine)
        lease = timedelta(seconds=30)
        assert claim(channel="sms", limit=60, now=now, machine=machine, lease=lease, worker="bench")
        transaction.set_rollback(True)


def table(messages: int, figures: list[Figures], gigabytes: float) -> str:
    """A line for each thing."""
    lines = [f"beside {messages:,} old messages, {gigabytes:.1f} GB with their indexes"]
    for each in figures:
        verdict = "" if each.good_enough else "   TOO SLOW"
        medians = f"before {statistics.median(each.before):6.1f} ms   now {statistics.median(each.after):6.1f} ms"
        fastest = f"fastest tenth {_tenth(each.before):6.1f} to {_tenth(each.after):6.1f} ms, {each.growth:.2f} times"
        lines.append(f"  {each.name:16} {medians}, p95 {each.p95:6.1f} ms   {fastest}{verdict}")
    return "\n".join(lines) + "\n"
