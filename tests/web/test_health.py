"""What containers and Prometheus ask: alive, ready, how late; nothing personal in any answer (P9, P11)."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder


def down(execute, sql, params, many, context):
    """A database that does not answer."""
    raise OperationalError("server closed the connection: host=db user=aftercare password=x")


def read_only(execute, sql, params, many, context):
    """A standby: it reads, and refuses every write."""
    if sql.startswith(("INSERT", "UPDATE", "DELETE")):
        raise OperationalError("cannot execute UPDATE in a read-only transaction")
    return execute(sql, params, many, context)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_all_is_well(db, browser, path):
    """200 "ok" without a login, a cookie or a cache."""
    answer = browser.get(path)
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies
    assert browser.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_without_a_database_it_says_so(db, browser, path, capfd):
    """503, and neither the answer nor the log quotes the error, which may hold a password (P9)."""
    with connection.execute_wrapper(down):
        answer = browser.get(path)
    assert answer.status_code == 503
    assert "password" not in answer.content.decode() + capfd.readouterr().err


def test_a_read_only_database_is_alive_but_not_ready(db, browser):
    """A STOP could not be kept there, so no traffic should come (rule 33)."""
    with connection.execute_wrapper(read_only):
        assert browser.get("/healthz").status_code == 200
        assert browser.get("/readyz").status_code == 503


def test_a_missing_migration_is_not_ready(db, browser):
    """The code is newer than the database: not ready, and the answer names the mend (P12)."""
    MigrationRecorder.Migration.objects.filter(app="aftercare").latest("pk").delete()
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert b"aftercare migrate" in answer.content


@pytest.mark.parametrize("path", ["/healthz/", "/metrics/", "/readyz/"])
def test_no_redirects(db, browser, path):
    """A slash too many is 404."""
    assert browser.get(path).status_code == 404
