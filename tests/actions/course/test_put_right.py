"""A session on record is put right: corrected, taken back, let stand again; and what each would do (P4, P7, P8)."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest

from tests import builders
from tests.actions import post
from tests.actions.course.test_treatment import DAY, another, open_of
from tests.builders import CHARLIE, NOW, SAM
from worker import clock
from worker.actions.course import foresee
from worker.actions.course.put_right import correct, stand_again, void
from worker.actions.course.told_untrue import KIND
from worker.actions.privacy.erase import erase
from worker.actions.record.task import finish
from worker.management.cli import main
from worker.models import Attempt, Event, Message, StaffTask, Treatment
from worker.rules.refusal import Refusals
from worker.rules.taken_back import VoidReason

HOUR = timedelta(hours=1)
WHY = VoidReason.NOT_DONE


@pytest.fixture
def alice(house):
    """Alice agreed to texts alone, was treated an hour ago, and her opt-in confirmation went."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


def sent_until(hours):
    """Every hour a round of the post; the steps that went, in order."""
    return [step for hour in range(hours) for step in post.round_of_post(NOW + hour * HOUR)]


def untrue_tasks():
    """What staff are asked to put right with her by phone."""
    return [
        [step["step"] for step in each.facts["steps"]]
        for each in StaffTask.objects.filter(kind=KIND, done_at=None).order_by("pk")
    ]


def last_event(kind):
    return Event.objects.filter(kind=kind).latest("pk")


@pytest.mark.parametrize(("back", "asked"), [(timedelta(minutes=30), False), (DAY, True)])
def test_who_read_days_counted_from_a_wrong_day_is_called(alice, back, asked):
    """P7: what left can't be called back. A wrong day is a task with the steps by name; a wrong half hour is none."""
    known = alice.treatments.get()
    went = {step for step in sent_until(6) if step != "optin"}
    correct(treatment_id=known.pk, performed_at=known.performed_at - back, by=SAM, now=NOW + 6 * HOUR)
    assert went == {"same-day"}
    assert untrue_tasks() == ([["same-day"]] if asked else [])


def test_advice_that_came_before_its_session_is_untrue_on_the_day_itself(alice):
    """P7: "after today's session" at two, and the session was at four."""
    sent_until(6)
    left_at = Attempt.objects.get(message__step__code="same-day").decided_at
    known = alice.treatments.get()
    correct(treatment_id=known.pk, performed_at=left_at + timedelta(minutes=1), by=SAM, now=NOW + 6 * HOUR)
    assert untrue_tasks() == [["same-day"]]


def test_a_void_asks_to_call_her_and_its_undo_takes_that_back(alice):
    """P7: all that left was untrue; the session stands again, and nobody need call."""
    sent_until(6)
    before, known = open_of(), alice.treatments.get()
    void(treatment_id=known.pk, why=WHY, by=SAM, now=NOW + 6 * HOUR)
    assert (open_of(), untrue_tasks()) == ([], [["same-day"]])
    stand_again(treatment_id=known.pk, by=SAM, now=NOW + 7 * HOUR)
    assert (open_of(), untrue_tasks()) == (before, [])
    counted = builders.counts()
    stand_again(treatment_id=known.pk, by=SAM, now=NOW + 7 * HOUR)
    assert builders.counts() == counted


def test_nothing_goes_twice_whatever_is_put_right(alice):
    """P4: taken back, let stand again and corrected to and fro while the post goes: each step rings once."""
    known = alice.treatments.get()
    rang = sent_until(6)
    for hour in range(6, 80):
        now = NOW + hour * HOUR
        one = {"treatment_id": known.pk, "by": SAM, "now": now}
        if hour % 3 == 0:
            void(why=WHY, **one)
        elif hour % 3 == 1:
            stand_again(**one)
        else:
            correct(performed_at=NOW - timedelta(hours=1, minutes=hour % 2), **one)
        rang += post.round_of_post(now)
    assert len(rang) == len(set(rang))
    assert {"same-day", "day-1", "day-3"} <= set(rang)


def test_a_session_recorded_twice_rings_once(alice):
    """P4: what she read for the one that is taken back she does not get again for the one that stays."""
    twice, _ = another(alice, NOW)
    went = sent_until(6)
    void(treatment_id=twice.pk, why=VoidReason.TWICE, by=SAM, now=NOW + 6 * HOUR)
    again = [step for hour in range(6, 90) for step in post.round_of_post(NOW + hour * HOUR)]
    assert "same-day" in went
    assert {"day-1", "day-3"} <= set(again)
    assert not set(went) & set(again)


def test_entered_anew_before_the_old_one_is_taken_back_rings_once_too(alice):
    """P4, P8: the other order at the desk; what she read meanwhile ends, and comes where the old one stands again."""
    old = alice.treatments.get()
    went = sent_until(6)
    made, _ = another(alice, NOW)
    assert "same-day" in went
    assert "same-day" in open_of(treatment=made)
    void(treatment_id=old.pk, why=VoidReason.TWICE, by=SAM, now=NOW + 6 * HOUR)
    assert "same-day" not in open_of()
    assert "day-1" in open_of(treatment=made)
    assert Message.objects.filter(treatment=made, reason="read_before", step__code="same-day").exists()
    stand_again(treatment_id=old.pk, by=SAM, now=NOW + 6 * HOUR)
    assert "same-day" in open_of(treatment=made)


def test_what_rang_before_this_session_was_done_is_not_taken_for_its_own(alice):
    """P5, P7: recorded on Tuesday, done on Thursday, entered anew: Thursday's advice comes, though Tuesday's went."""
    went = sent_until(6)
    void(treatment_id=alice.treatments.get().pk, why=WHY, by=SAM, now=NOW + 6 * HOUR)
    made, _ = another(alice, NOW + 2 * DAY)
    assert "same-day" in went
    assert "same-day" in open_of(treatment=made)


@pytest.mark.parametrize("put", ["correct", "stand"])
def test_two_sessions_never_come_to_stand_at_one_moment(alice, put):
    """P4, P12: that would be one session recorded twice, and every text of it twice."""
    first = alice.treatments.get()
    made, _ = another(alice, NOW)
    if put == "stand":
        void(treatment_id=made.pk, why=WHY, by=SAM, now=NOW)
        correct(treatment_id=first.pk, performed_at=NOW, by=SAM, now=NOW)
    before = builders.counts()
    act = stand_again if put == "stand" else partial(correct, performed_at=first.performed_at)
    with pytest.raises(Refusals, match=r"performed_at.*another session.*take back"):
        act(treatment_id=made.pk, by=SAM, now=NOW)
    assert builders.counts() == before


def test_the_record_says_who_and_why_and_nothing_of_her(alice):
    """P8, P9: an event for each act, with a code; no name, no address, no words."""
    known = alice.treatments.get()
    sam = f"staff:{alice.clinic.staff.get(email=SAM).pk}"
    correct(treatment_id=known.pk, performed_at=NOW, by=SAM, now=NOW)
    void(treatment_id=known.pk, why=VoidReason.OTHER_CLIENT, by=SAM, now=NOW)
    stand_again(treatment_id=known.pk, by=SAM, now=NOW)
    told = [last_event(f"treatment_{kind}") for kind in ("corrected", "voided", "stands")]
    assert [(each.actor, each.code) for each in told] == [(sam, ""), (sam, "other_client"), (sam, "")]
    assert {each.subject for each in told} == {f"treatment:{known.pk}"}
    assert [set(each.facts) for each in told] == [{"generation", "version"}] * 3


@pytest.mark.parametrize("who", [CHARLIE, "nobody@lakeside.example", "staff:1"])
def test_only_the_desk_of_her_clinic_puts_a_session_right(alice, who):
    """P10: Charlie's desk is another clinic's."""
    known, before = alice.treatments.get(), builders.counts()
    for act in (
        lambda: correct(treatment_id=known.pk, performed_at=NOW, by=who, now=NOW),
        lambda: void(treatment_id=known.pk, why=WHY, by=who, now=NOW),
        lambda: stand_again(treatment_id=known.pk, by=who, now=NOW),
    ):
        with pytest.raises(Refusals, match="by: is no active desk or practitioner or owner"):
            act()
    known.refresh_from_db()
    assert (builders.counts(), known.generation) == (before, 1)


@pytest.mark.parametrize("at", [NOW + DAY, NOW - 200 * DAY, NOW.replace(tzinfo=None)])
def test_an_odd_time_is_refused_before_and_at_the_press(alice, at):
    """P12."""
    known, before = alice.treatments.get(), builders.counts()
    for act in (foresee.correction, lambda **given: correct(**given, by=SAM)):
        with pytest.raises(Refusals, match="performed_at"):
            act(treatment_id=known.pk, performed_at=at, now=NOW)
    assert builders.counts() == before


def test_whoever_is_erased_has_no_session_to_put_right(alice):
    """P9: nothing is planned for her any more."""
    known = alice.treatments.get()
    erase(client_id=alice.pk, by=SAM, now=NOW)
    with pytest.raises(Refusals, match="treatment: is not known"):
        void(treatment_id=known.pk, why=WHY, by=SAM, now=NOW)


def test_the_preview_names_what_moves_ends_and_left(alice):
    """P8: a day later everything to come moves by a day; what left stays, and was not true. Nothing is changed."""
    known = alice.treatments.get()
    sent_until(6)
    counted, coming = builders.counts(), open_of()
    seen = foresee.correction(treatment_id=known.pk, performed_at=known.performed_at - DAY, now=NOW + 6 * HOUR)
    moved = {each.step: each.before - each.after for each in seen.turns if each.before and each.after}
    assert moved["day-14"] == DAY
    assert [(each.step, each.untrue) for each in seen.left] == [("same-day", True)]
    gone = foresee.voiding(treatment_id=known.pk, now=NOW + 6 * HOUR)
    assert sorted(each.step for each in gone.turns) == coming
    assert all(each.after is None for each in gone.turns)
    assert (builders.counts(), open_of(), untrue_tasks()) == (counted, coming, [])


@pytest.fixture
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW + HOUR)


@pytest.mark.usefixtures("_setting")
def test_the_command_looks_first_and_then_does_it(alice, capsys):
    """P8, P12: `--preview` changes nothing; a void needs its reason and a name."""
    known, counted = alice.treatments.get(), builders.counts()
    one, later = str(known.pk), (known.performed_at + HOUR).isoformat()
    assert main(["treatment", "correct", one, "--at", later, "--preview"]) == 0
    assert "  moves: same-day (sms) " in capsys.readouterr().out
    assert main(["treatment", "void", one, "--preview", "--json"]) == 0
    assert {each["change"] for each in json.loads(capsys.readouterr().out)["changes"]} == {"ends"}
    assert main(["treatment", "void", one, "--by", SAM]) == 1
    assert "--why" in capsys.readouterr().err
    for odd in (["void", one], ["void", one, "--by", SAM, "--why", "because Alice said so"], ["correct", one]):
        with pytest.raises(SystemExit):
            main(["treatment", *odd])
    assert builders.counts() == counted
    assert main(["treatment", "correct", one, "--at", later, "--by", SAM]) == 0
    assert main(["treatment", "void", one, "--why", "twice", "--by", SAM]) == 0
    assert Treatment.objects.get(pk=known.pk).voided_at is not None
    assert main(["treatment", "stand", one, "--by", SAM]) == 0
    known.refresh_from_db()
    assert (known.voided_at, known.performed_at.isoformat()) == (None, later)
    assert Message.objects.filter(treatment=known, generation=4, state="planned").exists()


@pytest.mark.usefixtures("_setting")
def test_a_task_to_call_her_can_be_ticked_off(alice, capsys):
    """P5: it stands among the tasks in plain words until somebody says that it is done."""
    sent_until(6)
    void(treatment_id=alice.treatments.get().pk, why=WHY, by=SAM, now=NOW + 6 * HOUR)
    assert main(["tasks"]) == 0
    assert "was not true: call the client (same-day)" in capsys.readouterr().out
    task = StaffTask.objects.get(kind=KIND)
    assert finish(task_id=task.pk, by=SAM, now=NOW + 6 * HOUR)
    assert untrue_tasks() == []
