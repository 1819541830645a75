"""What containers and Prometheus ask: alive, ready, how late; nothing personal in any answer (P9, P11)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from tests import builders
from tests.builders import NOW
from worker import clock
from worker.models import Ready


def down(execute, sql, params, many, context):
    """A database that does not answer."""
    raise OperationalError("server closed the connection: host=db user=aftercare password=x")


def read_only(execute, sql, params, many, context):
    """A standby: it reads, and refuses every write."""
    if sql.startswith(("INSERT", "UPDATE", "DELETE")):
        raise OperationalError("cannot execute UPDATE in a read-only transaction")
    return execute(sql, params, many, context)


def gauges(text):
    """Every sample of a Prometheus text, by name and labels."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\} [0-9.]+', line) for line in lines)
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_all_is_well(db, browser, path):
    """200 "ok" without a login, a cookie or a cache."""
    answer = browser.get(path)
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies
    assert browser.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
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


def test_metrics_tell_how_late_the_oldest_is(house, browser):
    """Backlog and age by channel, under the names that the alerts ask for; no label names a person (P5, P9)."""
    quiet = gauges(browser.get("/metrics").content.decode())
    assert quiet['aftercare_due_backlog{channel="sms"}'] == 0
    assert quiet['aftercare_oldest_due_age_seconds{channel="email"}'] == 0
    builders.alice()
    oldest = Ready.objects.filter(channel="sms").earliest("due_at").due_at
    clock.step_to(max(oldest, NOW) + timedelta(minutes=20))
    answer = browser.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    told = gauges(answer.content.decode())
    assert told['aftercare_due_backlog{channel="sms"}'] >= 1
    assert 1200 <= told['aftercare_oldest_due_age_seconds{channel="sms"}'] < 1300 + 3600
    assert any(name.startswith("aftercare_build_info{version=") for name in told)
    for secret in ("Alice", "5550123", "example"):
        assert secret not in answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz/", "/metrics/", "/readyz/"])
def test_no_redirects(db, browser, path):
    """A slash too many is 404."""
    assert browser.get(path).status_code == 404
