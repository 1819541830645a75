"""The oldest transaction that an alert is about: a client's, no vacuum's, and said to be ours where we see no other."""

from __future__ import annotations

from contextlib import closing
from threading import Thread

import dj_database_url
import psycopg
import pytest
from django.db.utils import ConnectionHandler

from tests.postgres import PrivatePostgres, find_binaries
from tests.processes.witness import until
from worker.models import rows
from worker.reading import engine

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed"),
]

MANY = "CREATE TABLE {0} AS SELECT n, repeat('x', 1000) AS x FROM generate_series(1, 2000) AS n"
SLOWLY = {"autovacuum_vacuum_threshold": 1, "autovacuum_vacuum_scale_factor": 0,
          "autovacuum_vacuum_cost_delay": 100, "autovacuum_vacuum_cost_limit": 1}  # fmt: skip


@pytest.fixture(scope="module")
def server():
    """A server of its own, whose vacuum looks every second."""
    with PrivatePostgres(settings={"fsync": "off", "autovacuum_naptime": "1s"}) as running:
        yield running


@pytest.fixture
def seen(server, monkeypatch, django_db_blocker):
    """What the scrape would tell, as the owner of the server or as whoever is named."""
    lines = []

    def ask(role=None):
        url = server.url()
        own = dj_database_url.parse(url) | ({"USER": role, "PASSWORD": "x"} if role else {})
        line = ConnectionHandler({"default": own})["default"]
        lines.append(line)
        monkeypatch.setattr(rows, "connection", line)
        monkeypatch.setattr(engine, "connection", line)
        return engine.database()

    with django_db_blocker.unblock():
        yield ask
        for line in lines:
            line.close()


def runs(line, what):
    """Whether such a session has a transaction."""
    asked = f"SELECT 1 FROM pg_stat_activity WHERE {what} AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    return line.execute(asked).fetchone() is not None


def test_a_persons_transaction_is_seen_and_another_role_says_that_it_sees_its_own_alone(server, seen):
    """P5: an ordinary role sees no other's, so it must not say "none"; pg_read_all_stats shows it all."""
    with psycopg.connect(server.url(), autocommit=True) as owner, closing(psycopg.connect(server.url())) as person:
        owner.execute("CREATE ROLE ordinary LOGIN PASSWORD 'x'")
        person.execute("SELECT 1")
        until(lambda: seen().oldest_transaction > 0.1)
        assert seen().sees_all
        blind = seen("ordinary")
        assert (blind.oldest_transaction, blind.sees_all) == (0, False)
        owner.execute("GRANT pg_read_all_stats TO ordinary")
        granted = seen("ordinary")
        assert granted.oldest_transaction > 0.1
        assert granted.sees_all
    until(lambda: seen().oldest_transaction == 0)


def test_a_vacuum_is_no_old_transaction(server, seen):
    """P5: at large tables it is at work for hours, and holds up nobody: the server's own, and a person's."""
    with psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute(MANY.format("hers"))
        owner.execute(MANY.format("its"))
        options = ", ".join(f"{name} = {value}" for name, value in SLOWLY.items())
        owner.execute(f"ALTER TABLE its SET ({options})")
        owner.execute("DELETE FROM its WHERE n % 2 = 0")
        until(lambda: runs(owner, "backend_type = 'autovacuum worker'"))
        assert seen().oldest_transaction == 0
        with closing(psycopg.connect(server.url(), autocommit=True)) as person:
            person.execute("SET vacuum_cost_delay = 100")
            person.execute("SET vacuum_cost_limit = 1")
            vacuum = Thread(target=vacuumed, args=(person,))
            vacuum.start()
            until(lambda: runs(owner, "query ILIKE '%vacuum%' AND backend_type = 'client backend'"))
            assert seen().oldest_transaction == 0
            person.cancel()
            vacuum.join()


def vacuumed(line):
    """Until somebody ends it."""
    with pytest.raises(psycopg.errors.QueryCanceled):
        line.execute("\n vacuum (verbose) hers")
