"""What takes the place of a step that was missed, and the gate before it (rules 50 to 52)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rules.test_gate import ALL_WELL, NOW
from tests.rules.test_plan import course, day, step
from worker.rules.gate import NEWER_RETRY, Facts, Go, Later, Reason, Stop, decide
from worker.rules.names import MessageClass
from worker.rules.plan import HandOver, Missed, Planned
from worker.rules.states import State

FIRST = step("first-day", day(1, "10:00"), day(1, "20:00"))
LATE = step("late", day(2, "09:00"), day(3, "20:00"), instead_of="first-day")
OTHER = step("other", day(2, "10:00"), day(3, "20:00"))


def outcomes(*rules, **more):
    """Step and outcome, in due order."""
    return {each.rule.code: each.outcome for each in course(*rules, **more)}


def test_a_substitute_is_planned_beside_its_step_and_moves_nobody():
    """Rule 51: whether it goes is decided at its hour; a neighbour an hour later stays where it is."""
    found = outcomes(FIRST, LATE, OTHER)
    assert all(isinstance(each, Planned) for each in found.values())
    assert found["other"] == outcomes(FIRST, OTHER)["other"]


def test_a_step_that_came_too_late_is_made_up_for_by_its_substitute():
    """Rule 50: recorded on day 2, the first day's words would be untrue; the substitute goes, and nobody is called."""
    found = outcomes(FIRST, LATE, now="2026-06-12 08:00", treatment="2026-06-10 12:00")
    assert isinstance(found["first-day"], Missed)
    assert isinstance(found["late"], Planned)


def test_without_time_for_the_substitute_a_person_is_asked():
    """P5: on day 5 neither is true, and the step is handed over, once."""
    found = outcomes(FIRST, LATE, now="2026-06-15 08:00", treatment="2026-06-10 12:00")
    assert isinstance(found["first-day"], HandOver)
    assert "late" not in found


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"needless": True}, Stop(State.CANCELLED, Reason.NOT_NEEDED)),
        ({"needless": True, "grant": "revoked"}, Stop(State.WITHHELD, Reason.REVOKED)),
        ({"newer": True}, Later(NOW + NEWER_RETRY, Reason.NEWER_FIRST)),
        ({"newer": True, "expires_at": NOW + NEWER_RETRY}, Stop(State.MISSED, Reason.NEWER_FIRST)),
        ({"spent": True, "newer": True}, Stop(State.WITHHELD, Reason.PROMISED)),
        ({"unsure": True}, Later(NOW + NEWER_RETRY, Reason.FEED_SILENT)),
        ({"needless": True, "newer": True, "spent": True, "unsure": True, "cls": MessageClass.ANSWER}, Go()),
    ],
)
def test_the_gate_knows_what_other_messages_mean(facts, said):
    """Rules 50, 52: a course message yields; an answer to her own act does not."""
    known = Facts(**{**ALL_WELL, **facts})
    kind = {"kind": "help"} if known.cls is MessageClass.ANSWER else {}
    assert decide(replace(known, **kind), lambda: NOW, NOW) == said
