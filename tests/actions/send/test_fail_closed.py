"""What can not be read sends nothing: consent, stops, approval, policy, clock; it waits, and goes later (rule 145)."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import opening
from worker.actions.send import clinics
from worker.actions.send.shift import shift
from worker.models import Message, rows
from worker.reading.backlog import backlog
from worker.rules import jurisdictions
from worker.rules.names import Channel
from worker.rules.states import State

DUE = NOW + timedelta(hours=1, minutes=1)
LATER = DUE + timedelta(minutes=20)
READ = ("grant", "standing", "pause", "approval", "protocolversion", "contact", "client")  # a hold closes the standing


@pytest.fixture
def text(house):
    """Alice's first text, due; her confirmation has left."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return Message.objects.get(client=client, step__code="same-day", channel="sms")


@contextmanager
def unreadable(table):
    """Every question about this table fails, as with a database that is away or a page that is broken."""
    plain = rows._run  # on PostgreSQL it goes past Django's cursors, and their wrappers

    def refuse(sql):
        if f'aftercare_{table}"' in sql or f"aftercare_{table} " in sql:
            raise OperationalError(f"could not read {table}")

    def fail(execute, sql, params, many, context):
        refuse(sql)
        return execute(sql, params, many, context)

    def fail_plainly(sql, params):
        refuse(sql)
        return plain(sql, params)

    with connection.execute_wrapper(fail), pytest.MonkeyPatch.context() as broken:
        broken.setattr(rows, "_run", fail_plainly)
        yield


def waits_and_goes_once(text, provider):
    """It is still planned and late, which alerts; when everything can be read again it goes, once."""
    text.refresh_from_db()
    assert (provider.taken, text.state) == ([], State.PLANNED)
    assert backlog(now=LATER)[Channel.SMS].oldest_seconds > 900
    post.round_of_post(LATER, provider)
    assert len(provider.taken) == 1
    text.refresh_from_db()
    assert text.state == State.ACCEPTED


@pytest.mark.parametrize("table", READ)
def test_a_table_that_can_not_be_read_sends_nothing(text, table):
    """Rule 145: consent, suppression, holds, pauses, approval, the text itself, the address, the sender."""
    provider = post.Provider()
    with unreadable(table), pytest.raises(DatabaseError):
        post.round_of_post(DUE, provider)
    waits_and_goes_once(text, provider)


def test_a_policy_that_can_not_be_read_sends_nothing(text, monkeypatch):
    """Rule 145: without the table of the law's hours no hour is allowed."""

    def gone():
        raise OSError("jurisdictions.toml")

    provider = post.Provider()
    with monkeypatch.context() as broken:
        broken.setattr(jurisdictions, "_table", gone)
        _forget()
        with pytest.raises(OSError, match="jurisdictions"):
            post.round_of_post(DUE, provider)
    _forget()
    waits_and_goes_once(text, provider)


def test_a_clock_that_can_not_be_read_sends_nothing(text, settings, tmp_path):
    """Rule 145: a shift that can't tell the hour takes nothing in hand."""
    broken, provider = tmp_path / "calendar", post.Provider()
    broken.write_text("half past", encoding="ascii")
    settings.CALENDAR_FILE = str(broken)
    with pytest.raises(ValueError, match="half past"):
        shift(channel=Channel.SMS, carrier=provider, slots=2, longest=5.0)
    waits_and_goes_once(text, provider)


def _forget():
    jurisdictions.jurisdiction.cache_clear()
    opening._hours.cache_clear()
    clinics.card.cache_clear()
