"""After an outage: only what is still true, the newest first, never a burst, and no more than was promised (P7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

from tests import builders
from tests.actions import post
from tests.actions.course.versions import approved, newest
from tests.builders import NOW, PROTOCOL
from worker.actions.course import treatment
from worker.actions.send.due import close_missed
from worker.models import Attempt, Message, StaffTask
from worker.rules.steps import Calendar

SMS = builders.SERVICE[:2]
DAY = timedelta(days=1)
BACK = NOW + timedelta(days=3, hours=5)  # 15:00 of day 3: three days of nothing


def enrolled(house, **changes):
    """Alice under a version with a substitute for day 1, by SMS alone, confirmed; `changes` are of the source."""
    source = newest(house.lakeside)
    old = next(step for step in source.steps if step.rule.code == "day-1")
    late = replace(
        old.rule, code="day-1-late", when=old.rule.until, until=Calendar(days=5, at=time(20)), instead_of="day-1"
    )
    approved(house.lakeside, replace(source, steps=(*source.steps, replace(old, rule=late)), **changes), NOW)
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    return client


def every_five_minutes(start, hours):
    """What goes from `start` on, as a worker looks again and again: (minutes since, step)."""
    sent = []
    for minutes in range(0, int(hours * 60), 5):
        now = start + timedelta(minutes=minutes)
        close_missed(now=now, machine=now)
        sent += [(minutes, step) for step in post.round_of_post(now)]
    return sent


def test_after_three_days_the_newest_true_step_goes_and_no_burst_follows(house):
    """Rules 50, 51: day 3 goes at once, the substitute of day 1 four hours later; what is no longer true never."""
    alice = enrolled(house)
    assert every_five_minutes(BACK, 4.9) == [(0, "day-3"), (240, "day-1-late")]
    assert {builders.message(alice, step).state for step in ("same-day", "day-1")} == {"missed"}


def test_a_substitute_ends_where_its_step_went(house):
    """P4: day 1 was told in time; its substitute is no second telling."""
    alice = enrolled(house)
    assert post.round_of_post(NOW + DAY) == ["day-1"]
    assert post.round_of_post(NOW + 2.5 * DAY) == []
    late = builders.message(alice, "day-1-late")
    close_missed(now=NOW + 4 * DAY, machine=NOW + 4 * DAY)
    post.round_of_post(NOW + 3 * DAY + timedelta(hours=5))
    late.refresh_from_db()
    assert (late.state, late.reason) == ("cancelled", "went_in_time")


def test_no_more_go_than_were_promised_for_the_session(house):
    """Rule 52: two were promised; the third is withheld and put before staff, and a new session begins anew."""
    alice = enrolled(house, frequency=2)
    for day in range(1, 15):
        post.round_of_post(NOW + day * DAY)
    assert Attempt.objects.filter(cls="course").count() == 2
    withheld = Message.objects.filter(client=alice, state="withheld", reason="promised_number_reached")
    assert withheld.exists()
    assert StaffTask.objects.filter(kind="not_sent", client=alice).count() == withheld.count()
    done = treatment.Done(client_id=alice.pk, protocol=PROTOCOL, external_id="T-2", performed_at=NOW + 14 * DAY)
    made, _ = treatment.add(done=done, by="staff:1", now=NOW + 14 * DAY)
    for day in range(15, 19):
        post.round_of_post(NOW + day * DAY)
    assert Attempt.objects.filter(message__treatment=made).count() == 2


def test_what_is_newer_and_cannot_go_keeps_nobody_waiting_for_long(house):
    """P5: the newer step is of a session that was corrected; the older one goes at the next look."""
    alice = enrolled(house)
    Message.objects.filter(client=alice, step__code="day-3").update(generation=7)
    assert every_five_minutes(BACK, 1)[0] == (5, "day-1-late")
