"""A worker is gone when that is proved, and never because it has been quiet for long (rule 80)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import psycopg
import pytest
from django.db import connection

from worker import clock
from worker.actions.send import incarnation
from worker.actions.send.incarnation import is_gone
from worker.models import Incarnation

pytestmark = pytest.mark.django_db


@pytest.fixture
def process():
    """Another process of this machine."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


def life(pid, **changes):
    """Its life on record, as a worker writes it; its lock, where there is one, is held by nobody."""
    own = Incarnation.objects.get(pk=incarnation.incarnation())
    own.name, own.pid, own.started = f"other:{pid}", pid, incarnation._started(pid)
    own.lock_key = 4711 if own.lock_key else None
    for name, value in changes.items():
        setattr(own, name, value)
    own.save(force_insert=True)
    return own.name


def _only_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no sessions and no locks to hold")


def test_we_are_never_gone():
    """The process that asks is alive, and its own lock is no proof against it."""
    assert not is_gone(incarnation.incarnation())


def test_the_name_is_kept_until_the_process_or_its_session_is_another():
    """One row for each life, not one for each round."""
    first = incarnation.incarnation()
    assert incarnation.incarnation() == first
    assert first.split(":")[1] == str(os.getpid())
    incarnation.forget()
    assert incarnation.incarnation() != first
    assert Incarnation.objects.count() == 2


def test_a_process_that_runs_or_is_frozen_is_not_gone(process):
    """Rule 80: frozen is not gone; it may wake up and write."""
    name = life(process.pid)
    assert not is_gone(name)
    process.send_signal(signal.SIGSTOP)
    assert not is_gone(name)


def test_a_killed_process_is_gone_before_its_parent_has_noticed(process):
    """A zombie writes nothing."""
    name = life(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table
    assert is_gone(name)
    process.wait()
    assert is_gone(name)


def test_a_number_that_another_process_has_now_is_no_sign_of_life(process):
    """Pid and start time: numbers come back."""
    assert is_gone(life(process.pid, started=1))


def test_nobody_knows_about_a_name_that_was_not_written_down():
    """No row, no proof."""
    assert not is_gone("host:1:abcd")


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"space": "pid:[1]"}])
def test_where_the_machine_cannot_look_only_the_lock_tells(process, change):
    """Another host or container: on SQLite never proved, on PostgreSQL by the free lock."""
    name = life(process.pid, **change)
    assert is_gone(name) is (connection.vendor == "postgresql")


def test_after_a_restart_of_the_server_locks_prove_nothing(process):
    """It forgot them all, also those of workers that live on; this machine may still look itself."""
    _only_postgres()
    long_ago = clock.machine().replace(year=2020)
    assert not is_gone(life(process.pid, host="elsewhere", server_since=long_ago))
    name = life(os.getpid(), server_since=long_ago)
    assert not is_gone(name)
    process.kill()
    process.wait()
    assert is_gone(life(process.pid, server_since=long_ago, started=1, name="killed"))


def test_a_held_lock_is_a_sign_of_life_until_its_session_ends(process):
    """Rule 80: nothing but the end of the session gives it back, neither a commit nor a rollback."""
    _only_postgres()
    name = life(process.pid, host="elsewhere", lock_key=815)
    params = connection.get_connection_params()
    there = {key: params[key] for key in ("dbname", "user", "password", "host", "port") if params.get(key)}
    with psycopg.connect(**there) as other:
        other.execute("SELECT pg_advisory_lock(815)")
        other.commit()
        assert not is_gone(name)
        other.execute("SELECT 1")
        other.rollback()
        assert not is_gone(name)
    assert is_gone(name)


def test_a_dead_session_of_a_living_process_is_not_gone_here(process):
    """Cut off from the database it may still speak to the provider."""
    _only_postgres()
    assert not is_gone(life(process.pid, host=socket.gethostname()[:64]))


def test_what_a_worker_writes_holds_its_own_lock():
    """The row's key is the one that this session holds."""
    _only_postgres()
    own = Incarnation.objects.get(pk=incarnation.incarnation())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone()[0] >= 1
        cursor.execute("SELECT pg_advisory_unlock(%s)", [own.lock_key])
        assert cursor.fetchone()[0]
