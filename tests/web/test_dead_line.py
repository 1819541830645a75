"""A line to the database that died is no reason to ask the provider again: rule 33 keeps that for a database that did.

On PostgreSQL alone (`tests/actions/test_on_postgres.py` runs it there): SQLite is a file, and has no line.
"""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection

from tests import builders
from tests.builders import ALICES_PHONE, standing_of
from worker.actions.receive import sms
from worker.models import Inbound
from worker.web import hooks

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="a file has no line that could die")


@pytest.fixture
def alice(committed):
    """Alice, in a database whose transactions really commit."""
    builders.house()
    yield builders.alice().client
    connection.close()  # the last one may be dead


def cut() -> None:
    """End this process's line, as a restart of the server would."""
    connection.ensure_connection()
    known = connection.settings_dict
    where = {"dbname": known["NAME"], "host": known["HOST"], "port": known["PORT"], "user": known["USER"]}
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**where, password=known["PASSWORD"] or None) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def once(deed):
    """A deed that is done the first time alone."""
    done = []

    def maybe():
        if not done:
            done.append(True)
            deed()

    return maybe


def stopped_once(client) -> bool:
    return standing_of(client).suppressed_why == "keyword" and Inbound.objects.count() == 1


def test_a_line_that_died_since_the_last_text(alice, provider):
    """The first statement meets it, and everything is done on a new line."""
    cut()
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert stopped_once(alice)


def test_a_line_that_dies_in_the_middle(alice, provider, monkeypatch):
    """What was not committed is gone, and done again as one."""
    close, dies = sms.close, once(cut)

    def cut_first(*given, **named):
        dies()
        close(*given, **named)

    monkeypatch.setattr(sms, "close", cut_first)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert stopped_once(alice)


def test_a_line_that_dies_when_all_was_committed(alice, provider, monkeypatch):
    """Rule 97: the second time the text is known, and nothing happens twice."""
    dies = once(cut)

    def taken(reply, *, now):
        reading = sms.take(reply, now=now)
        dies()
        Inbound.objects.exists()  # the answer that never came
        return reading

    monkeypatch.setattr(hooks, "take", taken)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 200
    assert stopped_once(alice)


def test_twice_is_enough(alice, provider, monkeypatch):
    """A database that drops every line is unavailable: 503, and the provider comes again (rule 33)."""
    tries = []

    def dying(_reply, **_named):
        tries.append(True)
        cut()
        Inbound.objects.exists()

    monkeypatch.setattr(hooks, "take", dying)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 503
    assert len(tries) == 2


def test_an_error_on_a_living_line_is_not_tried_again(alice, provider, monkeypatch):
    """Rule 33: a lock that nobody gives up is answered at once."""
    tries = []

    def refused(_reply, **_named):
        tries.append(True)
        raise OperationalError

    monkeypatch.setattr(hooks, "take", refused)
    assert provider.text(ALICES_PHONE, "STOP").status_code == 503
    assert len(tries) == 1
