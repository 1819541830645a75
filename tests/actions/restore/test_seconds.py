"""A loss of seconds is found by the newest calls that the disk beside the heads names (P4)."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.db import transaction

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.restore import lineage
from worker.actions.send.shift import shift
from worker.models import Attempt, Lineage, Message, Pause
from worker.models.hold import PauseScope
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Do something as a committed transaction does it."""

    def do(work):
        with django_capture_on_commit_callbacks(execute=True):
            return work()

    return do


@pytest.fixture
def alice(house, monkeypatch, committed):
    """Alice, by SMS alone, at the hour of her first text; the database has just been counted."""
    post.alice_confirmed()
    committed(lambda: lineage.look(now=NOW))
    monkeypatch.setattr("worker.clock.now", lambda: DUE)
    post.promote(now=DUE)


def sends():
    """What a shift calls the provider with."""
    provider = post.Provider()
    shift(channel=Channel.SMS, carrier=provider, slots=4)
    return len(provider.taken)


def lost(work):
    """It happened, and the database that is put back knows nothing of it."""
    with transaction.atomic():
        done = work()
        transaction.set_rollback(True)
    return done


def held():
    return Pause.objects.filter(scope=PauseScope.ALL, ended_at__isnull=True).exists()


@pytest.mark.usefixtures("alice")
def test_a_loss_of_seconds_that_held_a_call_is_found_before_the_next_one(committed):
    """P4: the minute's count is the same on both sides; the call that left is unknown here."""
    assert lost(sends) == 1
    lineage.forget()
    assert committed(sends) == 0
    assert held()
    assert Lineage.objects.get().lost_since <= clock.machine()


@pytest.mark.usefixtures("alice")
def test_a_worker_whose_line_to_the_database_was_cut_looks_at_once(committed):
    """P4: a replica was promoted: the new connection may lead to another database, whenever this worker last looked."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    assert lost(sends) == 1
    connection_created.send(sender=type(connection), connection=connection)
    assert committed(sends) == 0
    assert held()


@pytest.mark.usefixtures("alice")
def test_calls_that_are_known_here_hold_nobody(committed):
    """P4: no healthy clinic is held; the mark names only what had been committed."""
    assert committed(sends) == 1
    lineage.forget()
    assert not committed(lambda: lineage.look(now=DUE))
    assert not held()


@pytest.mark.usefixtures("alice")
def test_a_decision_that_was_rolled_back_leaves_no_mark(monkeypatch, committed):
    """P4: the worker died, or the database failed, before the commit: nothing left, and nobody is held."""
    from django.db import DatabaseError

    def fails(*_, **__):
        raise DatabaseError

    monkeypatch.setattr("worker.actions.send.shift.decide", fails)
    monkeypatch.setattr("worker.actions.send.shift.connection", Mock())  # a test's own must stay open
    assert sends() == 0
    lineage.forget()
    assert not committed(lambda: lineage.look(now=DUE))
    assert not held()


@pytest.mark.usefixtures("alice")
def test_a_release_leaves_the_lost_calls_behind(committed):
    """P4: else every look after it would hold the house again."""
    from worker.actions.restore import replay

    lost(sends)
    assert committed(lambda: lineage.look(now=DUE))
    committed(lambda: replay.release(by="Sam", now=DUE, unchecked=True))
    assert not committed(lambda: lineage.look(now=DUE))
    assert not held()


def test_calls_of_an_old_database_hold_no_new_one(house, committed):
    """A fresh start beside an old disk: nothing in it could go twice, also once somebody is enrolled."""
    from worker.actions.restore import marks

    marks.call_made(700, "0" * 32)
    committed(lambda: lineage.look(now=NOW))
    builders.alice()
    assert Message.objects.exists()
    assert not committed(lambda: lineage.look(now=NOW))
    assert not held()


@pytest.mark.usefixtures("alice")
def test_the_newest_calls_stay_and_the_file_stays_small():
    """Only the last are asked of the database; a torn line proves nothing."""
    from worker.actions.restore import marks

    for number in range(2_000):
        marks.call_made(number, f"{number:032x}")
    with marks.calls_file().open("a") as file:
        file.write("1999 0000")
    assert marks.calls_file().stat().st_size < 2 * marks.LARGEST
    assert [each.number for each in marks.read().calls] == [*range(2_000 - marks.NEWEST, 2_000)]
    assert not Attempt.objects.filter(pk=marks.read().calls[0].attempt).exists()
