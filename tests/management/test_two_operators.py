"""Two operators at their command lines, and moments that no calendar has (P4, P12)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.management.cli import main
from worker.models import Message
from worker.reading import unsettled

DUE = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _calendar(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE + timedelta(minutes=1))


@pytest.fixture
def refused(house):
    """A client's first text, refused with a code that nobody knows."""
    return post.refused_first(post.alice_confirmed(), "99999", at=DUE)


@pytest.fixture
def overtaken(refused, monkeypatch, capsys):
    """Whoever lists now is slow: before she acts another has retried it, and a worker has sent it."""
    real, done = unsettled.failed, []

    def slow(**asked):
        found = real(**asked)
        if not done:
            done.append(True)
            assert main(["failed", "retry", "--yes", "--by", "anna"]) == 0
            assert post.round_of_post(clock.now()) == ["same-day"]
            capsys.readouterr()
        return found

    monkeypatch.setattr(unsettled, "failed", slow)
    return refused


@pytest.mark.parametrize("act", ["retry", "give-up"])
def test_the_second_is_told_that_nothing_was_done(overtaken, capsys, act):
    """P4, P12: she was told "planned again", and hours later the phone rang twice; it is counted apart."""
    assert main(["failed", act, "--yes", "--by", "ben"]) == 1
    out = capsys.readouterr().out
    assert "was already planned again as number 2 by anna; nothing done" in out
    done = "planned again" if act == "retry" else "given up"
    assert out.endswith(f"1 message(s): 0 {done}, 1 already planned again by another, 0 refused\n")
    assert Message.objects.filter(occasion__endswith=":r2").count() == 0


def test_a_look_counts_it_apart_as_well(overtaken, capsys):
    """P12: the look says what the act would say."""
    assert main(["failed", "retry"]) == 0
    assert (
        "0 would be planned again, 1 already planned again by another, 0 refused. Nothing was done: add --yes"
        in capsys.readouterr().out
    )


def test_a_summary_of_what_was_done(refused, capsys):
    """P5: and JSON has the words of each, as before."""
    assert main(["failed", "retry", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("1 message(s): 1 planned again, 0 refused\n")
    assert main(["failed", "retry", str(refused.pk), "--yes", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {str(refused.pk): "is not in this list"}


FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59+00:00"]


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_moment_of_no_year_of_ours_is_a_usage_error(house, capsys, option, at):
    """P12: it ended in a traceback (OverflowError), as it left the calendar on its way to UTC."""
    other = "--to" if option == "--from" else "--from"
    with pytest.raises(SystemExit, match="2"):
        main(["replay", option, at, other, DUE.isoformat()])
    assert f"argument {option}: is in no year from 1900 to 2199" in capsys.readouterr().err


@pytest.mark.parametrize("at", FAR)
@pytest.mark.parametrize(
    "verb",
    [
        ["revoke", "--phone", "+12125550101", "--clinic", "lakeside", "--reason", "x", "--received-at"],
        ["treatment", "add", "CLIENT", "--protocol", "micro-needling", "--external-id", "T-9", "--at"],
        ["treatment", "correct", "SESSION", "--preview", "--at"],
        ["appointment", "book", "CLIENT", "--to"],
        ["approve", "micro-needling", "--clinic", "lakeside", "--by", "okafor@lakeside.example", "--review-by"],
        ["rehearse", "micro-needling", "--treated-at"],
    ],
    ids=["revoke", "add", "correct", "book", "approve", "rehearse"],
)
def test_no_other_verb_breaks_on_it(refused, verb, at):
    """P12: whatever they say of it, it is no traceback; a STOP whose hour was mistyped was lost in one."""
    ids = {"CLIENT": str(refused.client_id), "SESSION": str(refused.treatment_id)}
    assert _exit([*(ids.get(word, word) for word in verb), at]) in {1, 2}


def _exit(arguments):
    try:
        return main(arguments)
    except SystemExit as usage:
        return usage.code
