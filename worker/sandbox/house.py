"""The parts of an embedded installation: what `aftercare up` and `aftercare demo` start, in order."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.environment import secret
from config.keys import embedded_keys, sandbox_account
from worker.sandbox.lockfile import CannotStartError, check_port, ensure_home
from worker.sandbox.process import Part
from worker.sandbox.redis_server import PrivateRedis

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOOPBACK = "127.0.0.1"
COMMAND = (sys.executable, "-m", "worker.management.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where everything listens: the web part's port, and the next ones for the sandbox's pages, API and mail.

    With `metrics` the worker's own /metrics has the one after those.
    """

    home: Path
    port: int
    stepped: bool = False  # the calendar may be stepped (only the sandbox)
    tick_milliseconds: int = 1000
    metrics: bool = False

    @property
    def phones_port(self) -> int:
        """The sandbox's pages and control."""
        return self.port + 1

    @property
    def api_port(self) -> int:
        """The sandbox's Twilio API alone, so that an outage can close it."""
        return self.port + 2

    @property
    def smtp_port(self) -> int:
        """The sandbox's mail sink."""
        return self.port + 3

    @property
    def metrics_port(self) -> int:
        """The worker's own metrics."""
        return self.port + 4

    @property
    def web_url(self) -> str:
        """Where the web part answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def phones_url(self) -> str:
        """Where the phones are shown."""
        return f"http://{LOOPBACK}:{self.phones_port}"

    @property
    def calendar(self) -> Path:
        """The file that holds the calendar's offset."""
        return self.home / "calendar"


class House:
    """The parts and the environment they share. Raises CannotStartError with the mend when it can't stand here."""

    def __init__(self, plan: Plan, *, environ: Mapping[str, str] | None = None) -> None:
        """Prepare the parts; `environ` is laid over our own environment, an empty value as good as unset."""
        self.plan = plan
        self._over = dict(environ or {})
        given = {**os.environ, **self._over}
        ensure_home(plan.home)
        self.sandboxed = (given.get("SMS_CHANNEL") or "sandbox") == "sandbox"
        self._mail_sandboxed = (given.get("EMAIL_URL") or "sandbox") == "sandbox"
        if plan.port < 1:  # "any free port" can't be the first of several neighbours
            raise CannotStartError(f"--port {plan.port} is no port: choose a number from 1024 up, --port 8000.")
        own = plan.metrics and not given.get("WORKER_METRICS")
        for port in [plan.port, *self._sandbox_ports(), *([plan.metrics_port] if own else [])]:
            check_port(port)
        self.worker_metrics = f"{LOOPBACK}:{plan.metrics_port}" if own else given.get("WORKER_METRICS", "")
        self.database = "PostgreSQL, as DATABASE_URL says" if given.get("DATABASE_URL") else "SQLite in the home folder"
        self.redis = None if given.get("REDIS_URL") else PrivateRedis(plan.home / "redis")
        self._public_url = given.get("PUBLIC_URL") or plan.web_url
        self._secret_key = self._over["SECRET_KEY"] if "SECRET_KEY" in self._over else secret("SECRET_KEY")
        self.env = self._environment()
        self.parts = self._parts()

    def _sandbox_ports(self) -> list[int]:
        needed = self.sandboxed or self._mail_sandboxed
        return [self.plan.phones_port, self.plan.api_port, self.plan.smtp_port] if needed else []

    def _environment(self) -> dict[str, str]:
        plan = self.plan
        env = {
            "AFTERCARE_HOME": str(plan.home),
            "PUBLIC_URL": self._public_url,
            "SANDBOX_URL": plan.phones_url,
            "SANDBOX_API_URL": f"http://{LOOPBACK}:{plan.api_port}",
            "SANDBOX_SMTP_URL": f"smtp://{LOOPBACK}:{plan.smtp_port}",
            "TICK_MILLISECONDS": str(plan.tick_milliseconds),
            "WORKER_METRICS": self.worker_metrics,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        }
        if self.redis is not None:
            env["REDIS_URL"] = self.redis.broker_url
        if plan.stepped:
            env["CALENDAR_FILE"] = str(plan.calendar)
            env["SECOND_FACTOR_FOR"] = "nobody"  # the demo: a newcomer looks at the desk at once
        return {**self._over, **{name: value for name, value in env.items() if value}}

    def migrate(self) -> None:
        """Bring the database up to date. Raises CannotStartError with what the command said."""
        done = subprocess.run(
            [*COMMAND, "migrate", "--quiet"],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotStartError(f"The database could not be prepared.\n{done.stderr.strip()[-2000:]}")

    def _parts(self) -> list[Part]:
        """Redis, the outside, the web, the worker and its beat."""
        parts = [self._web(), self._worker(), self._beat()]
        if self._sandbox_ports():
            parts.insert(0, self._provider())
        if self.redis is not None:
            redis = self.redis
            parts.insert(0, Part(name="redis", argv=redis.argv, ready=redis.answers, ready_within=10))
        return parts

    def _provider(self) -> Part:
        plan = self.plan
        sid, token = sandbox_account(self._secret_key or embedded_keys(plan.home)["SECRET_KEY"])
        argv = [
            sys.executable, "-m", "worker.sandbox.provider", "--host", LOOPBACK, "--port", str(plan.phones_port),
            "--api-port", str(plan.api_port), "--smtp-port", str(plan.smtp_port), "--account-sid", sid,
            "--auth-token", token, "--public-url", plan.web_url, "--state-dir", str(plan.home / "outside"),
        ]  # fmt: skip
        if plan.stepped:
            argv += ["--calendar-file", str(plan.calendar)]
        return Part(
            name="provider", argv=tuple(argv), env=self.env, ready=lambda: answers(f"{plan.phones_url}/sandbox/quiet")
        )

    def _web(self) -> Part:
        plan = self.plan
        argv = (*COMMAND, "web", "--bind", f"{LOOPBACK}:{plan.port}")
        return Part(name="web", argv=argv, env=self.env, ready=lambda: answers(f"{plan.web_url}/healthz"))

    def _worker(self) -> Part:
        alive = self.plan.home / "worker.alive"
        alive.unlink(missing_ok=True)
        env = {**self.env, "HEARTBEAT_FILE": str(alive)}
        return Part(name="worker", argv=(*COMMAND, "worker"), env=env, ready=alive.exists, stop_grace=45)

    def _beat(self) -> Part:
        return Part(name="beat", argv=(*COMMAND, "beat"), env=self.env)


def answers(url: str) -> bool:
    """True when `url` answers 200 within a second; never raises."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's own
    except OSError:
        return False
