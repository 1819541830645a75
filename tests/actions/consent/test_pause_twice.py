"""Two people press the kill switch in the same moment: it stands once, and the second is told so (rule 144, P12)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections

from tests.builders import NOW
from worker.actions.consent import hold
from worker.models import Event, Pause
from worker.models.hold import CIRCUIT, PauseScope
from worker.rules.refusal import Refusals

PAIRS = 10
ALL = {"scope": PauseScope.ALL, "value": "", "why": "stop", "now": NOW}


def _press(by, gate):
    try:
        gate.wait(20)
        return hold.pause(**ALL, by=by).by
    except Refusals as refusals:
        return str(refusals)
    finally:
        connections.close_all()


def test_one_of_two_pauses_at_once_is_told_that_it_stands(committed, house):
    """On PostgreSQL it ended in a traceback, 28 times of 30; the pause itself stood."""
    for _ in range(PAIRS):
        gate = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(_press, ("Ann", "Bob"), (gate, gate)))
        assert sum("all is paused already; resume it first" in each for each in told) == 1, told
        (row,) = Pause.objects.filter(ended_at=None)
        assert row.by in told
        hold.resume(scope=PauseScope.ALL, value="", by="Ann", now=NOW)
    assert Event.objects.filter(kind="paused", clinic_id=house.lakeside.pk).count() == PAIRS


@pytest.fixture
def unseen(house, monkeypatch):
    """A pause by somebody, which the first look just missed."""
    look = hold._standing

    def given(by):
        Pause.objects.create(scope=PauseScope.ALL, value="", why="first", by=by, since=NOW)
        missed = iter([None])
        monkeypatch.setattr(hold, "_standing", lambda scope, value: next(missed, look(scope, value)))

    return given


def test_a_persons_that_was_missed_is_refused_as_if_later(unseen):
    """P12: with the words of any second pause."""
    unseen("Ann")
    with pytest.raises(Refusals, match="all is paused already; resume it first"):
        hold.pause(**ALL, by="Bob")


def test_a_machines_that_was_missed_becomes_the_persons(unseen):
    """Rule 144: else it would end by itself, while Bob believes that nothing leaves."""
    unseen(CIRCUIT)
    assert hold.pause(**ALL, by="Bob").by == "Bob"
    assert Pause.objects.get(ended_at=None).by == "Bob"


def test_any_other_fault_of_the_table_is_still_raised(house):
    """A scope that there is not is a fault of ours: no pause stands, and nobody is told that one does."""
    with pytest.raises(IntegrityError):
        hold.pause(scope="nonsense", value="", why="stop", by="Ann", now=NOW)
