"""A hold ends when a person has looked, and tasks are closed by somebody with a name (rules 17, 50, 51)."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, CHARLIE, NOW, SAM
from worker import clock
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.release import release_address, release_client
from worker.actions.record.task import open_task
from worker.management.cli import main
from worker.models import Event, Hold, Message, Seal, StaffTask
from worker.reading.chain import faults
from worker.reading.tasks import PLAIN
from worker.rules.refusal import Refusals
from worker.rules.release import ReleaseReason

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def alice(house, settings, tmp_path):
    """Alice, confirmed; her phone is on hold since her odd reply; the calendar stands an hour later."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    builders.text_from(house.lakeside, ALICES_PHONE, "this is odd", now=NOW)
    return client


def _released(client, *, now, by=SAM):
    return release_client(client_id=client.pk, by=by, reason=ReleaseReason.HARMLESS, now=now)


def test_what_it_held_goes_on_through_every_gate(alice):
    """The message that waited goes now; the hold, its task and who ended it are on record, sealed."""
    assert post.round_of_post(DUE) == []
    done = _released(alice, now=DUE)
    assert (done.addresses, done.messages, done.stopped) == (1, 1, 0)
    row = builders.standing_of(alice)
    assert (row.held_at, row.held_why) == (None, None)
    assert Hold.objects.get().released_at == DUE
    assert StaffTask.objects.get(kind="unclear_reply").done_at == DUE
    event = Event.objects.get(kind="released")
    assert (event.code, event.facts["held_why"]) == ("harmless", "unclear_reply")
    assert Seal.objects.filter(table="event", row_id=event.pk).exists()
    assert post.round_of_post(DUE) == ["same-day"]
    assert faults() == []


def test_it_is_never_a_burst(alice):
    """Rules 50, 51: after four days on hold only what is still true goes, one at a time and hours apart."""
    for days in range(5):
        post.round_of_post(DUE + timedelta(days=days))
    held = Message.objects.filter(client=alice, state="held")
    assert held.exists()
    later = DUE + timedelta(days=4, hours=1)
    _released(alice, now=later)
    went = {}
    for minutes in range(0, 24 * 60, 10):
        now = later + timedelta(minutes=minutes)
        for step in post.round_of_post(now):
            went[step] = now
    moments = sorted(went.values())
    assert all(second - first >= timedelta(hours=4) for first, second in pairwise(moments))
    assert "same-day" not in went
    assert not Message.objects.filter(client=alice, state="held").exists()


def test_a_stop_still_stands(alice, house):
    """P2: a hold is not what keeps her safe from us after STOP."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW)
    assert _released(alice, now=DUE).stopped == 1
    assert post.round_of_post(DUE) == []
    assert builders.standing_of(alice).suppressed_at is not None


@pytest.mark.parametrize("address", [ALICES_PHONE, "(212) 555-0123", "ALICE@example.com"])
def test_by_address_as_somebody_writes_it(alice, house, address):
    """The phone or the mailbox, in the clinic that holds it."""
    if "@" in address:
        client = builders.alice(external_id="A-9", phone="+12125550124").client
        hold_standing(builders.standing_of(client, "email"), why="tests", source="", now=NOW)
    done = release_address(clinic=house.lakeside, address=address, by=SAM, reason=ReleaseReason.SPOKEN, now=DUE)
    assert done.addresses == 1


@pytest.mark.parametrize(
    "said", [{"address": "12"}, {"address": "x@"}, {"address": "+12125550199"}, {"by": CHARLIE}, {"by": "nobody"}]
)
def test_a_release_that_cannot_be_placed_is_refused(alice, house, said):
    """P10, P12: no such hold, no such person, another clinic's person: named with the mend, and nothing changed."""
    before = builders.counts(), builders.standing_of(alice).held_at
    wanted = {"address": ALICES_PHONE, "by": SAM, **said}
    with pytest.raises(Refusals) as caught:
        release_address(clinic=house.lakeside, reason=ReleaseReason.SPOKEN, now=DUE, **wanted)
    assert "; " in str(caught.value)
    assert {each.field for each in caught.value.faults} <= set(said)
    assert (builders.counts(), builders.standing_of(alice).held_at) == before


def test_twice_is_refused_the_second_time(alice):
    """Nothing is on hold any more, and it says so."""
    _released(alice, now=DUE)
    with pytest.raises(Refusals, match="is not on hold"):
        _released(alice, now=DUE)


def test_an_urgent_task_outlives_the_hold(alice, house):
    """Rule 41: to let the messages go on is not to have called the client."""
    builders.text_from(house.lakeside, ALICES_PHONE, "now there is pus", now=NOW)
    _released(alice, now=DUE)
    kinds = StaffTask.objects.filter(done_at__isnull=True).values_list("kind", flat=True)
    assert set(kinds) == {"red_flag_reply", "nobody_on_call"}  # nobody here takes calls, and staff hear of that too


def test_the_verb_releases_and_says_what_follows(alice, capsys):
    """`aftercare release`, for people and machines; exit 1 with the mend, 2 for a slip."""
    assert main(["release", "--client", str(alice.pk), "--by", SAM, "--reason", "harmless"]) == 0
    assert "1 address(es)" in capsys.readouterr().out
    assert main(["release", ALICES_PHONE, "--by", SAM, "--reason", "harmless", "--clinic", "lakeside"]) == 1
    assert "is not on hold here; see" in capsys.readouterr().err
    hold_standing(builders.standing_of(alice), why="tests", source="", now=NOW)
    assert main(["release", ALICES_PHONE, "--by", SAM, "--reason", "spoken", "--clinic", "lakeside", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"addresses": 1, "messages": 0, "stopped": 0}
    with pytest.raises(SystemExit) as slip:
        main(["release", "--by", SAM, "--reason", "because she said so on +12125550123"])
    assert slip.value.code == 2


def test_tasks_are_listed_in_plain_words_and_closed_by_name(alice, house, capsys):
    """P5: the urgent one first and late; `done` once, by one of the clinic's staff, on record."""
    builders.text_from(house.lakeside, ALICES_PHONE, "it is bleeding", now=NOW)
    assert main(["tasks", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in rows] == ["red_flag_reply", "nobody_on_call", "unclear_reply"]
    assert [row["overdue"] for row in rows] == [True, True, False]
    assert main(["tasks"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "URGENT" in told[0]
    assert "LATE" in told[0]
    number = str(rows[0]["id"])
    assert main(["tasks", "done", number, "--by", CHARLIE]) == 1
    assert "is no active desk" in capsys.readouterr().err
    assert main(["tasks", "done", number, "--by", SAM]) == 0
    assert main(["tasks", "done", number, "--by", SAM]) == 0
    assert "was done before" in capsys.readouterr().out
    assert Event.objects.filter(kind="task_done", subject=f"task:{number}").count() == 1
    assert main(["tasks", "--json", "--client", str(alice.pk)]) == 0
    assert [row["kind"] for row in json.loads(capsys.readouterr().out)] == ["nobody_on_call", "unclear_reply"]
    assert main(["tasks", "done", "4711", "--by", SAM]) == 1


def test_the_steps_to_hand_over_are_named(alice, house, capsys):
    """What the desk reads out by phone stands in the list."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW)
    assert main(["tasks"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "hand over by phone" in line)
    assert "same-day" in line


def test_every_kind_that_we_open_has_plain_words():
    """P12: no task speaks in codes."""
    kinds = set()
    for path in (Path(__file__).parents[3] / "worker" / "actions").rglob("*.py"):
        kinds |= set(re.findall(r'kind="([a-z_]+)",\s+cause=', path.read_text(encoding="utf-8")))
    assert len(kinds) > 8
    assert kinds - set(PLAIN) == set()


def test_a_cause_opens_one_task(house):
    """P5: the same thing is put before staff once."""
    for _ in range(2):
        open_task(clinic_id=house.lakeside.pk, client_id=None, kind="not_sent", cause="x", now=NOW)
    assert StaffTask.objects.count() == 1
