"""On whose clocks the hours are read: hers, else the clinic's with every one her number allows (rule 47)."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import pairwise

import pytest

from worker.rules.clocks import clocks
from worker.rules.hours import next_opening, read_windows
from worker.rules.local_time import instant, local, zone
from worker.rules.phone import presumed_zones, zones_of
from worker.rules.refusal import Refusal

NEW_YORK, LOS_ANGELES, LONDON = "America/New_York", "America/Los_Angeles", "Europe/London"
CALIFORNIAN, BRITON, AUSTRALIAN, FLORIDIAN = "+14155552671", "+447911123456", "+61412345678", "+13055551234"


def test_a_known_zone_is_the_only_clock():
    """Rule 47: +1 415 of a client who lives in London says nothing any more."""
    assert clocks(LONDON, NEW_YORK, CALIFORNIAN) == (LONDON,)
    assert clocks("US/Pacific", NEW_YORK, "") == (LOS_ANGELES,)


def test_an_unknown_zone_is_the_clinics_and_every_one_of_the_number():
    """Rule 47: an area code alone proves nothing, so both clocks count; dates are told on the clinic's."""
    assert clocks("", NEW_YORK, CALIFORNIAN) == (NEW_YORK, LOS_ANGELES)
    assert clocks("", NEW_YORK, "") == (NEW_YORK,)
    assert clocks("", NEW_YORK, "+12125550123") == (NEW_YORK,)


def test_a_mobile_of_a_country_with_several_zones_has_them_all():
    """Rule 47: no Australian mobile number says in which of them it is."""
    found = clocks("", "Australia/Sydney", AUSTRALIAN)
    assert found[0] == "Australia/Sydney"
    assert {"Australia/Perth", "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Brisbane"} <= set(found)


def test_a_number_that_tells_nothing_is_where_its_country_is():
    """Rule 47: the tables know no zone of a British mobile; Britain has one, and is five hours from the clinic."""
    assert LONDON in zones_of(BRITON)
    assert LONDON in clocks("", NEW_YORK, BRITON)


@pytest.mark.parametrize("own", ["", LOS_ANGELES])
def test_florida_presumes_florida(own):
    """Rule 47, Fla. Stat. 501.059(8)(d): her own clock or the clinic's, and beside it that of a Florida area code."""
    assert clocks(own, LOS_ANGELES, FLORIDIAN) == (LOS_ANGELES, NEW_YORK)
    assert presumed_zones(CALIFORNIAN) == ()


def test_a_zone_that_is_none_is_refused():
    """P12: a wrong name is no unknown zone."""
    with pytest.raises(Refusal, match="zone"):
        clocks("EST5EDT", NEW_YORK, "")


@pytest.mark.parametrize("number", [CALIFORNIAN, BRITON])
def test_every_opening_is_one_on_all_her_clocks(number):
    """P6: over half a year, whatever opens is between nine and eight on each of them."""
    windows = read_windows({"daily": ["09:00-20:00"]})
    places = [zone(each) for each in clocks("", NEW_YORK, number)]
    start = instant(date(2027, 1, 12), time(0), zone(NEW_YORK))
    asked = [start + timedelta(hours=7 * step) for step in range(600)]
    found = [next_opening(at, windows, *places) for at in asked]
    assert all(at is not None for at in found)
    assert all(first <= second for first, second in pairwise(found))
    assert all(9 <= local(at, place).hour < 20 for at in found for place in places)
