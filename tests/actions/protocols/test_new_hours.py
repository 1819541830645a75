"""Other hours for a clinic with running courses: looked at before they count, and nothing lost in silence (P5, P6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import builders
from tests.actions import post
from tests.builders import EXAMPLES, NOW, OKAFOR, SAM
from worker.actions.protocols.load import load
from worker.intake.clinic import ClinicFile
from worker.intake.shape import checked
from worker.models import Event, Message, StaffTask
from worker.reading.shadow import hours_difference
from worker.rules.refusal import Refusals

NEW_YORK = ZoneInfo("America/New_York")
AFTERNOONS = {"sms": {"mon-sat": ["13:00-20:00"], "sun": ["13:00-20:00"]}}
SUNDAYS = {"sms": {"sun": ["12:00-13:00"]}}


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, with a visit in five weeks."""
    client = builders.alice(consents=builders.SERVICE[:2], visit=NOW + timedelta(days=35)).client
    post.confirmed(NOW)
    return client


def file(**hours):
    """Lakeside's file with those hours, or other fields of the clinic."""
    return checked(ClinicFile, builders.clinic_file(**hours))


def take(this, hours_by=""):
    """Load it."""
    return load(this, beside=EXAMPLES, by="tests", now=NOW, hours_by=hours_by)


def test_what_would_wait_and_what_would_come_too_late_is_told_beforehand(alice):
    """P6: mornings closed, ten o'clock waits until one; with Sundays alone most steps end before their next one."""
    before = builders.counts()
    said = hours_difference(file(hours=AFTERNOONS).clinic, now=NOW)
    assert {"step": "day-1", "channel": "sms", "change": "waits", "messages": 1} in said["steps"]
    assert not [each for each in said["steps"] if each["step"].startswith("next-session-week")]
    said = hours_difference(file(hours=SUNDAYS).clinic, now=NOW)
    assert {"step": "day-1", "channel": "sms", "change": "too late", "messages": 1} in said["steps"]
    assert said["held_up"] == sum(each["messages"] for each in said["steps"])
    assert builders.counts() == before


@pytest.mark.parametrize(
    "hours", [{}, {"email": {"daily": ["00:00-24:00"]}}, {"sms": {"mon-sat": ["09:30-20:00"], "sun": ["12:00-20:00"]}}]
)
def test_hours_that_hold_nothing_up_change_nothing(alice, hours):
    """P6: wider hours, another channel's, or those that all messages keep: what is planned keeps its hour."""
    due = [each.due_at for each in builders.messages_of(alice, state="planned")]
    assert hours_difference(file(hours=hours).clinic, now=NOW)["steps"] == []
    take(file(hours=hours))
    assert [each.due_at for each in builders.messages_of(alice, state="planned")] == due


def test_hours_that_hold_messages_up_need_somebody_who_looked(alice):
    """P6: refused with the numbers; then taken in a practitioner's name, who is on record, and not in the desk's."""
    before = builders.counts()
    with pytest.raises(Refusals, match="planned messages"):
        take(file(hours=AFTERNOONS))
    with pytest.raises(Refusals, match="hours_by"):
        take(file(hours=AFTERNOONS), hours_by=SAM)
    assert builders.counts() == before
    take(file(hours=AFTERNOONS), hours_by=OKAFOR)
    assert Event.objects.get(kind="hours_changed").facts["too_late"] == 0
    ten = datetime(2027, 1, 13, 10, 0, tzinfo=NEW_YORK)
    assert post.round_of_post(ten) == []
    assert builders.message(alice, "day-1").due_at == ten.replace(hour=13)


def test_what_comes_too_late_is_a_call_for_staff(alice):
    """P5: a step that the new hours make untrue before it may go is handed over now, to be told in time."""
    take(file(hours=SUNDAYS), hours_by=OKAFOR)
    calls = StaffTask.objects.filter(kind="hand_over", client=alice)
    assert "day-1" in {each.facts["step"] for each in calls}
    assert Event.objects.get(kind="hours_changed").facts["too_late"] == calls.count()


def test_the_holidays_of_another_place_are_part_of_it(alice):
    """P6: in Alabama Sundays and holidays are closed by law; that is told like hours of the clinic's own."""
    day = datetime(2027, 1, 17, 12, 0, tzinfo=NEW_YORK)
    Message.objects.filter(client=alice, step__code="day-3").update(due_at=day, expires_at=day + timedelta(hours=4))
    said = hours_difference(file(state="AL").clinic, now=NOW)
    assert {"step": "day-3", "channel": "sms", "change": "too late", "messages": 1} in said["steps"]


def test_hours_wider_than_the_law_are_refused_in_the_preview_too(alice):
    """Rule 46, P12: no difference is told of hours that could never count."""
    with pytest.raises(Refusals, match="jurisdiction"):
        hours_difference(file(hours={"sms": {"daily": ["00:00-24:00"]}}).clinic, now=NOW)
