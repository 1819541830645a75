"""Protocols whose steps cannot go are found before anybody approves them (P5)."""

from __future__ import annotations

from datetime import date, time

from tests.rules.test_plan import CLOSED, DAYTIME, NEW_YORK, after, day, step
from worker.rules.hours import Hours, read_windows
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import Anchor, Cause, IfClosed
from worker.rules.reach import _special_days, shortfalls, unreachable

MONDAY = date(2026, 11, 16)
SMS = {Channel.SMS: DAYTIME}
NO_HOLIDAYS = {Channel.SMS: Hours(windows=read_windows({"daily": ["09:00-20:00"]}), zones=(NEW_YORK,))}


def blocking(*rules, hours=SMS):
    """What forbids the approval."""
    return unreachable(rules, hours, NEW_YORK, start=MONDAY)


def test_a_step_that_always_fits_is_no_finding():
    """A day's room on any day of the year is enough."""
    assert shortfalls([step(if_closed=IfClosed.SKIP)], NO_HOLIDAYS, NEW_YORK, start=MONDAY) == ()


def test_a_step_lost_without_a_word_forbids_approval():
    """Four hours after a late treatment is night; `skip` would lose it in silence (P5)."""
    (found,) = blocking(step("check", after(hours=4), day(0, "22:00"), if_closed=IfClosed.SKIP))

    assert (found.step, found.channel, found.reason, found.answered) == ("check", Channel.SMS, Cause.CLOSED, False)
    assert 0 < found.times < found.tried
    assert time(16) <= found.example.time()


def test_a_step_the_staff_take_over_may_be_approved_and_is_shown():
    """A hand-over is an answer; the practitioner sees which calls it means."""
    rule = step("check", after(hours=4), day(0, "22:00"), if_closed=IfClosed.HAND_OVER)
    (shown,) = shortfalls([rule], SMS, NEW_YORK, start=MONDAY)

    assert blocking(rule) == ()
    assert shown.answered
    assert shown.example.time() == time(16)


def test_earlier_saves_the_step_until_the_last_quarter():
    """Only the treatment at 20:00 itself, when nothing is open any more, goes to the staff."""
    rule = step("check", after(hours=4), day(0, "22:00"))
    (shown,) = shortfalls([rule], SMS, NEW_YORK, start=MONDAY)

    assert blocking(rule) == ()
    assert shown.example.time() == time(20)
    assert shown.times * 49 == shown.tried


def test_a_step_that_can_never_go_forbids_approval_also_with_a_hand_over():
    """A text at 03:00, useful for an hour, is a slip of the pen."""
    rule = step("night", day(2, "03:00"), day(2, "04:00"), if_closed=IfClosed.HAND_OVER)
    (found,) = blocking(rule)

    assert found.answered
    assert found.times == found.tried


def test_closed_hours_forbid_every_step():
    """A channel that never opens carries no protocol."""
    assert [finding.step for finding in blocking(step("a"), hours={Channel.SMS: CLOSED})] == ["a"]


def test_a_holiday_is_found_on_the_steps_own_day():
    """Day 6 is Thanksgiving when the treatment was on a Friday before; no weekday alone shows it (rule 46)."""
    (found,) = blocking(step("day-6", day(6, "10:00"), day(6, "20:00"), if_closed=IfClosed.SKIP))

    assert found.reason is Cause.CLOSED
    assert found.example.date() == date(2026, 11, 20)


def test_early_aftercare_is_not_held_up_by_a_holiday():
    """In the first 72 hours a holiday that is only custom is open (rule 46)."""
    assert blocking(step("day-1", if_closed=IfClosed.SKIP)) == ()


def test_clock_changes_are_tried():
    """Nothing is open in the hour New York skips; only the day of the change shows it (rule 137)."""
    nightly = {Channel.EMAIL: Hours(windows=read_windows({"daily": ["02:00-03:00"]}), zones=(NEW_YORK,))}
    rule = step("odd", day(1, "02:00"), day(1, "03:00"), if_closed=IfClosed.SKIP, channels=(Channel.EMAIL,))
    (found,) = blocking(rule, hours=nightly)

    assert (date(2027, 3, 13), 49) == (found.example.date(), found.times)


def test_the_days_tried_hold_both_clock_changes_and_the_holidays():
    """A year from the start: two changes, and every day the windows may be closed."""
    days = _special_days(SMS.values(), NEW_YORK, MONDAY)

    assert {date(2027, 3, 14), date(2027, 11, 7), date(2026, 11, 26), date(2026, 12, 25)} <= days
    assert len(_special_days(NO_HOLIDAYS.values(), NEW_YORK, MONDAY)) == 2


def test_steps_that_leave_each_other_no_room_are_found():
    """Two texts an hour apart with an hour's room: the second never goes (rule 51)."""
    first, second = step("a"), step("b", day(1, "11:00"), day(1, "12:00"), ordinal=2)
    (found,) = blocking(first, second)

    assert (found.step, found.reason, found.times == found.tried) == ("b", Cause.CROWDED, True)


def test_reminders_are_tried_as_if_booked_in_time():
    """A reminder for a session is not "past" only because the trial booked it late (P7)."""
    rule = step("visit", day(-60, "10:00"), day(-58, "20:00"), anchor=Anchor.APPOINTMENT, purpose=Purpose.REMINDERS)

    assert blocking(rule, hours=NO_HOLIDAYS) == ()


def test_reminders_may_be_put_before_a_closed_weekend():
    """Closed on Sunday and a Monday holiday: the reminder goes on Saturday, and nobody has to call (P7)."""
    weekdays = Hours(windows=read_windows({"mon-sat": ["09:00-20:00"]}, closed_on=["US"]), zones=(NEW_YORK,))
    rule = step("visit", day(-1, "10:00"), day(-1, "20:00"), anchor=Anchor.APPOINTMENT, purpose=Purpose.REMINDERS)

    assert shortfalls([rule], {Channel.SMS: weekdays}, NEW_YORK, start=MONDAY) == ()


def test_answers_are_left_out():
    """They keep no hours and wait for an act."""
    rule = step("help", after(minutes=0), after(minutes=5), anchor=Anchor.REPLY, cls=MessageClass.ANSWER)

    assert shortfalls([rule], {Channel.SMS: CLOSED}, NEW_YORK, start=MONDAY) == ()
