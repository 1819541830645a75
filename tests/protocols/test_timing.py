"""The shipped hours hold for every treatment of the day, every weekday and over every change of the clock (P6, P7)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocols.shipped import course, protocol
from worker.rules.hours import Hours, read_windows
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import PlannedMessage, plan_course
from worker.rules.steps import OF_CALENDAR, Anchor, HandOver, Moved, Planned

WEEK = {"mon-sat": ["09:00-20:00"], "sun": ["12:00-20:00"]}
ZONES = [ZoneInfo(name) for name in ("America/New_York", "America/Los_Angeles", "Europe/London", "Australia/Lord_Howe")]
CONSENTED = frozenset((channel, purpose) for channel in Channel for purpose in (Purpose.AFTERCARE, Purpose.REMINDERS))
RULES = [step.rule for step in protocol().steps]


def planned(
    treated: datetime, zone: ZoneInfo, *, next_session: datetime | None, holidays: str = ""
) -> list[PlannedMessage]:
    """The whole course of a client who was treated at `treated`, both channels agreed to."""
    hours = Hours(windows=read_windows(WEEK, closed_on=[holidays] if holidays else []), zones=(zone,))
    anchors = {
        Anchor.ENROLMENT: treated,
        Anchor.TREATMENT: treated,
        Anchor.COURSE: treated,
        Anchor.APPOINTMENT: next_session,
    }
    return list(
        plan_course(
            RULES,
            anchors=anchors,
            zone=zone,
            hours_by_channel=dict.fromkeys(Channel, hours),
            now=treated,
            consented=CONSENTED,
        )
    )


DAYS = st.dates(date(2026, 1, 1), date(2029, 12, 31))
WORKING = st.integers(8 * 60, 20 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
INTERVALS = st.none() | st.integers(28, 42)


def _booked(treated: datetime, days: int | None, at: time) -> datetime | None:
    return None if days is None else datetime.combine(treated.date() + timedelta(days=days), at, treated.tzinfo)


@settings(max_examples=150, deadline=None)
@given(DAYS, WORKING, st.sampled_from(ZONES), INTERVALS, WORKING)
def test_every_step_goes_whatever_the_hour_of_the_treatment(day, at, zone, days, then) -> None:
    """Between 08:00 and 20:00 nothing is missed or crowded out, and four hours lie between (P5, rule 51)."""
    treated = datetime.combine(day, at, zone)
    messages = planned(treated, zone, next_session=_booked(treated, days, then))
    assert all(isinstance(message.outcome, Planned) for message in messages)
    assert all(message.outcome.moved is not Moved.SPACED for message in messages)
    for channel in Channel:
        due = [
            message.outcome.due_at
            for message in messages
            if message.channel is channel and message.rule.cls is MessageClass.COURSE
        ]
        assert all(later - sooner >= timedelta(hours=4) for sooner, later in pairwise(due))


@settings(max_examples=100, deadline=None)
@given(DAYS, WORKING, st.sampled_from(ZONES[:2]), INTERVALS, WORKING)
def test_holidays_hold_up_no_aftercare(day, at, zone, days, then) -> None:
    """With every US holiday closed all aftercare still goes; at worst a person calls about an appointment (P5)."""
    treated = datetime.combine(day, at, zone)
    for message in planned(treated, zone, next_session=_booked(treated, days, then), holidays="US"):
        if message.rule.purpose is Purpose.AFTERCARE:
            assert isinstance(message.outcome, Planned)
        else:
            assert isinstance(message.outcome, Planned | HandOver)


@settings(max_examples=60, deadline=None)
@given(DAYS, WORKING, st.sampled_from(ZONES))
def test_the_first_note_comes_on_the_day_itself(day, at, zone) -> None:
    """After a late session it leaves before closing, never the next morning (P7)."""
    treated = datetime.combine(day, at, zone)
    first = next(m for m in planned(treated, zone, next_session=None) if m.rule.code == "same-day")
    assert isinstance(first.outcome, Planned)
    assert first.outcome.local_date == day
    assert treated <= first.outcome.due_at <= treated + timedelta(hours=4)


@settings(max_examples=60, deadline=None)
@given(DAYS, WORKING, st.sampled_from(ZONES), st.integers(28, 42), WORKING)
def test_a_booked_client_is_reminded_and_not_asked_to_book(day, at, zone, days, then) -> None:
    """With a session booked the plan's own reminder falls away; without one, so do those of the session (S12, S13)."""
    treated = datetime.combine(day, at, zone)
    booked = {m.rule.code for m in planned(treated, zone, next_session=_booked(treated, days, then))}
    free = {m.rule.code for m in planned(treated, zone, next_session=None)}
    appointment = {"next-session-week", "before-session", "next-session-day"}
    assert appointment <= booked
    assert "next-session-plan" not in booked
    assert "next-session-plan" in free
    assert not appointment & free


@settings(max_examples=60, deadline=None)
@given(DAYS, WORKING, st.sampled_from(ZONES), INTERVALS, WORKING)
def test_no_client_gets_more_than_was_promised(day, at, zone, days, then) -> None:
    """The number at opt-in is a cap, and so are 3 in 24 hours and 10 in a week (rules 51, 52)."""
    treated = datetime.combine(day, at, zone)
    messages = planned(treated, zone, next_session=_booked(treated, days, then))
    for channel in Channel:
        due = [m.outcome.due_at for m in messages if m.channel is channel and m.rule.cls is MessageClass.COURSE]
        assert len(due) <= protocol().frequency
        for most, span in ((3, timedelta(hours=24)), (10, timedelta(days=7))):
            assert all(sum(start <= each < start + span for each in due) <= most for start in due)


def test_no_text_names_a_day_it_may_not_arrive_on() -> None:
    """A step that may come days late never says "today" or "tomorrow" (P7)."""
    for step in protocol().steps:
        if step.rule.code != "same-day" and step.rule.cls is MessageClass.COURSE:
            for text in step.texts:
                said = f" {text.subject} {text.text} ".lower()
                assert not any(
                    word in said for word in (" today", " tomorrow", " tonight", " hoy", " mañana", " manana")
                )


@pytest.mark.parametrize("purpose", [Purpose.AFTERCARE, Purpose.REMINDERS])
def test_every_course_step_is_told_on_both_channels(purpose: Purpose) -> None:
    """Whoever chose only SMS or only email misses no step; only what corrects a mail goes by mail alone."""
    for step in course(purpose):
        both = step.rule.anchor not in OF_CALENDAR
        assert step.rule.channels == ((Channel.SMS, Channel.EMAIL) if both else (Channel.EMAIL,))


def test_the_interval_is_that_of_the_treatment() -> None:
    """Sessions lie 4 to 6 weeks apart, and the reminder to plan one comes before the first of those days (S12)."""
    assert protocol().interval_days == (28, 42)
    assert protocol().step("next-session-plan").rule.when.days < 28
