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


def _press(gate, by):
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
            told = list(pool.map(lambda by: _press(gate, by), ("Ann", "Bob")))
        assert sum("all is paused already; resume it first" in each for each in told) == 1, told
        (row,) = Pause.objects.filter(ended_at=None)
        assert row.by in told
        hold.resume(scope=PauseScope.ALL, value="", by="Ann", now=NOW)
    assert Event.objects.filter(kind="paused", clinic_id=house.lakeside.pk).count() == PAIRS


@pytest.mark.parametrize(("first", "kept"), [("Ann", "Ann"), (CIRCUIT, "Bob")])
def test_whoever_comes_second_answers_as_if_later(house, monkeypatch, first, kept):
    """Not seen and then there: a person's pause is refused, a machine's becomes the person's (rule 144)."""
    unseen = hold._standing
    looks = []

    def look(scope, value):
        looks.append(scope)
        if len(looks) > 1:
            return unseen(scope, value)
        Pause.objects.create(scope=scope, value=value, why="first", by=first, since=NOW)
        return None

    monkeypatch.setattr(hold, "_standing", look)
    if first == CIRCUIT:
        hold.pause(**ALL, by="Bob")
    else:
        with pytest.raises(Refusals, match="paused already"):
            hold.pause(**ALL, by="Bob")
    assert Pause.objects.get(ended_at=None).by == kept


def test_any_other_fault_of_the_table_is_still_raised(house):
    """A scope that there is not is a fault of ours: no pause stands, and nobody is told that one does."""
    with pytest.raises(IntegrityError):
        hold.pause(scope="nonsense", value="", why="stop", by="Ann", now=NOW)
