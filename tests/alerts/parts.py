"""What becomes of our own parts: frozen, slow, shut off, with a wrong clock, or with somebody else in their room."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import redis

from tests.alerts.ground import LAKESIDE, WIRE, frozen
from tests.processes.commands import COMMAND, ROOT
from tests.processes.witness import until
from tests.soak.fleet import step_clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.alerts.watch import Watch

SLOWLY = 0.03  # seconds: more than the lowered threshold, and no more than a scrape can bear
DEAD = 100_001
OPEN = ("planned", "held")


def the_house_falls_ill(watch: Watch) -> None:
    """The worker is frozen for half a minute; meanwhile one thing after the other is wrong."""
    the_database_is_away(watch)
    began = time.monotonic()
    with open_transaction(watch), frozen(watch.house, "worker"):
        dead_rows(watch)
        forged(watch)
        a_slow_database(watch)
        a_wrong_clock(watch)
        watch.fires("SweepStopped", since=began)
        watch.fires("WorkerUnseen", since=began)
        watch.fires("QueueGrows", since=began)
        a_full_broker(watch)
        watch.fires("NoWorker", since=began)
        nobody_decides(watch)
        one_queue_is_nobodys(watch)
        watch.fires("OldTransaction", since=began)


def they_are_gone(watch: Watch) -> None:
    """The beat, Redis and the web part, each frozen for a while."""
    for part, alert in (("beat", "BeatSilent"), ("redis", "BrokerDown"), ("web", "WebDown")):
        until(lambda alert=alert: not watch.prometheus.ask(f'ALERTS{{alertname="{alert}"}}'))
        with ExitStack() as stack:
            watch.causes(lambda part=part: stack.enter_context(frozen(watch.house, part)), alert)


def the_code_is_newer(watch: Watch) -> None:
    """The newest migration is taken back, as if the web part had been started before it."""
    *_, before, _newest = sorted(file.stem for file in (ROOT / "worker" / "migrations").glob("0*.py"))
    words = [sys.executable, "-m", "django", "migrate", "aftercare", before]
    env = {**os.environ, **watch.house.env, "DJANGO_SETTINGS_MODULE": "config.settings"}
    watch.causes(lambda: subprocess.run(words, cwd=ROOT, env=env, check=True, capture_output=True), "SchemaBehind")


@contextmanager
def open_transaction(watch: Watch) -> Iterator[None]:
    """Somebody's session begins and goes to lunch; the vacuum can clean nothing meanwhile."""
    with psycopg.connect(watch.house.url) as line:
        line.execute("SELECT count(*) FROM aftercare_ready")
        yield
        line.close()  # the runbook has ended it


def dead_rows(watch: Watch) -> None:
    """A hundred thousand rows come and go in the table of what is due."""
    columns = "message_id, clinic_id, channel, due_at, free_at, lease, worker"

    def deed() -> None:
        with psycopg.connect(watch.house.url, autocommit=True) as line:
            line.execute("SET session_replication_role = replica")  # these rows are of no message
            line.execute(f"INSERT INTO aftercare_ready ({columns}) SELECT -n, 1, 'none', now(), now(), 0, '' "
                         f"FROM generate_series(1, {DEAD}) AS n")  # fmt: skip
            line.execute("DELETE FROM aftercare_ready WHERE message_id < 0")

    watch.causes(deed, "DeadRows")


def forged(watch: Watch) -> None:
    """Webhooks that nobody has signed."""

    def deed() -> None:
        for _ in range(30):
            _post(watch, "/hooks/twilio/inbound")

    _post(watch, "/hooks/twilio/inbound")
    watch.prometheus.waits_for('aftercare_http_request_seconds_count{view="twilio_inbound",code_class="4xx"}')
    watch.causes(deed, "WebhooksForged")


def the_database_is_away(watch: Watch) -> None:
    """PostgreSQL is stopped when a STOP comes; the provider repeats it a few times, and its list tells of it later."""
    who = list(watch.crowd.values())[-1]

    def deed() -> None:
        with watch.house.without_database():
            watch.house.sandbox.reply(who, "STOP", to=LAKESIDE)
            watch.prometheus.waits_for('ALERTS{alertname="DatabaseDown",alertstate="firing"}')

    until(lambda: not watch.prometheus.ask('ALERTS{alertname="DatabaseDown"}'))  # it was away for the copy as well
    watch.causes(deed, "DatabaseDown", "StopsNotTaken")


def a_slow_database(watch: Watch) -> None:
    """Every answer of the database takes 30 ms more."""
    watch.causes(lambda: watch.house.wires.slow(WIRE, SLOWLY), "DatabaseSlow")
    watch.house.wires.slow(WIRE, 0)


def a_wrong_clock(watch: Watch) -> None:
    """The web part's clock is two seconds fast."""
    watch.causes(lambda: step_clock(watch.house.home, "web", 2.0), "ClockSkew")
    step_clock(watch.house.home, "web", 0)


def a_full_broker(watch: Watch) -> None:
    """Redis is told to evict, and to hold little more than it holds."""
    line = _redis(watch)
    used = int(line.info("memory")["used_memory"])
    watch.causes(lambda: line.config_set("maxmemory-policy", "allkeys-lru"), "BrokerMayForget")
    assert line.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction", "doctor --fix has mended it"
    watch.causes(lambda: line.config_set("maxmemory", int(used * 1.2)), "BrokerFull")
    line.config_set("maxmemory", 0)
    line.close()


def nobody_decides(watch: Watch) -> None:
    """The calendar goes beyond the useful time of something that is open."""
    rows = watch.house.cli("messages", "--json").data
    first = min(row["expires_at"] for row in rows if row["state"] in OPEN)
    watch.causes(lambda: watch.house.leap_to(datetime.fromisoformat(first) + timedelta(minutes=10)), "Undecided")


def one_queue_is_nobodys(watch: Watch) -> None:
    """The only worker that is alive takes no texts."""
    env = {**os.environ, **watch.house.env, "WORKER_METRICS": ""}
    words = [*COMMAND, "worker", "--concurrency", "1", "--queues", "email,tend"]
    with ExitStack() as stack:

        def deed() -> None:
            worker = subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(worker.wait, timeout=30)
            stack.callback(worker.terminate)

        watch.causes(deed, "QueueUnserved")


def _redis(watch: Watch) -> Any:
    from worker.broker import plain_url

    return redis.Redis.from_url(plain_url(watch.house.env["REDIS_URL"]), decode_responses=True)


def _post(watch: Watch, path: str) -> None:
    asked = urllib.request.Request(
        watch.house.house.plan.web_url + path, b"Body=STOP", {"X-Twilio-Signature": "forged"}
    )
    try:
        urllib.request.urlopen(asked, timeout=10).close()
    except urllib.error.HTTPError as refused:
        refused.close()
