"""The shipped steps tell machines what their words ask of the client (anchors C8)."""

from __future__ import annotations

import pytest

from tests.protocols.shipped import protocol
from worker.rules.steps import Anchor, Telling

ASKED = {"S8": ("gentle-skincare", Telling.DO), "S9": ("sun-exposure", Telling.AVOID)}
MORE_THAN_ASKED = {"expectations", "before-session"}  # they explain: merged with another's, their words would be lost
CARE = [step for step in protocol().steps if step.rule.anchor is Anchor.TREATMENT]


@pytest.mark.parametrize("step", CARE, ids=lambda step: step.rule.code)
def test_what_the_article_asks_is_among_what_a_step_says(step):
    """C8: a step that carries the fact about gentle care, or about the sun, says so to machines as well."""
    said = {(each.topic, each.telling) for each in step.rule.says}
    if step.rule.code in MORE_THAN_ASKED:
        assert said == set()
    else:
        assert {ASKED[fact] for fact in step.facts if fact in ASKED} <= said != set()


def test_nothing_within_the_protocol_contradicts_itself():
    """C8: no day on which one step asks to do what another asks to avoid."""
    said = {(each.topic, each.telling) for step in CARE for each in step.rule.says}
    assert not [topic for topic, telling in said if telling is Telling.DO and (topic, Telling.AVOID) in said]
