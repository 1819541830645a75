"""Brokers and databases that a new operator gets wrong: each finding names its own mend, and the gate is shut (P12)."""

from __future__ import annotations

import socket
import socketserver
import threading
from urllib.parse import urlsplit

import pytest
import redis as redis_library
from django.db import OperationalError, connection

from config.keys import fresh_key
from tests.postgres import PrivatePostgres, find_binaries
from tests.processes.commands import run
from tests.processes.commands import settings as environment
from worker.reading import doctor_broker, doctor_database
from worker.sandbox.redis_server import PrivateRedis

OWN = {name: fresh_key() for name in ("SECRET_KEY", "FIELD_KEYS", "FINGERPRINT_KEYS")}


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A Redis over TCP that asks for a password; its URL."""
    with PrivateRedis(tmp_path_factory.mktemp("redis"), port=_free()) as server:
        yield server.broker_url


def _free():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _said(settings, url):
    settings.BROKER_URL = url
    return next(iter(doctor_broker.hints()))


@pytest.mark.parametrize("login", ["", ":wrong@", "nobody:wrong@"])
def test_a_redis_that_refuses_the_password_is_no_redis_that_is_away(settings, locked, login):
    """ "Start Redis" sent the operator to a machine that was well; no password is shown (P9)."""
    place = urlsplit(locked)
    found = _said(settings, f"redis://{login}127.0.0.1:{place.port}/0")
    assert (found.ok, "user and password" in found.mend) == (False, True), found
    assert "wrong" not in str(found)


def test_a_database_number_that_there_is_not_is_named(settings, locked):
    """SELECT 99 is refused."""
    place = urlsplit(locked)
    found = _said(settings, f"redis://:{place.password}@127.0.0.1:{place.port}/99")
    assert (found.ok, "number of the database" in found.mend) == (False, True), found


def test_a_user_without_rights_is_named(settings, locked):
    """An ACL that lets it work and not say how it is."""
    place = urlsplit(locked)
    with redis_library.Redis.from_url(locked) as line:
        line.acl_setuser("clerk", enabled=True, passwords=["+pw"], commands=["+ping"], keys=["*"])
    found = _said(settings, f"redis://clerk:pw@127.0.0.1:{place.port}/0")
    assert (found.ok, "rights" in found.mend) == (False, True), found


@pytest.mark.parametrize("url", ["http://127.0.0.1:6379", "sqs://", "memory://", "nonsense"])
def test_a_broker_of_a_third_kind_is_refused(settings, url):
    """It passed the gate unseen: nobody knows whether it keeps a hint."""
    found = _said(settings, url)
    assert (found.ok, "amqp://" in found.mend) == (False, True)


@pytest.mark.parametrize(("answer", "well"), [(b"\x01\x00\x00", True), (b"AMQP\x00\x00\x09\x01", False), (b"", False)])
def test_rabbitmq_is_greeted(settings, answer, well):
    """AMQP 0-9-1, 4.2.2: a method frame when it speaks ours, a header of its own when it does not."""

    class Greeter(socketserver.BaseRequestHandler):
        def handle(self):
            assert self.request.recv(8) == b"AMQP\x00\x00\x09\x01"
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        found = _said(settings, f"amqp://guest:guest@127.0.0.1:{server.server_address[1]}//")
        server.shutdown()
    assert found.ok == well
    assert well or "BROKER_URL" in found.mend


def test_a_rabbitmq_that_is_away_shuts_the_gate(settings):
    """As a Redis that is away does: workers are not told to look."""
    found = _said(settings, f"amqp://guest:guest@127.0.0.1:{_free()}//")
    assert (found.ok, "start RabbitMQ" in found.mend) == (False, True)


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ('FATAL:  password authentication failed for user "a"', "user and password"),
        ('FATAL:  database "x" does not exist', "name and user"),
        ("failed to resolve host 'nowhere.invalid'", "host"),
        ("Connection refused", "start the database"),
    ],
)
def test_each_way_to_miss_postgresql_has_its_mend(monkeypatch, words, mend):
    """Its words themselves, with host and user, are not repeated."""
    monkeypatch.setattr(connection, "vendor", "postgresql")
    found = doctor_database.away(OperationalError(words))
    assert (found.ok, mend in found.mend) == (False, True)
    assert "DATABASE_URL" in found.mend
    assert words not in str(found)


@pytest.mark.processes
@pytest.mark.parametrize("where", ["/nowhere/aftercare.sqlite3", "/tmp"])
def test_a_file_that_sqlite_cannot_open_is_not_to_be_started(tmp_path, where):
    """Nobody starts an SQLite."""
    env = environment(AFTERCARE_HOME=str(tmp_path), DATABASE_URL=f"sqlite:///{where}", **OWN)
    told = run("doctor", "--no-network", env=env)
    assert told.returncode == 1
    assert "MEND  database: SQLite can't open its file" in told.stdout
    assert "start the database" not in told.stdout


@pytest.mark.processes
def test_a_standby_is_no_place_for_a_stop(tmp_path):
    """P2: everything can be read there, and nothing written."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL here")
    with PrivatePostgres(settings={"fsync": "off"}) as server:
        url = server.create("aftercare")
        env = environment(AFTERCARE_HOME=str(tmp_path), DATABASE_URL=url, **OWN)
        assert run("migrate", "--quiet", env=env).returncode == 0
        assert "ok    database writes" in run("doctor", "--no-network", env=env).stdout
        server.stop()
    with_standby = PrivatePostgres(settings={"fsync": "off", "default_transaction_read_only": "on"})
    with with_standby as server:
        env = environment(AFTERCARE_HOME=str(tmp_path), DATABASE_URL=server.url(), **OWN)
        told = run("doctor", "--no-network", env=env)
    assert told.returncode == 1
    assert "MEND  database writes: can be read alone" in told.stdout


def test_a_file_that_may_only_be_read_is_no_place_either(db, monkeypatch):
    """P2: so with SQLite."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone")
    assert doctor_database._takes_writes().ok
    monkeypatch.setattr(doctor_database, "writable", lambda path: False)
    assert not doctor_database._takes_writes().ok
