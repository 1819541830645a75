"""What two treatments ask of one client at once (anchors C8)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.names import Channel
from worker.rules.steps import Instruction, Telling
from worker.rules.topics import Told, contradictions, repeated

DAY = date(2027, 1, 12)


def told(number, *says, **changes):
    """A message of a course of its own, counted from DAY."""
    known = {
        "course": number,
        "session": ("treatment", number),
        "counted_from": DAY,
        "due_on": DAY,
        "channel": Channel.SMS,
    }
    return Told(message=number, says=says, **known | changes)


def avoid(until=None, begins=0, topic="exfoliating"):
    """Not until that day."""
    return Instruction(topic=topic, telling=Telling.AVOID, from_day=begins, until_day=until)


def do(begins=0, until=None, topic="exfoliating"):
    """From that day on."""
    return Instruction(topic=topic, telling=Telling.DO, from_day=begins, until_day=until)


def topics(*each):
    """What is contradicted."""
    return [found.topic for found in contradictions(each)]


def test_from_day_3_against_not_for_14_days():
    """Anchors C8, in its own words."""
    assert topics(told(1, avoid(14)), told(2, do(3))) == ["exfoliating"]


@pytest.mark.parametrize(
    "other",
    [
        told(2, do(14)),
        told(2, avoid(3)),
        told(2, do(3, topic="sun")),
        told(2, do(3), course=1),
        told(2, do(3, until=5), counted_from=DAY + timedelta(days=11)),
        told(2, do(3, until=5), counted_from=DAY - timedelta(days=5)),
    ],
)
def test_what_does_not_contradict(other):
    """On day 14 it may begin; another topic, the same course, or days that don't meet are no contradiction."""
    assert topics(told(1, avoid(14)), other) == []


def test_what_went_both_can_no_longer_be_stopped():
    """Of two that went nothing can be stopped; of one that went and one to come the second can."""
    went = told(1, avoid(14), is_open=False)
    assert topics(went, told(2, do(3), is_open=False)) == []
    assert topics(went, told(2, do(3))) == ["exfoliating"]


@pytest.mark.parametrize(
    ("one", "other", "dropped"),
    [
        (told(1, avoid(7)), told(2, avoid(14)), {1}),
        (told(1, avoid(14)), told(2, avoid(7)), {2}),
        (told(1, do(3)), told(2, do(5)), {1}),
        (told(1, avoid(14)), told(2, avoid(14)), {2}),
        (told(1, avoid(14)), told(2, avoid(7), avoid(3, topic="sun")), set()),
        (told(1, avoid(14), avoid(7, topic="sun")), told(2, avoid(7), avoid(3, topic="sun")), {2}),
        (told(1, avoid(14)), told(2, avoid(7), due_on=DAY + timedelta(days=1)), set()),
        (told(1, avoid(14)), told(2, avoid(7), channel=Channel.EMAIL), set()),
        (told(1, avoid(14)), told(2), set()),
        (told(1, avoid(14), is_open=False), told(2, avoid(7)), set()),
    ],
)
def test_of_what_is_told_twice_a_day_the_stricter_goes(one, other, dropped):
    """Anchors C8: nothing is left out that the other message doesn't say."""
    assert repeated([one, other]) == repeated([other, one]) == dropped


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20), st.integers(1, 20)), min_size=1, max_size=6))
def test_of_repetitions_one_always_remains(days):
    """P5: whatever is merged, somebody still says it."""
    each = [told(n, avoid(a + b, a) if yes else do(a, a + b)) for n, (yes, a, b) in enumerate(days, start=1)]
    assert len(repeated(each)) < len(each)
