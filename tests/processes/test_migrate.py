"""Two `migrate` at once, as two containers that start together do: one works, the other waits; no traceback (P12)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from config.keys import fresh_key
from tests.postgres import PrivatePostgres, find_binaries
from tests.processes.commands import ROOT, run, settings
from worker.management import migrating

pytestmark = pytest.mark.processes

OWN = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request, tmp_path):
    """The environment of an installation whose database is empty."""
    if request.param == "sqlite":
        yield settings(AFTERCARE_HOME=str(tmp_path / "home"))
        return
    if find_binaries() is None:
        pytest.skip("no PostgreSQL here")
    with PrivatePostgres(settings={"fsync": "off"}) as server:
        yield settings(AFTERCARE_HOME=str(tmp_path / "home"), DATABASE_URL=server.create("fresh"), **OWN)


def test_two_at_once_are_one_after_the_other(fresh):
    """Both exit 0, and the tables are there once."""
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: run("migrate", "--quiet", env=fresh), range(2)))
    assert [(each.returncode, each.stdout) for each in done] == [(0, ""), (0, "")], [each.stderr for each in done]
    assert "up to date" in run("doctor", "--no-network", env=fresh).stdout


IMPATIENT = """
from worker.management import cli, migrating
migrating.LONGEST = 0.3
raise SystemExit(cli.main(["migrate", "--quiet"]))
"""


@contextmanager
def _held(env):
    """The lock of a `migrate` that never ends."""
    if env["DATABASE_URL"]:
        with psycopg.connect(env["DATABASE_URL"]) as line:
            line.execute("SELECT pg_advisory_lock(%s)", [migrating.LOCK])
            yield
    else:
        home = Path(env["AFTERCARE_HOME"])
        home.mkdir()
        with (home / "aftercare.sqlite3-migrate").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def test_one_that_never_ends_is_named(fresh):
    """After a while the second gives up with its mend, and has changed nothing."""
    with _held(fresh):
        told = subprocess.run(
            [sys.executable, "-c", IMPATIENT], cwd=ROOT, env={**os.environ, **fresh}, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == "database: another migrate runs; let it end, or end it, then try again\n"
    assert "has no tables yet" in run("messages", env=fresh).stderr


def test_a_database_that_is_away_is_a_line(tmp_path):
    """As with every other verb: what is wrong, and the mend; no secret."""
    env = settings(AFTERCARE_HOME=str(tmp_path), DATABASE_URL="postgres://a:secret@127.0.0.1:1/x", **OWN)
    told = run("migrate", env=env)
    assert (told.returncode, len(told.stderr.splitlines())) == (1, 1)
    assert "DATABASE_URL: the database does not answer" in told.stderr
    assert "secret" not in told.stderr
