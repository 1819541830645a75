"""What `failed` and `unknown` list, and what they say that they would do (P4, P5, P12)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.channels.base import Unknown
from worker.management.cli import main
from worker.models import Message, StaffTask
from worker.models.attempt import AttemptState
from worker.reading import unsettled

DUE = NOW + timedelta(hours=1)
MANY = 3


@pytest.fixture(autouse=True)
def _calendar(settings, tmp_path, monkeypatch):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE + timedelta(minutes=1))
    monkeypatch.setattr(unsettled, "MANY", MANY)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed."""
    return post.alice_confirmed()


@pytest.fixture
def refused(alice):
    """Her first text, refused with a code that nobody knows."""
    return post.refused_first(alice, "99999", at=DUE)


def _more(message, many, **changes):
    """As many more of the kind, each the refused step of its own occasion, older than the first."""
    rows = []
    for number in range(many):
        row = Message.objects.get(pk=message.pk)
        row.pk, row.occasion = None, f"c:more:{number}:{changes.get('state', '')}:r0"
        row.decided_at = message.decided_at - timedelta(minutes=many - number)
        for name, value in changes.items():
            setattr(row, name, value)
        rows.append(row)
    return Message.objects.bulk_create(rows)


def _said(capsys):
    told = capsys.readouterr()
    return told.out + told.err


def test_what_was_retried_takes_no_place_in_the_list(refused, capsys):
    """P5: of more failures than are shown, those that went again hid those that nobody had looked at."""
    old = _more(refused, MANY + 1)
    for each in old:
        each.pk, each.occasion, each.resend, each.state = None, each.occasion.replace(":r0", ":r1"), 1, "planned"
    Message.objects.bulk_create(old)
    assert main(["failed", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [refused.pk]


def test_names_narrow_the_question_and_not_its_answer(refused, house, capsys):
    """P5: beyond the first thousand a clinic's failures, or a reason's, were "nothing"."""
    _more(refused, MANY + 1, clinic=house.hillside, reason="code:21211")
    for narrower in (["--clinic", "lakeside"], ["--reason", "code:99999"]):
        assert main(["failed", *narrower, "--json"]) == 0
        assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [refused.pk]
    assert main(["failed", "list", str(refused.pk), "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [refused.pk]


@pytest.mark.parametrize("verb", ["failed", "unknown"])
def test_a_list_that_was_cut_says_so(refused, capsys, verb):
    """P5: nothing silent: how many there are, which are shown, and how to see the rest."""
    _more(refused, MANY, state="refused" if verb == "failed" else "unresolved")
    if verb == "unknown":
        Message.objects.filter(pk=refused.pk).update(state="unknown")
    assert main([verb]) == 0
    out = capsys.readouterr().out
    assert f"{MANY} of {MANY + 1} shown; oldest first" in out
    assert out.count("\n") == MANY + 1
    assert ("--clinic, --reason narrow it" in out) == (verb == "failed")
    assert main([verb, "--json"]) == 0
    told = capsys.readouterr()
    assert len(json.loads(told.out)) == MANY
    assert f"{MANY} of {MANY + 1} shown" in told.err


def test_names_that_nobody_has_are_refused(refused, capsys):
    """P12: "nothing" was the answer to a misspelt clinic, and read like good news."""
    assert main(["failed", "--clinic", "nosuch"]) == 1
    assert "clinic: is not known here" in _said(capsys)
    assert main(["failed", "--reason", "nosuch"]) == 1
    said = _said(capsys)
    assert "reason: is the reason of no message" in said
    assert "code:99999" in said
    assert main(["failed", "--clinic", "hillside"]) == main(["failed", "--reason", "code:21211"]) == 0
    assert _said(capsys) == "nothing\nnothing\n"


@pytest.mark.parametrize("days", ["-1", "0", "91", "x", "1.5"])
def test_days_that_are_none_are_a_short_error(capsys, days):
    """P12: ninety numbers in a row are no mend."""
    with pytest.raises(SystemExit, match="2"):
        main(["failed", "--days", days])
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("argument --days: is no number of days from 1 to 90")


def test_a_preview_of_a_retry_says_what_the_retry_says(refused, house, capsys):
    """P2, P12: the look runs the very checks of the act, changes nothing, and both name the same refusal."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=DUE)
    before = builders.counts()
    assert main(["failed", "retry"]) == 0
    shown = capsys.readouterr().out
    assert "she said stop on 12 January 2027" in shown
    assert "0 would be planned again, 1 refused" in shown
    assert builders.counts() == before
    assert main(["failed", "retry", "--yes"]) == 1
    assert "she said stop on 12 January 2027" in capsys.readouterr().out


def test_a_preview_promises_only_what_happens(refused, capsys):
    """P12: what would go again goes again; nothing of the look is left."""
    before = builders.counts()
    assert main(["failed", "retry", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["refused"]) == (refused.pk, "")
    assert main(["failed", "retry"]) == 0
    assert "1 would be planned again, 0 refused. Nothing was done: add --yes" in capsys.readouterr().out
    assert builders.counts() == before
    assert main(["failed", "retry", "--yes"]) == 0


def test_a_preview_of_what_is_still_asked_is_no_promise(alice, capsys):
    """P4: an outcome that the provider is asked about is nobody's to send, and the look says so."""
    post.round_of_post(DUE, post.Provider([Unknown("reset")]))
    message = builders.message(alice, "same-day")
    for act in ("retry", "give-up"):
        assert main(["unknown", act]) == 0
        said = capsys.readouterr().out
        assert "still being asked" in said
        assert "1 refused. Nothing was done" in said
        assert main(["unknown", act, "--yes"]) == 1
    assert Message.objects.get(pk=message.pk).state == "unknown"
    assert message.tries.get().state == AttemptState.UNKNOWN


def test_a_look_at_giving_up_gives_nothing_up(refused, capsys):
    """P5: neither the message nor its task changes before --yes."""
    task = StaffTask.objects.create(
        clinic=refused.clinic, kind="unknown_outcome", cause=f"unknown_outcome:{refused.pk}", opened_at=DUE
    )
    assert main(["failed", "give-up"]) == 0
    assert "1 would be given up, 0 refused" in capsys.readouterr().out
    task.refresh_from_db()
    assert task.done_at is None
    assert Message.objects.get(pk=refused.pk).reason == "code:99999"
