"""When messages may go: boundaries, clock changes, overnight windows, holidays, places (rules 44-49, 54)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.gate import Caps
from worker.rules.hours import (
    SEARCH,
    Span,
    Windows,
    check_within,
    closing_after,
    intersect,
    is_open,
    last_open_before,
    load_holidays,
    next_opening,
    read_windows,
    zones_for,
)
from worker.rules.jurisdictions import _read, _table, hours_for, jurisdiction
from worker.rules.local_time import instant, local, zone
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusals
from worker.rules.windows import ALWAYS, NEVER

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NEW_YORK = zone("America/New_York")
LONDON = zone("Europe/London")
LOS_ANGELES = zone("America/Los_Angeles")
SIX = [
    "America/New_York",
    "America/Los_Angeles",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Africa/Cairo",
]
FEDERAL = read_windows({"daily": ["08:00-21:00"]})
OVERNIGHT = read_windows({"daily": ["20:00-08:00"]})
US_DAY = read_windows({"daily": ["09:00-20:00"]}, closed_on=["US"])


def at(text: str, place=NEW_YORK) -> datetime:
    """The UTC instant of a wall time such as "2026-07-04 09:00"."""
    on, clock = text.split()
    return instant(date.fromisoformat(on), time.fromisoformat(clock), place)


class TestBoundaries:
    """The start of an opening is in, its end is out."""

    @pytest.mark.parametrize("name", SIX)
    @pytest.mark.parametrize(
        "on",
        [
            "2026-06-10",
            "2026-03-08",
            "2026-11-01",
            "2026-03-29",
            "2026-10-25",
            "2026-04-05",
            "2026-10-04",
            "2026-04-24",
        ],
    )
    def test_the_federal_day_is_08_00_to_21_00(self, name, on):
        """07:59:59 closed, 08:00:00 open, 20:59:59 open, 21:00:00 closed; six zones, clock changes too (rule 44)."""
        found = [
            is_open(at(f"{on} {clock}", zone(name)), FEDERAL, zone(name))
            for clock in ("07:59:59", "07:59:59.999999", "08:00:00", "20:59:59", "20:59:59.999999", "21:00:00")
        ]

        assert found == [False, False, True, True, True, False]

    def test_20_00_00_is_closed(self):
        """A window to 20:00 has ended when the clock shows 20:00:00 (rule 46)."""
        assert at("2026-06-11 09:00") == next_opening(at("2026-06-10 20:00"), US_DAY, NEW_YORK)

    def test_an_open_instant_is_its_own_next_opening(self):
        """A message that may go now waits for nothing (rule 48)."""
        now = at("2026-06-10 09:00") + timedelta(microseconds=7)

        assert now == next_opening(now, US_DAY, NEW_YORK)

    def test_a_naive_time_is_refused(self):
        """An instant without a zone would be guessed at (rule 138)."""
        naive = datetime(2026, 6, 10, 12)  # noqa: DTZ001 - that is the point

        for ask in (is_open, next_opening, closing_after, last_open_before):
            with pytest.raises(ValueError, match="naive"):
                ask(naive, FEDERAL, NEW_YORK)

    def test_no_zone_at_all_is_refused(self):
        """ "Open on all of no clocks" would be open at night (rule 47)."""
        for ask in (is_open, next_opening, closing_after, last_open_before):
            with pytest.raises(ValueError, match="zone"):
                ask(at("2026-06-10 12:00"), FEDERAL)


class TestClosing:
    """What bounds the provider's own queue."""

    def test_an_opening_ends_where_its_window_does(self):
        """A text accepted at 19:59 has a minute, not ten hours (rule 49)."""
        now = at("2026-06-10 19:59")

        assert now + MINUTE == closing_after(now, US_DAY, NEW_YORK)

    def test_an_overnight_opening_ends_next_morning(self):
        """The two halves of a night are one opening, over any midnight (rule 49)."""
        assert at("2026-06-11 08:00") == closing_after(at("2026-06-10 20:00"), OVERNIGHT, NEW_YORK)

    def test_a_night_of_the_clock_change_has_its_real_length(self):
        """20:00 to 08:00 lasts 11 h in spring and 13 h in autumn (P6)."""
        spring, autumn = at("2026-03-07 20:00"), at("2026-10-31 20:00")

        assert spring + 11 * HOUR == closing_after(spring, OVERNIGHT, NEW_YORK)
        assert autumn + 13 * HOUR == closing_after(autumn, OVERNIGHT, NEW_YORK)

    def test_a_closed_instant_has_no_closing(self):
        """Outside an opening there is nothing to end."""
        assert closing_after(at("2026-06-10 20:00"), US_DAY, NEW_YORK) is None

    def test_always_open_ends_where_the_search_does(self):
        """Email hours may be all hours; the answer stays finite."""
        now = at("2026-06-10 20:00")

        assert now + SEARCH == closing_after(now, ALWAYS, NEW_YORK)

    def test_never_open_has_no_next_opening(self):
        """Closed for two weeks is a fault of the configuration, and said so."""
        assert next_opening(at("2026-06-10 20:00"), NEVER, NEW_YORK) is None
        assert last_open_before(at("2026-06-10 20:00"), NEVER, NEW_YORK) is None


class TestLastOpening:
    """Where a message that would come too late can still be put."""

    def test_it_is_cut_off_at_the_asked_instant(self):
        """An opening that goes on ends, for this question, when the message stops being useful."""
        end = at("2026-06-10 12:00")

        assert Span(at("2026-06-10 09:00"), end) == last_open_before(end, US_DAY, NEW_YORK)

    def test_it_joins_the_halves_of_a_night(self):
        """An overnight opening is found whole from the morning after."""
        found = last_open_before(at("2026-06-11 12:00"), OVERNIGHT, NEW_YORK)

        assert Span(at("2026-06-10 20:00"), at("2026-06-11 08:00")) == found

    def test_it_is_open_on_every_clock(self):
        """With two zones the last opening is what they share (rule 47)."""
        found = last_open_before(at("2026-06-11 08:00"), US_DAY, NEW_YORK, LOS_ANGELES)

        assert Span(at("2026-06-10 12:00"), at("2026-06-10 20:00")) == found

    def test_zones_that_share_nothing_have_no_opening(self):
        """Sydney's day is New York's night: nothing may go (rule 47)."""
        short = read_windows({"daily": ["10:00-16:00"]})
        sydney = zone("Australia/Sydney")

        assert last_open_before(at("2026-06-11 08:00"), short, NEW_YORK, sydney) is None
        assert next_opening(at("2026-06-11 08:00"), short, NEW_YORK, sydney) is None


class TestWhichClock:
    """Whose wall counts."""

    def test_the_clients_own_zone_wins(self):
        """A +1 415 number of a client living in Florida goes by Florida's clock (rule 47)."""
        assert zones_for(NEW_YORK, LONDON, [LOS_ANGELES]) == (NEW_YORK,)

    def test_an_unknown_client_gets_every_possible_clock(self):
        """Without the client's zone the clinic's and all of the number's must agree (rule 47)."""
        found = zones_for(None, NEW_YORK, [LOS_ANGELES, NEW_YORK])

        assert found == (NEW_YORK, LOS_ANGELES)
        assert at("2026-06-10 12:00") == next_opening(at("2026-06-10 09:00"), US_DAY, *found)
        assert at("2026-06-10 20:00") == closing_after(at("2026-06-10 12:00"), US_DAY, *found)

    def test_a_presumed_zone_applies_beside_any_other(self):
        """Florida presumes Florida for its area codes: both clocks apply (Fla. Stat. 501.059(8)(d), rule 47)."""
        assert zones_for(LOS_ANGELES, LONDON, presumed=[NEW_YORK]) == (LOS_ANGELES, NEW_YORK)

    def test_nothing_known_is_refused(self):
        """The server's zone is never a guess (rule 47)."""
        with pytest.raises(ValueError, match="no zone"):
            zones_for(None, None)


class TestHolidays:
    """Days that stay closed."""

    @pytest.mark.parametrize("on", ["2026-07-04", "2026-07-03", "2026-11-26", "2021-12-31"])
    def test_federal_holidays_are_closed_also_where_they_are_observed(self, on):
        """The whole local date is closed, from midnight to midnight (rule 46)."""
        open_hours = [is_open(at(f"{on} {hour:02d}:00"), US_DAY, NEW_YORK) for hour in range(24)]

        assert not any(open_hours)
        assert is_open(at(f"{on} 12:00"), read_windows({"daily": ["09:00-20:00"]}), NEW_YORK)

    def test_early_aftercare_overlooks_a_holiday_until_its_72_hours_end(self):
        """Holidays begin to count at the given instant, in the middle of a day too (rule 46)."""
        noon = at("2026-11-26 12:00")
        ask = {"holidays_from": noon}

        assert is_open(noon - MINUTE, US_DAY, NEW_YORK, **ask)
        assert not is_open(noon, US_DAY, NEW_YORK, **ask)
        assert noon == closing_after(at("2026-11-26 09:00"), US_DAY, NEW_YORK, **ask)
        assert at("2026-11-26 09:00") == next_opening(at("2026-11-26 01:00"), US_DAY, NEW_YORK, **ask)
        assert at("2026-11-27 09:00") == next_opening(noon, US_DAY, NEW_YORK, **ask)
        assert Span(at("2026-11-26 09:00"), noon) == last_open_before(at("2026-11-27 01:00"), US_DAY, NEW_YORK, **ask)

    def test_holidays_that_begin_to_count_at_an_opening_leave_nothing_of_it(self):
        """The instant at which holidays begin to count is itself closed (rule 46)."""
        nine = at("2026-11-26 09:00")

        assert next_opening(nine - HOUR, US_DAY, NEW_YORK, holidays_from=nine) == nine + 24 * HOUR

    def test_an_intersection_keeps_the_holidays_of_both(self):
        """Whichever of the two closes on a day, the day is closed (rule 46)."""
        law, custom = read_windows({"daily": ["08:00-21:00"]}, closed_on_always=["US"]), US_DAY
        for windows in (intersect(FEDERAL, law), intersect(law, FEDERAL)):
            assert not is_open(at("2026-11-26 12:00"), windows, NEW_YORK, holidays_from=at("2026-12-01 12:00"))
        for windows in (intersect(FEDERAL, custom), intersect(custom, FEDERAL)):
            assert not is_open(at("2026-11-26 12:00"), windows, NEW_YORK)

    def test_what_the_law_closes_stays_closed(self):
        """Alabama closes holidays by law: no first 72 hours (rule 45)."""
        law = jurisdiction("US", "AL").hours
        noon = at("2026-11-26 12:00", zone("America/Chicago"))

        assert not is_open(noon, law, zone("America/Chicago"), holidays_from=noon + 48 * HOUR)

    def test_a_calendar_nobody_keeps_is_refused(self):
        """An unknown calendar is never taken as "no holidays"."""
        with pytest.raises(ValueError, match="no holidays are kept"):
            load_holidays(read_windows({}, closed_on=["ZZ"]), 2026)


class TestReading:
    """Windows as a clinic writes them."""

    def test_ranges_lists_and_pairs_say_the_same(self):
        """Periods that touch are one; a range may run over the week's end."""
        one = read_windows({"fri-mon": ["09:00-12:00", "12:00-20:00"]})
        other = read_windows({day: [["09:00", "20:00"]] for day in ("mon", "fri", "sat", "sun")})

        assert one == other

    def test_sunday_night_runs_into_monday(self):
        """An overnight period of the last weekday opens the first (P6)."""
        windows = read_windows({"sun": ["20:00-08:00"]})

        assert (windows.week[0], windows.week[6]) == (((0, 28800),), ((72000, 86400),))

    @pytest.mark.parametrize(
        "raw",
        [
            {"monday": ["09:00-20:00"]},
            {"mon-": ["9-20"]},
            {"mon": "09:00-20:00"},
            {"mon": ["9:00-20:00"]},
            {"mon": ["09:00-24:01"]},
            {"mon": ["24:00-25:00"]},
            {"mon": ["09:00-09:00"]},
            {"mon": [["09:00", "20:00", "21:00"]]},
            {"mon": [None]},
            {"mon": ["٠٩:٠٠-٢٠:٠٠"]},
        ],
    )
    def test_what_cannot_be_read_is_refused_with_its_field(self, raw):
        """Every fault names the field and the mend (P12)."""
        with pytest.raises(Refusals) as refused:
            read_windows(raw, field="clinic.hours")

        assert all(fault.field.startswith("clinic.hours") and fault.mend for fault in refused.value.faults)

    def test_all_faults_come_at_once(self):
        """A sender mends everything in one go (P12)."""
        with pytest.raises(Refusals) as refused:
            read_windows({"monday": [], "tue": ["x"], "wed": [3]})

        assert [fault.field for fault in refused.value.faults] == ["hours", "hours.tue", "hours.wed"]

    @pytest.mark.parametrize("week", [(), (((9, 3),),) * 7, (((0, 90000),),) * 7, (((0, 5), (5, 9)),) * 7])
    def test_a_week_that_is_no_week_cannot_be_made(self, week):
        """Windows are tidy or they do not exist."""
        with pytest.raises(ValueError, match="seven days"):
            Windows(week=week)


class TestWithinTheLaw:
    """Never wider than the jurisdiction."""

    @pytest.mark.parametrize(
        ("raw", "fields"),
        [
            ({"mon": ["07:59-21:00"]}, ["hours.mon"]),
            ({"sun": ["08:00-21:01"], "tue": ["00:00-24:00"]}, ["hours.tue", "hours.sun"]),
            ({"sat": ["20:00-08:00"]}, ["hours.sat", "hours.sun"]),
        ],
    )
    def test_a_wider_configuration_is_refused_day_by_day(self, raw, fields):
        """Each weekday that opens where the law does not is named with the law's hours (rule 46)."""
        with pytest.raises(Refusals) as refused:
            check_within(read_windows(raw), FEDERAL)

        assert fields == [fault.field for fault in refused.value.faults]
        assert all("08:00-21:00" in fault.mend for fault in refused.value.faults)

    def test_the_whole_of_the_law_may_be_used(self):
        """As wide as the law is not wider (rule 46)."""
        check_within(read_windows({"daily": ["08:00-21:00"]}), FEDERAL)

    def test_open_holidays_are_refused_where_the_law_closes_them(self):
        """Alabama's holidays close; a clinic that names the state's calendar has its country's too (rule 45)."""
        law = jurisdiction("US", "AL").hours
        raw = {"mon-sat": ["09:00-20:00"]}

        with pytest.raises(Refusals, match="US, US-AL"):
            check_within(read_windows(raw), law)
        check_within(read_windows(raw, closed_on=["US-AL"]), law)

    def test_a_closed_day_stays_closed(self):
        """Mississippi has no Sunday (rule 45)."""
        with pytest.raises(Refusals, match="leave this day closed"):
            check_within(read_windows({"sun": ["12:00-13:00"]}), jurisdiction("US", "MS").hours)


def span(day: int, windows: Windows) -> list[str]:
    """A weekday's openings as text."""
    return [f"{opens / 3600:g}-{closes / 3600:g}" for opens, closes in windows.week[day]]


class TestJurisdictions:
    """The table, row by row."""

    @pytest.mark.parametrize(
        ("place", "weekday", "saturday", "sunday"),
        [
            (("US", "FL"), "8-20", "8-20", "8-20"),
            (("US", "OK"), "8-20", "8-20", "8-20"),
            (("US", "MD"), "8-20", "8-20", "8-20"),
            (("US", "TX"), "9-21", "9-21", "12-21"),
            (("US", "CT"), "9-20", "9-20", "9-20"),
            (("US", "MA"), "8-20", "8-20", "8-20"),
            (("US", "MS"), "8-20", "8-20", None),
            (("US", "AL"), "8-20", "8-20", None),
            (("US", "LA"), "8-20", "8-20", None),
            (("US", "KY"), "10-21", "10-21", "10-21"),
            (("US", "MI"), "9-21", "9-21", "9-21"),
            (("US", "MN"), "9-21", "9-21", "9-21"),
            (("US", "NM"), "9-21", "9-21", "9-21"),
            (("US", "NV"), "9-20", "9-20", "9-20"),
            (("US", "RI"), "9-18", "10-17", None),
            (("US", "WA"), "8-20", "8-20", "8-20"),
            (("US", "CA"), "9-20", "9-20", "12-20"),
            (("US", None), "9-20", "9-20", "12-20"),
            (("us", "federal"), "9-20", "9-20", "12-20"),
            (("GB",), "8-21", "8-21", "8-21"),
            (("FR",), "8-21", "8-21", "8-21"),
            (("ZZ",), "8-21", "8-21", "8-21"),
        ],
    )
    def test_each_place_has_its_hours(self, place, weekday, saturday, sunday):
        """Rule 45's table; an unknown state gets the narrow default, not the federal floor."""
        hours = jurisdiction(*place).hours

        assert [weekday] == span(0, hours) == span(4, hours)
        assert ([saturday] if saturday else []) == span(5, hours)
        assert ([sunday] if sunday else []) == span(6, hours)

    @pytest.mark.parametrize("code", [code for code in _table() if code != "US-federal"])
    def test_every_row_is_whole_dated_and_within_the_floor(self, code):
        """Each row has a source, a mark, a date; usual and marketing hours lie within its own (rules 44-46)."""
        row = _table()[code]
        for country in row.get("countries", [code.partition("-")[0]]):
            place = jurisdiction(country if code != "default" else "NO", code.partition("-")[2] or None)

            assert code == place.code
            assert place.source
            assert place.mark in {"C", "S", "O"}
            assert place.checked_on <= date(2026, 11, 22)
            assert Caps().per_day <= place.max_per_24h <= 3  # the gate's cap is the same everywhere (rule 51)
            for narrower, wider in ((place.usual, place.hours), (place.marketing, place.hours), (place.hours, FEDERAL)):
                assert narrower.week == intersect(narrower, wider).week

    def test_a_states_row_is_cut_to_the_federal_floor(self):
        """A slip in the table never opens the night (rule 44)."""
        row = _table()["US"] | {"hours": {"daily": ["00:00-24:00"]}}

        assert _read("US-XX", row, "US", floor=FEDERAL).hours == FEDERAL

    def test_the_usual_hours_are_the_defaults(self):
        """US: 09:00-20:00, Sunday 12:00-20:00, no federal holidays; elsewhere 09:00-20:00 (rules 46, 54)."""
        us, uk = jurisdiction("US", "FL").usual, jurisdiction("GB").usual

        assert (["9-20"], ["12-20"], {"US"}) == (span(0, us), span(6, us), us.closed_on)
        assert (["9-20"], ["9-20"], frozenset()) == (span(0, uk), span(6, uk), uk.closed_on)

    def test_marketing_has_no_sundays_and_no_holidays_outside_the_us(self):
        """Marketing waits where service need not (rule 54); where nobody keeps the holidays there is none."""
        assert ([], {"GB"}) == (span(6, jurisdiction("GB").marketing), jurisdiction("GB").marketing.closed_on)
        assert jurisdiction("ZZ").marketing == NEVER

    def test_own_hours_are_cut_to_the_law_and_email_is_free(self):
        """A text keeps the place's hours whatever the clinic says; no law here sets hours for email (rule 46)."""
        place, own = jurisdiction("US", "MS"), read_windows({"daily": ["19:00-09:00"]})
        text = hours_for(place, Channel.SMS, Purpose.AFTERCARE, (NEW_YORK,), own)
        mail = hours_for(place, Channel.EMAIL, Purpose.AFTERCARE, (NEW_YORK,), own)

        assert (span(0, text.windows), span(6, text.windows)) == (["8-9", "19-20"], [])
        assert own == mail.windows
        assert place.usual == hours_for(place, Channel.SMS, Purpose.REMINDERS, (NEW_YORK,)).windows


@st.composite
def windows(draw) -> Windows:
    """Random weeks, by the minute, overnight periods included."""
    minute = st.integers(0, 24 * 60 - 1)
    raw = {}
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"):
        periods = draw(st.lists(st.tuples(minute, minute).filter(lambda p: p[0] != p[1]), max_size=2))
        raw[day] = [f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}" for a, b in periods]
    return read_windows(raw, closed_on=draw(st.sampled_from([(), ("US",)])))


CHANGES = [
    "2026-03-08",
    "2026-11-01",
    "2026-03-29",
    "2026-10-25",
    "2026-04-05",
    "2026-10-04",
    "2026-04-24",
    "2010-11-07",
]
ODD = [zone(name) for name in (*SIX, "America/St_Johns", "America/Nuuk", "Africa/Casablanca", "Asia/Kathmandu")]
moments = st.builds(
    lambda on, minutes: datetime.combine(date.fromisoformat(on), time(), UTC) + timedelta(minutes=minutes),
    st.sampled_from([*CHANGES, "2026-07-03", "2026-12-24"]),
    st.integers(-3 * 1440, 2 * 1440),
)
FEDERAL_2026 = {date(2026, 7, 3), date(2026, 7, 4), date(2026, 12, 25), date(2026, 10, 12), date(2010, 11, 11)}


def oracle(instant_, week, place) -> bool:
    """Open or not, by nothing but zoneinfo and the wall clock's minute."""
    wall = instant_.astimezone(place)
    if week.closed_on and wall.date() in FEDERAL_2026:
        return False
    second = wall.hour * 3600 + wall.minute * 60
    return any(opens <= second < closes for opens, closes in week.week[wall.weekday()])


@settings(max_examples=120, deadline=None)
@given(windows(), st.lists(st.sampled_from(ODD), min_size=1, max_size=2), moments)
def test_the_search_agrees_with_looking_at_every_minute(week, zones, now):
    """next_opening, is_open, closing_after and last_open_before against a minute by minute search (P6, rule 48)."""

    def open_at(moment):
        return all(oracle(moment, week, place) for place in zones)

    ahead = [now + n * MINUTE for n in range(4 * 1440)]
    first = next((moment for moment in ahead if open_at(moment)), None)
    found = next_opening(now, week, *zones)

    assert open_at(now) == is_open(now, week, *zones)
    assert first == (found if found and found <= ahead[-1] else None)
    if first is not None:
        shut = next((moment for moment in ahead if moment > first and not open_at(moment)), None)
        closing = closing_after(first, week, *zones)
        assert shut == (closing if closing <= ahead[-1] else None)
    behind = [now - n * MINUTE for n in range(1, 3 * 1440)]
    last = next((moment for moment in behind if open_at(moment)), None)
    span_ = last_open_before(now, week, *zones)
    if last is None:
        assert span_ is None or span_.closes_at <= behind[-1]
    else:
        began = next((moment + MINUTE for moment in behind if moment < last and not open_at(moment)), None)
        assert last + MINUTE == span_.closes_at
        assert began == (span_.opens_at if span_.opens_at > behind[-1] else None)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ODD), moments, st.integers(0, 23), st.integers(0, 23))
def test_an_overnight_window_opens_somewhere(place, now, opens, closes):
    """Every window that is not empty opens within two days, the night of a clock change included (P6)."""
    week = read_windows({"daily": [f"{opens:02d}:00-{closes:02d}:30"]})
    found = next_opening(now, week, place)

    assert now <= found <= now + 48 * HOUR
    assert is_open(found, week, place)


@settings(max_examples=100, deadline=None)
@given(windows(), windows(), moments)
def test_an_intersection_is_open_when_both_are(one, other, now):
    """The strictest of two windows is neither wider nor narrower than both together (rule 46)."""
    both = is_open(now, one, NEW_YORK) and is_open(now, other, NEW_YORK)

    assert both == is_open(now, intersect(one, other), NEW_YORK)
    check_within(intersect(one, other), one)


def test_the_wall_clock_of_an_opening_is_the_windows():
    """Openings keep their wall time over a whole year (P6)."""
    week = read_windows({"daily": ["09:00-20:00"]})
    now, seen = at("2026-01-01 00:00"), set()
    for _ in range(365):
        now = next_opening(now, week, NEW_YORK)
        seen.add((local(now, NEW_YORK).time(), local(closing_after(now, week, NEW_YORK), NEW_YORK).time()))
        now = closing_after(now, week, NEW_YORK)

    assert {(time(9), time(20))} == seen
