"""A whole house in a temporary home: every part under the real supervisor, the outside, and a desk that stays open."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.processes import people
from tests.processes.commands import ROOT, settings
from worker.sandbox.demo import free_ports
from worker.sandbox.house import House, Plan
from worker.sandbox.parts import Event, Supervisor
from worker.sandbox.provider.client import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.sandbox.process import Part

TICK = 400  # milliseconds between beats: at 200 an idle house takes a quarter of a core from its neighbours


@dataclass(frozen=True, slots=True)
class Said:
    """What one verb printed, and its exit status."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


class Desk:
    """A driver process: see `tests.processes.driver`."""

    def __init__(self, env: dict[str, str], log: Path, *, cwd: Path = ROOT) -> None:
        self._log = log.open("ab")
        env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.processes.driver"],
            cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        self._one_at_a_time = threading.Lock()

    def ask(self, *words: str) -> Any:
        """One deed and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        said = json.loads(line or '{"broke": "the desk has closed"}')
        assert "broke" not in said, said["broke"]
        return said["is"]

    def cli(self, *arguments: object, code: int = 0) -> Said:
        """One verb of the command, which must end with `code`."""
        said = Said(**self.ask("cli", *map(str, arguments)))
        assert said.code == code, said
        return said

    def close(self) -> None:
        """Close up."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(timeout=30)
        self._log.close()


def settle(env: dict[str, str], log: Path) -> None:
    """Make the tables, load Lakeside, and let Dr Okafor approve."""
    desk = Desk(env, log)
    try:
        desk.cli("migrate", "--quiet")
        desk.cli("load", people.DEMO / "lakeside.toml")
        desk.cli("approve", people.PROTOCOL, "--by", people.OKAFOR)
    finally:
        desk.close()


@functools.cache
def _settled() -> Path:
    """A home that is settled once in a test run, whichever of its processes comes first: keys and a database."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
    folder = Path(tempfile.gettempdir()) / f"aftercare-settled-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            settle(settings(AFTERCARE_HOME=str(folder / "home")), folder / "log")
            (folder / "done").touch()
    return folder / "home"


def settled_home(home: Path) -> Path:
    """A copy of the settled home at `home`."""
    return Path(shutil.copytree(_settled(), home))


@dataclass(frozen=True, slots=True)
class Person:
    """A client as the desk enrolled her."""

    id: int
    phone: str
    email: str
    said: dict[str, Any]


class RunningHouse:
    """A house that is open: enrol people, step the calendar, and see what the outside saw."""

    def __init__(self, home: Path, **environ: str) -> None:
        plan = Plan(home=home, port=free_ports(4), stepped=True, tick_milliseconds=TICK)
        self.home = home
        self.house = House(plan, environ=settings(**environ))
        self.events: list[Event] = []
        self.supervisor = Supervisor(self.parts(), log_dir=home / "log", on_event=self.events.append)
        self.sandbox = Sandbox(plan.phones_url)
        self._watching = threading.Thread(target=self.supervisor.watch)
        self._numbers = itertools.count(1000)

    def parts(self) -> list[Part]:
        """What runs in it."""
        return self.house.parts

    @property
    def env(self) -> dict[str, str]:
        """What a command needs to find this house."""
        return self.house.env

    def __enter__(self) -> Self:
        self.supervisor.start()
        self._watching.start()
        self.desk = Desk(self.env, self.home / "log" / "desk.log")
        return self

    def __exit__(self, *_: object) -> None:
        self.desk.close()
        self.supervisor.stop()
        self._watching.join()
        if self.house.redis:
            self.house.redis.close()

    def cli(self, *arguments: object, code: int = 0) -> Said:
        """One verb of the command at the open desk."""
        return self.desk.cli(*arguments, code=code)

    def now(self) -> datetime:
        """The calendar's now."""
        return datetime.fromisoformat(self.desk.ask("now"))

    def step_to(self, moment: datetime | str, *, down: bool = False) -> None:
        """Step to a moment, or from where the calendar stands to a quiet house when it lies behind."""
        at = moment if isinstance(moment, str) else moment.isoformat()
        assert self.desk.ask("step-to", at, "down" * down), self.cli("status").out

    def quiet(self) -> None:
        """Wait until nothing is due or in flight."""
        assert self.desk.ask("quiet"), self.cli("status").out

    def morning(self) -> datetime:
        """Ten o'clock of the next weekday from Tuesday to Thursday in New York: a good hour to treat somebody."""
        from worker.sandbox.story import opening_hour

        self.step_to(opening_hour(self.now()))
        return self.now()

    def enrol(self, **changes: Any) -> Person:
        """Enrol the next client; the keyword arguments are those of `people.form`."""
        form = people.form(self.now(), number=next(self._numbers), **changes)
        return self.enrol_form(form)

    def enrol_form(self, form: dict[str, Any]) -> Person:
        """Enrol what the form says."""
        file = self.home / "form.json"
        file.write_text(json.dumps(form), encoding="utf-8")
        said = self.cli("enrol", file, "--json").data
        return Person(said["client"], form.get("phone", ""), form.get("email", ""), said)

    def messages(self, person: Person, **which: str) -> list[dict[str, Any]]:
        """Her messages in due order, those whose columns are as named."""
        rows = self.cli("messages", "--client", person.id, "--json").data
        return [row for row in rows if all(row[name] == value for name, value in which.items())]

    def message(self, person: Person, step: str, channel: str = "sms") -> dict[str, Any]:
        """Her newest message of one step on one channel."""
        return max(self.messages(person, step=step, channel=channel), key=lambda row: row["id"])

    def texts(self, person: Person) -> list[str]:
        """What her phone got, in order."""
        log = self.sandbox.log("create")
        return [each["params"]["Body"] for each in log if each["accepted"] and each["params"]["To"] == person.phone]

    def mails(self, person: Person) -> list[dict[str, Any]]:
        """What her mailbox got, in order."""
        return [each for each in self.sandbox.log("mail") if each["accepted"] and person.email in each["rcpt"]]

    def explain(self, row: dict[str, Any]) -> dict[str, Any]:
        """The story of one message."""
        told: dict[str, Any] = self.cli("explain", row["id"], "--json").data
        return told


@contextlib.contextmanager
def open_house(folder: Path, **environ: str) -> Iterator[RunningHouse]:
    """A house over SQLite, settled and running."""
    with RunningHouse(settled_home(folder / "home"), **environ) as running:
        yield running
