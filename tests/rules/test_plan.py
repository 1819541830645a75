"""When steps are due, where they are put when nothing is open, and who is told (P5-P7, rules 50, 51, 136)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.hours import Hours, is_open, read_windows
from worker.rules.interval import session_interval_warning
from worker.rules.local_time import instant, local, zone
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import (
    Anchor,
    Calendar,
    Cause,
    Elapsed,
    HandOver,
    IfClosed,
    Missed,
    Moved,
    Planned,
    StepRule,
    moment,
    plan_course,
    plan_step,
)

NEW_YORK = zone("America/New_York")
LOS_ANGELES = zone("America/Los_Angeles")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DAYTIME = Hours(windows=read_windows({"daily": ["09:00-20:00"]}, closed_on=["US"]), zones=(NEW_YORK,))
NIGHT = Hours(windows=read_windows({"daily": ["20:00-08:00"]}), zones=(NEW_YORK,))
CLOSED = Hours(windows=read_windows({}), zones=(NEW_YORK,))
BOTH = dict.fromkeys(Channel, DAYTIME)
SERVICE = frozenset((channel, purpose) for channel in Channel for purpose in (Purpose.AFTERCARE, Purpose.REMINDERS))


def at(text: str, place=NEW_YORK) -> datetime:
    """The UTC instant of a wall time such as "2026-07-04 09:00"."""
    on, clock = text.split()
    return instant(date.fromisoformat(on), time.fromisoformat(clock), place)


def day(days: int, clock: str) -> Calendar:
    """A calendar moment."""
    return Calendar(days=days, at=time.fromisoformat(clock))


def after(**delta: int) -> Elapsed:
    """An elapsed moment."""
    return Elapsed(delta=timedelta(**delta))


def step(code="step", when=None, until=None, **changes) -> StepRule:
    """Aftercare on the next day, 10:00 to 20:00, unless the test says otherwise."""
    rule = StepRule(
        code=code,
        cls=MessageClass.COURSE,
        anchor=Anchor.TREATMENT,
        when=when or day(1, "10:00"),
        until=until or day(1, "20:00"),
        channels=(Channel.SMS,),
        purpose=Purpose.AFTERCARE,
        if_closed=IfClosed.EARLIER,
        ordinal=1,
    )
    return replace(rule, **changes)


def plan(rule: StepRule, anchor: str, now: str | None = None, hours: Hours = DAYTIME):
    """The outcome of one step, times on New York's wall."""
    return plan_step(rule, anchor_at=at(anchor), zone=NEW_YORK, hours=hours, now=at(now or anchor))


def course(*rules: StepRule, now="2026-06-10 12:00", consented=SERVICE, hours=BOTH, **anchors):
    """The messages of a course; anchors are wall times, the treatment is at `now` unless given."""
    given_anchors = {"treatment": now, "enrolment": now, **anchors}
    return plan_course(
        rules,
        anchors={Anchor(name): text and at(text) for name, text in given_anchors.items()},
        zone=NEW_YORK,
        hours_by_channel=hours,
        now=at(now),
        consented=consented,
    )


class TestDue:
    """From anchor to instant."""

    def test_elapsed_time_is_real_time(self):
        """24 h after 10:00 before the spring change is 11:00, after the autumn change 09:00 (rule 136)."""
        spring = plan(step(when=after(hours=24), until=day(1, "20:00")), "2026-03-07 10:00")
        autumn = plan(step(when=after(hours=24), until=day(1, "20:00")), "2026-10-31 10:00")

        assert (time(11), time(9)) == (spring.local_time, autumn.local_time)
        assert spring.due_at == at("2026-03-07 10:00") + DAY

    @pytest.mark.parametrize("anchor", ["2026-03-05 16:00", "2026-10-29 16:00", "2026-06-10 16:00"])
    def test_calendar_time_keeps_its_wall_time(self, anchor):
        """Day 3 at 10:00 is 10:00 on the client's wall, whatever its clock did between (rule 136)."""
        found = plan(step(when=day(3, "10:00"), until=day(3, "20:00")), anchor)

        assert (time(10), None) == (found.local_time, found.moved)
        assert found.local_date == local(at(anchor), NEW_YORK).date() + 3 * DAY

    def test_days_count_from_the_anchors_local_date(self):
        """23:30 in New York is already tomorrow in UTC, and still today for the client (rule 135)."""
        assert moment(day(0, "10:00"), at("2026-06-10 23:30"), NEW_YORK) == at("2026-06-10 10:00")

    def test_both_ends_count_from_the_same_anchor(self):
        """`until` is the anchor's next evening, not the due time's."""
        found = plan(step(when=after(hours=3), until=day(1, "21:00")), "2026-06-10 12:00")

        assert (at("2026-06-10 15:00"), at("2026-06-11 21:00")) == (found.due_at, found.expires_at)

    def test_a_step_recorded_late_goes_at_once_while_it_is_useful(self):
        """Due at 15:00, recorded at 17:12: it goes at 17:12 (P7)."""
        found = plan(step(when=after(hours=3), until=day(0, "20:00")), "2026-06-10 12:00", "2026-06-10 17:12")

        assert (at("2026-06-10 17:12"), Moved.LATE) == (found.due_at, found.moved)


class TestClosed:
    """Nothing is open when the step is due."""

    def test_it_waits_for_the_next_opening_before_its_end(self):
        """Due at 23:00, useful until next evening: 09:00 (rule 48)."""
        found = plan(step(when=after(hours=4), until=day(1, "20:00")), "2026-06-10 19:00")

        assert (at("2026-06-11 09:00"), Moved.CLOSED) == (found.due_at, found.moved)

    def test_it_goes_into_the_last_opening_before_its_end_with_time_to_spare(self):
        """Due at 21:30, useful until 23:00: 19:45, a quarter before closing (P7)."""
        found = plan(step(when=after(hours=4), until=day(0, "23:00")), "2026-06-10 17:30")

        assert (at("2026-06-10 19:45"), Moved.EARLIER) == (found.due_at, found.moved)

    def test_earlier_is_never_before_the_treatment(self):
        """Treated at 19:52: advice about it goes at 19:52, not at 19:45 (P7)."""
        found = plan(step(when=after(hours=4), until=day(0, "23:59")), "2026-06-10 19:52", "2026-06-10 11:00")

        assert at("2026-06-10 19:52") == found.due_at

    def test_earlier_is_never_before_now(self):
        """At 19:55 the quarter before closing is gone; five minutes are left (P7)."""
        found = plan(step(when=after(hours=4), until=day(0, "23:00")), "2026-06-10 17:30", "2026-06-10 19:55")

        assert at("2026-06-10 19:55") == found.due_at

    def test_earlier_may_be_before_a_future_session(self):
        """A reminder due on a holiday goes on the day before it (P7)."""
        rule = step(when=day(-1, "10:00"), until=day(-1, "20:00"), anchor=Anchor.APPOINTMENT)
        found = plan(rule, "2026-11-27 10:00", "2026-11-01 12:00")

        assert (at("2026-11-25 19:45"), Moved.EARLIER) == (found.due_at, found.moved)

    def test_a_short_opening_is_used_from_its_start(self):
        """Ten minutes before the end of a five minute opening is before it (P6)."""
        short = Hours(windows=read_windows({"daily": ["12:00-12:05"]}), zones=(NEW_YORK,))
        found = plan(step(when=day(0, "13:00"), until=day(0, "14:00")), "2026-06-10 08:00", hours=short)

        assert at("2026-06-10 12:00") == found.due_at

    @pytest.mark.parametrize(
        ("if_closed", "now", "kind"),
        [
            (IfClosed.EARLIER, "2026-06-10 20:00", HandOver),
            (IfClosed.HAND_OVER, "2026-06-10 17:30", HandOver),
            (IfClosed.SKIP, "2026-06-10 17:30", Missed),
        ],
    )
    def test_what_cannot_go_is_handed_over_or_missed_as_the_protocol_says(self, if_closed, now, kind):
        """Earlier is too late at 20:00; `hand_over` and `skip` do not try (P5)."""
        rule = step(when=after(hours=4), until=day(0, "23:00"), if_closed=if_closed)
        found = plan(rule, "2026-06-10 17:30", now)

        assert (kind, Cause.CLOSED) == (type(found), found.reason)
        assert (at("2026-06-10 21:30"), at("2026-06-10 23:00")) == (found.due_at, found.expires_at)

    def test_never_open_is_handed_over(self):
        """A channel without hours sends nothing and hides nothing (P5)."""
        assert isinstance(plan(step(), "2026-06-10 12:00", hours=CLOSED), HandOver)

    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({"anchor": Anchor.APPOINTMENT}, Missed),
            ({"anchor": Anchor.TREATMENT}, HandOver),
            ({"anchor": Anchor.TREATMENT, "if_closed": IfClosed.SKIP}, Missed),
        ],
    )
    def test_a_step_whose_time_is_over(self, changes, kind):
        """A session booked late misses its early reminder in silence; lost advice is told to the staff (P5, P7)."""
        found = plan(
            step(when=day(1, "10:00"), until=day(1, "20:00"), **changes), "2026-06-10 12:00", "2026-06-11 20:00"
        )

        assert (kind, Cause.PAST) == (type(found), found.reason)

    def test_an_answer_keeps_no_hours(self):
        """What a client asks for at midnight is answered at midnight."""
        rule = step(when=after(minutes=0), until=after(minutes=5), cls=MessageClass.ANSWER)
        found = plan(rule, "2026-06-10 23:58")

        assert (at("2026-06-10 23:58"), None) == (found.due_at, found.moved)

    def test_an_overnight_window_is_used(self):
        """A clinic may write email at night: due at 10:00, it goes at 20:00 (P6)."""
        found = plan(step(when=day(1, "10:00"), until=day(2, "10:00")), "2026-06-10 12:00", hours=NIGHT)

        assert at("2026-06-11 20:00") == found.due_at


class TestHolidays:
    """Early aftercare does not wait for the end of a holiday."""

    def test_aftercare_goes_on_a_holiday_in_its_first_72_hours(self):
        """Treated on the eve of Thanksgiving: day 1 is Thanksgiving, and it goes (rule 46)."""
        assert time(10) == plan(step(), "2026-11-25 15:00").local_time

    @pytest.mark.parametrize(
        ("anchor", "changes"),
        [
            ("2026-11-20 15:00", {"when": day(6, "10:00"), "until": day(7, "20:00")}),
            ("2026-11-25 15:00", {"purpose": Purpose.REMINDERS, "until": day(2, "20:00")}),
            ("2026-11-25 15:00", {"anchor": Anchor.COURSE, "until": day(2, "20:00")}),
        ],
    )
    def test_anything_else_waits(self, anchor, changes):
        """After 72 hours, for reminders and for nudges a holiday is closed (rule 46)."""
        found = plan(step(**changes), anchor)

        assert (at("2026-11-27 09:00"), Moved.CLOSED) == (found.due_at, found.moved)


class TestCourse:
    """All steps of a client together."""

    def test_messages_come_in_due_order_for_each_channel(self):
        """Steps times channels, earliest first."""
        late, early = step("late", ordinal=1, channels=tuple(Channel)), step("early", after(hours=1), ordinal=2)
        found = course(late, early)

        assert [(message.rule.code, message.channel.value) for message in found] == [
            ("early", "sms"),
            ("late", "email"),
            ("late", "sms"),
        ]

    def test_without_consent_nothing_is_planned(self):
        """Each channel and purpose by itself (rule 1)."""
        rules = (
            step("care", channels=tuple(Channel)),
            step("visit", purpose=Purpose.REMINDERS, channels=tuple(Channel)),
        )
        found = course(*rules, consented=frozenset({(Channel.EMAIL, Purpose.AFTERCARE)}))

        assert [(message.rule.code, message.channel) for message in found] == [("care", Channel.EMAIL)]

    def test_an_answer_needs_consent_to_something_on_its_channel(self):
        """The opt-in confirmation goes where the client opted in, and nowhere else (rule 6)."""
        answer = step(
            "hello",
            after(minutes=0),
            after(hours=1),
            cls=MessageClass.ANSWER,
            anchor=Anchor.ENROLMENT,
            channels=tuple(Channel),
        )
        found = course(answer, consented=frozenset({(Channel.SMS, Purpose.REMINDERS)}))

        assert [message.channel for message in found] == [Channel.SMS]

    def test_a_booked_session_has_reminders_and_an_unbooked_one_a_nudge(self):
        """Never both (P7)."""
        rules = (
            step("nudge", day(30, "10:00"), day(33, "20:00"), anchor=Anchor.COURSE),
            step("visit", day(-2, "10:00"), day(-1, "20:00"), anchor=Anchor.APPOINTMENT),
        )
        booked = course(*rules, course="2026-06-10 12:00", appointment="2026-07-15 10:00")
        unbooked = course(*rules, course="2026-06-10 12:00", appointment=None)

        assert tuple([m.rule.code for m in found] for found in (booked, unbooked)) == (["visit"], ["nudge"])

    def test_an_answer_to_an_act_is_never_planned_ahead(self):
        """`reply` has no anchor until somebody writes."""
        assert course(step(anchor=Anchor.REPLY, cls=MessageClass.ANSWER)) == ()

    def test_a_channel_without_hours_has_no_messages(self):
        """A clinic without a sender for a channel plans nothing there."""
        assert course(step(), hours={Channel.EMAIL: DAYTIME}) == ()

    def test_two_messages_closer_than_four_hours_are_spaced(self):
        """The later is moved on, and those behind it too (rule 51)."""
        rules = [step(str(n), day(1, f"1{n}:00"), day(1, "20:00"), ordinal=n) for n in range(3)]
        found = course(*rules)

        assert [time(10), time(14), time(18)] == [message.outcome.local_time for message in found]
        assert [message.outcome.moved for message in found] == [None, Moved.SPACED, Moved.SPACED]

    def test_channels_do_not_crowd_each_other(self):
        """An email beside a text is not a second text (rule 51)."""
        found = course(step(channels=tuple(Channel)))

        assert {time(10)} == {message.outcome.local_time for message in found}

    def test_answers_do_not_crowd_the_course(self):
        """The cap is on course messages (rule 51)."""
        found = course(step("a", cls=MessageClass.ANSWER), step("b", day(1, "11:00"), ordinal=2))

        assert [time(10), time(11)] == [message.outcome.local_time for message in found]

    @pytest.mark.parametrize(("if_closed", "kind"), [(IfClosed.EARLIER, HandOver), (IfClosed.SKIP, Missed)])
    def test_what_no_longer_fits_is_reported(self, if_closed, kind):
        """Crowded out at 13:00, useful until 13:59: handed over or missed, never sent too close (rule 51)."""
        found = course(step("a"), step("b", day(1, "11:00"), day(1, "13:59"), ordinal=2, if_closed=if_closed))

        assert (kind, Cause.CROWDED) == (type(found[1].outcome), found[1].outcome.reason)

    def test_of_two_moved_to_one_moment_the_shorter_lived_goes_first(self):
        """Both wait for 14:00; the one useful until 14:30 is not thrown away for the other (rule 51)."""
        found = course(
            step("first"),
            step("patient", day(1, "11:00"), day(1, "20:00"), ordinal=2),
            step("urgent", day(1, "13:00"), day(1, "14:30"), ordinal=3),
        )

        assert [(m.rule.code, m.outcome.local_time) for m in found] == [
            ("first", time(10)),
            ("urgent", time(14)),
            ("patient", time(18)),
        ]

    def test_what_was_crowded_out_stands_where_it_was_due(self):
        """The order is that of due times, also for messages that were moved before they were given up."""
        found = course(
            step("first"),
            step("crowded", day(1, "11:00"), day(1, "15:00"), ordinal=2),
            step("urgent", day(1, "13:00"), day(1, "14:30"), ordinal=3),
        )

        assert [message.rule.code for message in found] == ["first", "crowded", "urgent"]
        assert found[1].outcome.reason is Cause.CROWDED

    def test_the_same_input_gives_the_same_plan_in_any_order_of_steps(self):
        """Planning again after a restart changes nothing (P4)."""
        rules = [step(str(n), day(1, f"1{n}:00"), day(2, "20:00"), ordinal=n) for n in range(5)]

        assert course(*rules) == course(*reversed(rules))


class TestInterval:
    """Sessions spaced four to six weeks apart."""

    @pytest.mark.parametrize("after_days", [28, 35, 42])
    def test_within_the_interval_nothing_is_said(self, after_days):
        """Both ends are in (S12)."""
        last = at("2026-06-10 18:00")

        assert session_interval_warning(last, last + after_days * DAY - 3 * HOUR, 28, 42, NEW_YORK) is None

    @pytest.mark.parametrize(("after_days", "too_early"), [(27, True), (43, False), (-1, True)])
    def test_outside_it_staff_are_warned_with_the_right_dates(self, after_days, too_early):
        """The skin needs its time to heal (S12, S13)."""
        last = at("2026-06-10 18:00")
        found = session_interval_warning(last, last + after_days * DAY, 28, 42, NEW_YORK)

        assert (after_days, too_early) == (found.days, found.too_early)
        assert (date(2026, 7, 8), date(2026, 7, 22)) == (found.earliest, found.latest)

    def test_days_are_the_clients_days(self):
        """23:00 in New York is the next day in UTC; the count stays with the client (rule 135)."""
        last, following = at("2026-06-10 23:00"), at("2026-07-08 09:00")

        assert session_interval_warning(last, following, 28, 42, NEW_YORK) is None


wall_times = st.times().map(lambda t: t.replace(microsecond=0))
whens = st.one_of(
    st.builds(Elapsed, delta=st.timedeltas(timedelta(0), timedelta(days=20))),
    st.builds(Calendar, days=st.integers(-3, 20), at=wall_times),
)
rules = st.builds(
    step,
    when=whens,
    until=whens,
    anchor=st.sampled_from([Anchor.TREATMENT, Anchor.APPOINTMENT, Anchor.ENROLMENT]),
    purpose=st.sampled_from([Purpose.AFTERCARE, Purpose.REMINDERS]),
    if_closed=st.sampled_from(IfClosed),
)
around_changes = st.builds(
    lambda on, hours: at(f"{on} 00:00") + hours * HOUR / 4,
    st.sampled_from(["2026-03-08", "2026-11-01", "2026-07-04", "2026-11-26"]),
    st.integers(-30 * 24, 30 * 24),
)
some_hours = st.sampled_from([DAYTIME, NIGHT, CLOSED, Hours(windows=DAYTIME.windows, zones=(NEW_YORK, LOS_ANGELES))])


@settings(max_examples=400, deadline=None)
@given(rules, around_changes, st.integers(-96, 96), some_hours)
def test_a_planned_step_is_due_inside_an_opening_in_its_time_and_not_before_now(rule, anchor_at, late, hours):
    """Whatever the protocol, the clock changes and the hours are (P6, P7, rule 50)."""
    now = anchor_at + late * HOUR / 4
    found = plan_step(rule, anchor_at=anchor_at, zone=NEW_YORK, hours=hours, now=now)
    due_at, expires_at = (moment(when, anchor_at, NEW_YORK) for when in (rule.when, rule.until))
    early = rule.anchor is Anchor.TREATMENT and rule.purpose is Purpose.AFTERCARE

    assert expires_at == found.expires_at
    if isinstance(found, Planned):
        shown = local(found.due_at, NEW_YORK)
        assert now <= found.due_at < expires_at
        assert is_open(
            found.due_at, hours.windows, *hours.zones, holidays_from=anchor_at + 72 * HOUR if early else None
        )
        assert (found.local_date, found.local_time) == (shown.date(), shown.time())
        assert found.moved is Moved.EARLIER or found.due_at >= due_at
        assert (found.moved is None) == (found.due_at == due_at)
        assert found.moved is not Moved.EARLIER or due_at < anchor_at or found.due_at >= anchor_at
    else:
        assert found.due_at == due_at
        assert (found.reason is Cause.PAST) == (expires_at <= now)
        assert rule.if_closed is not IfClosed.SKIP or isinstance(found, Missed)


@settings(max_examples=100, deadline=None)
@given(st.lists(rules, max_size=8), around_changes)
def test_a_course_says_something_of_every_step_and_never_crowds_a_phone(steps, anchor_at):
    """Each step has one outcome; two planned ones are never closer than 4 h, each within its own time (P5, 51)."""
    steps = [replace(rule, code=str(n), ordinal=n) for n, rule in enumerate(steps)]
    found = plan_course(
        steps,
        anchors=dict.fromkeys(Anchor, anchor_at),
        zone=NEW_YORK,
        hours_by_channel=BOTH,
        now=anchor_at,
        consented=SERVICE,
    )
    dues = [message.outcome.due_at for message in found if isinstance(message.outcome, Planned)]

    assert sorted(rule.code for rule in steps) == sorted(message.rule.code for message in found)
    assert all(later - earlier >= 4 * HOUR for earlier, later in itertools.pairwise(dues))
    assert all(m.outcome.due_at < m.outcome.expires_at for m in found if isinstance(m.outcome, Planned))
    assert [m.outcome.due_at for m in found] == sorted(m.outcome.due_at for m in found)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.times(time(9), time(19, 59)), around_changes)
def test_a_wall_clock_step_keeps_its_wall_time_over_the_clock_change(days, clock, anchor_at):
    """Inside the hours, calendar steps are never moved by an hour (rule 136)."""
    hours = Hours(windows=read_windows({"daily": ["09:00-20:00"]}), zones=(NEW_YORK,))
    rule = step(when=Calendar(days=days, at=clock), until=Calendar(days=days, at=time(23)))
    found = plan_step(rule, anchor_at=anchor_at, zone=NEW_YORK, hours=hours, now=anchor_at)

    assert (clock, None) == (found.local_time, found.moved)


def test_a_naive_time_is_refused():
    """No guess at a zone (rule 138)."""
    naive = datetime(2026, 6, 10, 12)  # noqa: DTZ001 - that is the point

    with pytest.raises(ValueError, match="naive"):
        plan_step(step(), anchor_at=naive, zone=NEW_YORK, hours=DAYTIME, now=at("2026-06-10 12:00"))
    with pytest.raises(ValueError, match="naive"):
        plan_step(step(), anchor_at=at("2026-06-10 12:00"), zone=NEW_YORK, hours=DAYTIME, now=naive)
