"""A shell beside a running house, with AFTERCARE_HOME alone, goes by the house's clock (P5, P12)."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from tests.processes.commands import COMMAND, ROOT, run, settings
from tests.processes.houses import settled_home
from tests.processes.witness import until
from worker.sandbox.demo import free_ports
from worker.sandbox.lockfile import LOCK_NAME, HomeLock

pytestmark = pytest.mark.processes

DAYS = 10


@pytest.fixture
def home(tmp_path):
    """A settled home whose calendar was stepped by ten days."""
    home = settled_home(tmp_path / "home")
    (home / "calendar").write_text(repr(timedelta(days=DAYS).total_seconds()), encoding="ascii")
    return home


def ahead(home, **environ):
    """By how many days `status` stands ahead of this machine."""
    done = run("status", "--json", env=settings(AFTERCARE_HOME=str(home), **environ))
    said = done.stdout[done.stdout.index('"now": "') + 8 :].partition('"')[0]
    return round((datetime.fromisoformat(said) - datetime.now(UTC)) / timedelta(days=1))


def test_the_clock_is_the_houses_while_it_stands(home):
    """Stepped while somebody holds the home and steps; not after, nor when what held it was killed."""
    with HomeLock(home, address="http://127.0.0.1:8000", calendar=home / "calendar"):
        assert ahead(home) == DAYS
        left_behind = (home / LOCK_NAME).read_bytes()
    assert ahead(home) == 0
    (home / LOCK_NAME).write_bytes(left_behind)
    assert ahead(home) == 0, "killed, so its words are still there"
    with HomeLock(home, address="http://127.0.0.1:8000"):
        assert ahead(home) == 0, "a house that steps nothing"


def test_no_real_channel_is_ever_stepped(home):
    """Rule 146: with real mail beside a house that steps, this shell goes by the wall clock."""
    with HomeLock(home, address="http://127.0.0.1:8000", calendar=home / "calendar"):
        assert ahead(home, EMAIL_URL="smtp://127.0.0.1:9") == 0


def test_the_command_with_a_demo_says_that_it_steps(tmp_path):
    """`make run` itself: its lock names the calendar."""
    lock = tmp_path / "home" / LOCK_NAME
    process = subprocess.Popen(
        [*COMMAND, "up", "--demo", "--port", str(free_ports(5))],
        cwd=ROOT, env={**os.environ, **settings(AFTERCARE_HOME=str(tmp_path / "home"))}, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until(lambda: lock.exists() and "calendar " in lock.read_text(encoding="utf-8"))
        assert str(tmp_path / "home" / "calendar") in lock.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
