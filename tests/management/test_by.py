"""Who says so is a person: the names that records give to machines are nobody's to type (P8, P10)."""

from __future__ import annotations

import argparse

import pytest

from tests.builders import NOW
from worker.actions.consent.hold import MACHINES, pause
from worker.management.cli import main, parser
from worker.models import Pause
from worker.models.hold import PauseScope
from worker.rules.names import NOBODY


def _saying_who(within, name=""):
    """Each verb, and each act of a verb, that is told who says so."""
    for action in within._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, inner in action.choices.items():
                yield from _saying_who(inner, f"{name} {verb}".strip())
        elif {"--by", "--hours-by"} & set(action.option_strings):
            yield pytest.param(action, id=name)


SAYING_WHO = list(_saying_who(parser()))


@pytest.mark.parametrize("option", SAYING_WHO)
def test_no_verb_takes_the_name_of_a_machine(option):
    """P8, P10: neither in capitals nor with spaces around it; what the verb puts in by itself is no such name."""
    for name in (*NOBODY, *map(str.upper, NOBODY), *(f" {each.title()}\t" for each in NOBODY)):
        with pytest.raises(argparse.ArgumentTypeError, match="give your own name"):
            option.type(name)
    for name in ("okafor@lakeside.example", "Charlie", "systematic", "circuit@lakeside.example", option.default):
        assert name is None or option.type(name) == name


@pytest.mark.parametrize("option", SAYING_WHO)
def test_no_verb_takes_nobody(option):
    """P8, P12: whoever finds a pause must find who gave it; a script's variable that is unset is nobody."""
    for name in ("", " ", "\t\n", "\u00a0", "\u200b", "--"):
        with pytest.raises(argparse.ArgumentTypeError, match="is empty"):
            option.type(name)
    for name in ("Sam\nBob", "Sam\x1b[2K", "Sam\u2028", "\u202emaS", "Sam\rBob"):
        with pytest.raises(argparse.ArgumentTypeError, match="without hidden characters"):
            option.type(f"{name}x")
    assert option.type(" Sam\n") == "Sam"


def test_every_name_that_ends_a_pause_by_itself_is_refused():
    """Rule 144: what the circuit or the release ends on its own account is no person's pause."""
    assert set(MACHINES) <= set(NOBODY)
    assert {"pause", "resume", "restore-check", "failed", "unknown", "approve", "contact"} <= {
        each.id for each in SAYING_WHO
    }


def test_a_pause_by_hand_stays_a_persons(house, capfd):
    """Rule 144, P12: `--by circuit` is a usage error with its mend, and pauses nothing; the circuit itself does."""
    with pytest.raises(SystemExit, match="2"):
        main(["pause", "--all", "--why", "tried", "--by", "Circuit"])
    mend = "argument --by: stands for a machine or a client in the record; give your own name or email"
    assert mend in capfd.readouterr().err
    assert not Pause.objects.exists()
    assert pause(scope=PauseScope.ALL, value="", why="refused", by="circuit", now=NOW).by == "circuit"
