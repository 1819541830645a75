"""A house that is watched: PostgreSQL, Redis, web, worker and beat, with a real Prometheus under the shortened rules.

The web part reaches the database over a wire that can be slow or shut, and its clock can be wrong; the worker does not.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django
import yaml

from config.keys import fresh_key
from tests.alerts.shortened import shortened
from tests.postgres import PrivatePostgres
from tests.processes import prometheus
from tests.processes.commands import settings
from tests.processes.houses import Desk, RunningHouse, settle
from tests.soak.fleet import clock_of, step_clock
from tests.soak.ground import INSIDE, _through
from tests.soak.wires import Wires

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from worker.sandbox.process import Part

TOKEN = "only-the-monitoring-knows"
WIRE = "database"
LAKESIDE = "+12125550100"  # the clinic's number


class WatchedHouse(RunningHouse):
    """The house on its private PostgreSQL; `url` is the database past the wire."""

    def __init__(self, home: Path, *, wires: Wires, url: str, server: PrivatePostgres, **environ: str) -> None:
        self.wires, self.url, self.server = wires, url, server
        self._far = _through(url, wires.open(WIRE, server.port))
        super().__init__(home, DATABASE_URL=url, **environ)

    def parts(self) -> list[Part]:
        """The web part by the wire, with a clock of its own."""
        step_clock(self.home, "web", 0)
        own = {"DATABASE_URL": self._far, "PYTHONPATH": INSIDE, "SOAK_CLOCK": str(clock_of(self.home, "web"))}
        return [replace(each, env={**each.env, **own}) if each.name == "web" else each for each in self.house.parts]

    def leap_to(self, moment: datetime | str) -> None:
        """Step the calendar and wait for nobody: the worker may be frozen."""
        from worker import clock

        at = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
        clock.step_to(max(at, clock.now()))

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """PostgreSQL is stopped, and the desk begins anew: its line died with the server."""
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()
        self.desk.close()
        self.desk = Desk(self.env, self.home / "log" / "desk.log")

    def replace_part(self, name: str, *argv: str) -> None:
        """Start a part anew with another command."""
        with self.supervisor._lock:
            (running,) = [each for each in self.supervisor._parts if each.part.name == name]
            running.part = replace(running.part, argv=argv)
            assert running.process is not None
            running.process.kill()


def lay(stack: ExitStack, folder: Path) -> tuple[WatchedHouse, prometheus.Prometheus]:
    """The running house, and the Prometheus that has scraped both parts."""
    server = stack.enter_context(PrivatePostgres(settings={"autovacuum": "off"}))
    wires = stack.enter_context(Wires())
    keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
    url = server.create("aftercare")
    home = folder / "home"
    home.mkdir()
    settle(settings(AFTERCARE_HOME=str(home), DATABASE_URL=url, **keys), folder / "settle.log")
    with _free_address() as address:
        house = WatchedHouse(
            home, wires=wires, url=url, server=server, **keys, WORKER_METRICS=address, METRICS_TOKEN=TOKEN,
            RECONCILE_SECONDS="1", DOUBT_SECONDS="1", LEASE_SECONDS="15", SEND_SLOTS="8",
        )  # fmt: skip
    os.environ.update(house.env)
    django.setup()  # the story's opening hour knows the rules
    stack.enter_context(house)
    watching = prometheus.Prometheus(
        _made(folder / "prometheus"), {"aftercare": house.house.plan.web_url.removeprefix("http://"),
                                       "aftercare-worker": address}, TOKEN, rules=_rules(folder), every="1s",
    )  # fmt: skip
    stack.enter_context(watching)
    for job in ("aftercare", "aftercare-worker"):
        watching.waits_for(f'up{{job="{job}"}} == 1')
    return house, watching


def _rules(folder: Path) -> Path:
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump(shortened(shipped())), encoding="utf-8")
    return file


def shipped() -> dict[str, Any]:
    """The rule file as it is shipped."""
    rules: dict[str, Any] = yaml.safe_load((prometheus.MONITORING / "alerts.yml").read_text(encoding="utf-8"))
    return rules


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@contextmanager
def _free_address() -> Iterator[str]:
    """An address that stays taken until the house has chosen its own ports."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def frozen(house: RunningHouse, part: str) -> Iterator[None]:
    """A part with all its processes stops, as on a suspended machine."""
    group = os.getpgid(house.supervisor.pids()[part])
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)
