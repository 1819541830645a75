"""A scrape waits for no database: cut off in seconds, on a real PostgreSQL, frozen as on a suspended machine (P5)."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager

import dj_database_url
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from tests.postgres import PrivatePostgres, find_binaries
from worker.reading import promptly

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed"),
]

SOON = 0.3


@pytest.fixture(scope="module")
def server():
    """A server of its own."""
    with PrivatePostgres(settings={"fsync": "off"}) as running:
        yield running


@pytest.fixture
def line(server, monkeypatch, django_db_blocker):
    """This thread's line, as the web part's: kept, and asked whether it lives."""
    own = dj_database_url.parse(server.url(), conn_max_age=None, conn_health_checks=True)
    own["OPTIONS"] = {"connect_timeout": 30}
    made = ConnectionHandler({"default": own})["default"]
    monkeypatch.setattr(promptly, "connection", made)
    with django_db_blocker.unblock():
        yield made
        made.close()


@contextmanager
def frozen(server):
    """All its processes stop; its port goes on taking connections."""
    pids = server.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def asked(line, question="SELECT 1"):
    """The first answer, and how long it took."""
    began = time.monotonic()
    try:
        with promptly.promptly(SOON), line.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0], time.monotonic() - began
    except OperationalError:
        return None, time.monotonic() - began


def test_a_server_that_is_frozen_is_given_up(server, line):
    """With a line and without one; other threads' patience stays theirs, and afterwards it answers again."""
    assert asked(line)[0] == 1
    with frozen(server):
        line.health_check_done = False  # a request begins
        answer, seconds = asked(line)
        assert answer is None
        assert SOON + promptly.NEW_LINE <= seconds < 5
        answer, seconds = asked(line)
        assert answer is None
        assert seconds < 5
    assert asked(line)[0] == 1
    assert line.settings_dict["OPTIONS"]["connect_timeout"] == 30


def test_an_answer_that_does_not_come_is_given_up(line):
    """A table that somebody has locked, a disk that stands still."""
    answer, seconds = asked(line, "SELECT 1 FROM pg_sleep(30)")
    assert answer is None
    assert SOON <= seconds < 5
    assert asked(line)[0] == 1
