"""What a changed protocol would do to running courses, before it is approved (anchors C10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

from tests import builders
from tests.actions.course.versions import newest
from tests.builders import NOW, PROTOCOL
from worker.actions.protocols.approve import the_protocol
from worker.actions.protocols.load import store_version
from worker.reading.shadow import difference
from worker.rules.steps import Calendar


def drafted(house, change):
    """A draft in which `change` gives each step anew, or None to leave it out; the difference it makes."""
    source = newest(house.lakeside)
    steps = tuple(step for step in map(change, source.steps) if step is not None)
    store_version(house.lakeside, replace(source, steps=steps, frequency=source.frequency + 1), by="tests", now=NOW)
    before = builders.counts()
    found = difference(the_protocol(PROTOCOL, clinic_slug="lakeside"), now=NOW)
    assert builders.counts() == before
    return found


def test_a_draft_that_changes_no_step_changes_no_plan(house):
    """C10: two clients are under the old version, and nothing of theirs would move."""
    builders.alice(visit=NOW + timedelta(days=36))
    builders.alice(external_id="A-2", phone="+12125550199", email="two@example.com")
    found = drafted(house, lambda step: step)
    assert (found["clients"], found["steps"]) == (2, [])


def test_what_ends_comes_moves_and_says_otherwise_is_counted_by_step(house):
    """C10: an hour later, a step gone, a step more, another word; by text and by mail."""
    builders.alice(visit=NOW + timedelta(days=36))

    def change(step):
        if step.rule.code == "day-14":
            return None
        if step.rule.code == "week-3":
            return replace(step, rule=replace(step.rule, code="week-three"))
        if step.rule.code == "day-3":
            return replace(step, rule=replace(step.rule, when=Calendar(days=3, at=time(11))))
        if step.rule.code == "day-7":
            return replace(step, texts=tuple(replace(text, text=f"{text.text} Rest.") for text in step.texts))
        return step

    found = {(each["step"], each["change"]): each["messages"] for each in drafted(house, change)["steps"]}
    assert found == {
        ("day-14", "ends"): 2, ("week-3", "ends"): 2, ("week-three", "comes"): 2, ("day-3", "moves"): 2,
        ("day-7", "says otherwise"): 2,
    }  # fmt: skip


def test_nobody_under_an_older_version_is_nobodys_change(house):
    """C10: without running courses there is nothing to tell."""
    assert difference(the_protocol(PROTOCOL, clinic_slug="lakeside"), now=NOW)["steps"] == []
