"""What a soak stands on: a home, a database, wires, Redis, and the parts with the environment that they share."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from config.keys import fresh_key
from tests.postgres import PrivatePostgres
from tests.processes.commands import ROOT, settings
from tests.soak.fleet import Fleet, clock_of, step_clock
from tests.soak.wires import Wires
from worker.sandbox.demo import free_ports
from worker.sandbox.house import House, Plan
from worker.sandbox.provider.client import Sandbox
from worker.sandbox.redis_server import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from worker.sandbox.process import Part

LEASE = 15
INSIDE = os.pathsep.join((str(Path(__file__).with_name("mutant")), str(ROOT)))  # so that its sitecustomize is found
WORRIED = {
    "LEASE_SECONDS": str(LEASE), "SEND_SLOTS": "6", "MAIL_SLOTS": "4", "RECONCILE_SECONDS": "2", "DOUBT_SECONDS": "10",
    "PROVIDER_TIMEOUT_SECONDS": "5", "SMS_PER_SECOND": "200", "MAIL_PER_SECOND": "200",
    "LOG_LEVEL": "WARNING", "LOG_FORMAT": "json",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where everything is: `url` is the database itself, past its wire."""

    home: Path
    url: str
    env: Mapping[str, str]
    fleet: Fleet
    sandbox: Sandbox
    outside: Path


def lay(stack: ExitStack, home: Path, *, postgres: bool, mutation: str = "") -> Ground:
    """Prepare everything in `home`, and be Django's process for it; the parts don't run yet.

    Raises CannotStart or CannotStartError with the mend.
    """
    home.mkdir(parents=True)
    _keep_bytecode()
    wires = stack.enter_context(Wires())
    server = stack.enter_context(PrivatePostgres(settings={"track_commit_timestamp": "on"})) if postgres else None
    redis = PrivateRedis(home / "redis", port=0)
    stack.callback(redis.close)
    redis.start()
    url = server.create("aftercare") if server else f"sqlite:///{home / 'aftercare.sqlite3'}"
    plan = Plan(home=home, port=free_ports(4), stepped=True, tick_milliseconds=200)
    house = House(plan, environ=settings(**_environ(wires, redis, plan, url, server)))
    env = house.env | {
        "SANDBOX_API_URL": f"http://127.0.0.1:{wires.open('provider', plan.api_port)}",
        "SANDBOX_SMTP_URL": f"smtp://127.0.0.1:{wires.open('mail', plan.smtp_port)}",
    }
    ours = {**env, "DATABASE_URL": url}
    theirs = {**env, **_mutated(mutation)}
    sandbox = Sandbox(plan.phones_url)
    fleet = Fleet(_parts(house, theirs), home, wires=wires, redis=redis, sandbox=sandbox)
    fleet.postgres = server
    os.environ.update(ours)
    return Ground(home=home, url=url, env=ours, fleet=fleet, sandbox=sandbox, outside=home / "outside")


def _keep_bytecode() -> None:
    """Else each worker that is started again would compile its libraries anew: three seconds instead of one."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / "var" / "bytecode")


def _environ(wires: Wires, redis: PrivateRedis, plan: Plan, url: str, server: PrivatePostgres | None) -> dict[str, str]:
    keys = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}
    database = _through(url, wires.open("database", server.port)) if server else url
    broker = _through(redis.broker_url, wires.open("redis", redis.port or 0))
    web = f"http://127.0.0.1:{wires.open('web', plan.port)}"
    return {**WORRIED, **keys, "DATABASE_URL": database, "REDIS_URL": broker, "PUBLIC_URL": web}


def _through(url: str, port: int) -> str:
    """The same address by way of a wire."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))


def _mutated(mutation: str) -> dict[str, str]:
    return {"PYTHONPATH": INSIDE, "SOAK_MUTATION": mutation} if mutation else {}


def _parts(house: House, env: Mapping[str, str]) -> list[Part]:
    """Two of what may be doubled; the provider hears us, and calls us, over the wires."""
    parts = {part.name: part for part in house.parts}
    provider = parts["provider"]
    argv = [env["PUBLIC_URL"] if word == house.plan.web_url else word for word in provider.argv]
    made = [replace(provider, argv=tuple(argv)), replace(parts["web"], env=env)]
    for number in (1, 2):
        alive = house.plan.home / f"worker-{number}.alive"
        step_clock(house.plan.home, f"worker-{number}", 0)
        its_own = {"HEARTBEAT_FILE": str(alive), "SOAK_CLOCK": str(clock_of(house.plan.home, f"worker-{number}"))}
        beating = {**env, **its_own, "PYTHONPATH": INSIDE}
        made.append(replace(parts["worker"], name=f"worker-{number}", env=beating, ready=alive.exists))
        made.append(replace(parts["beat"], name=f"beat-{number}", env=env))
    return made
