"""`aftercare status --watch` beside a database that dies: it says so soon, and its JSON stays JSON (P5)."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from queue import Empty, Queue

import pytest
from django.db import OperationalError

from tests.postgres import CannotStart, PrivatePostgres
from tests.processes.commands import COMMAND, ROOT, run, settings
from tests.reading.test_promptly import frozen
from worker.management import cli
from worker.management.cli import main
from worker.management.verbs import status


@pytest.fixture
def twice(house, monkeypatch):
    """Two pictures of a database that went away; then somebody ends it."""
    rounds = iter([None, KeyboardInterrupt()])

    def sleep(_):
        if (end := next(rounds)) is not None:
            raise end

    def away():
        raise OperationalError("could not connect to server: host secret.example")

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(status, "_said", away)
    monkeypatch.setattr(cli, "ready", lambda: None)


def test_each_line_is_a_document(twice, capsys):
    """Whoever reads line after line by a program reads that as well."""
    assert main(["status", "--watch", "1", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"error": "the database does not answer (OperationalError)"}] * 2


def test_people_read_a_sentence(twice, capsys):
    """The same without JSON; what the driver says may name a host, and is not repeated."""
    assert main(["status", "--watch", "1"]) == 1
    assert capsys.readouterr().out.splitlines() == ["the database does not answer (OperationalError)"] * 2


@pytest.mark.parametrize("how", [(), ("--json",), ("--check",)])
def test_once_it_is_refused_with_the_mend(twice, capsys, how):
    """Gone between two questions: no traceback, and no "all is well" for a monitor."""
    assert main(["status", *how]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "DATABASE_URL: the database does not answer (OperationalError)" in told.err


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL of its own."""
    try:
        running = PrivatePostgres(settings={"fsync": "off"})
    except CannotStart as why:
        pytest.skip(str(why))
    with running:
        yield running


@pytest.mark.postgres
@pytest.mark.processes
def test_a_frozen_database_is_said_within_seconds(server, tmp_path):
    """Not the last healthy picture, with ages that no longer grow; thawed, the pictures come again."""
    env = settings(AFTERCARE_HOME=str(tmp_path), DATABASE_URL=server.create("watched"), SECRET_KEY="w" * 40)
    env |= {name: os.environ[name] for name in ("FIELD_KEYS", "FINGERPRINT_KEYS")}
    assert run("migrate", "--quiet", env=env).returncode == 0
    watch = [*COMMAND, "status", "--watch", "0.5", "--json"]
    with subprocess.Popen(watch, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as watching:
        lines: Queue[str] = Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in watching.stdout], daemon=True).start()
        try:
            assert "channels" in json.loads(lines.get(timeout=60))
            with frozen(server):
                assert _until(lines, lambda said: "error" in said) < 20
            assert _until(lines, lambda said: "channels" in said) < 20
        finally:
            watching.kill()


def _until(lines, wanted):
    began = time.monotonic()
    while time.monotonic() - began < 60:
        try:
            if wanted(json.loads(lines.get(timeout=1))):
                break
        except Empty:
            continue
    return time.monotonic() - began
