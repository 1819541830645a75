"""The list of mutations: long enough, each with the guard's own test, each of them a change of what is really there."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.processes.commands import ROOT
from tests.soak.checker import COUNTS
from tests.soak.guards import CONTROL, GUARDS
from tests.soak.mutations import MUTATIONS
from worker.actions.send import decide

LEAST = 12


def test_there_are_enough_and_each_is_caught_by_a_count():
    """Every count is seen to fail by some mutation, but those that no guard of ours stands before."""
    assert len(GUARDS) >= LEAST
    assert {guard.mutation for guard in (*GUARDS, CONTROL)} == set(MUTATIONS)
    assert {guard.caught for guard in GUARDS} == set(COUNTS) - {"astray"}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.mutation)
def test_each_guard_has_a_test_of_its_own(guard):
    """A guard whose test was renamed would be tried by the long soak alone."""
    path, _, name = guard.test.partition("::")
    assert f"def {name}(" in (Path(ROOT) / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_changes_what_is_there(name, monkeypatch):
    """A mutation of what has moved would break nothing, and a checker that finds nothing would look blind."""
    monkeypatch.setattr(decide, "_Facts", decide._Facts)  # one mutation reaches over to it
    for module_name, change in MUTATIONS[name].items():
        there = dict(vars(importlib.import_module(module_name)))
        if "_Facts" in there:
            there["_Facts"] = type("_Facts", (decide._Facts,), {})  # changed in place
        before = dict(vars(there.get("_Facts", object)))
        copy = SimpleNamespace(**there)
        change(copy)
        assert set(vars(copy)) == set(there), "nothing new is brought in"
        changed = [key for key, value in vars(copy).items() if value is not there[key]]
        assert changed or dict(vars(there["_Facts"])) != before
