"""New zone data move the instant, not the wall time (rules 135, 136, 139)."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta

import pytest

from tests import builders
from tests.builders import NOW
from tests.rules.zone_files import file_of
from worker import opening
from worker.actions.course.follow_zones import follow_zones
from worker.models import Event, Message, StaffTask, ZoneRules
from worker.rules import local_time, openings

SUMMER = b"\nEST5EDT,M3.2.0,M11.1.0\n"
DAY = timedelta(days=1)
VISIT = NOW + timedelta(days=120)  # in May: the clock goes forward in between


@pytest.fixture
def new_data(tmp_path):
    """Gives a function that puts the zone data of another directory in force, as a new release of them would."""
    before = zoneinfo.TZPATH

    def take(last_line=SUMMER):
        real = file_of("America/New_York").read_bytes()
        assert real.count(SUMMER) == 1
        folder = tmp_path / last_line.hex()
        (folder / "America").mkdir(parents=True)
        (folder / "America" / "New_York").write_bytes(real.replace(SUMMER, last_line))
        zoneinfo.reset_tzpath(to=[str(folder)])
        _forget()

    yield take
    zoneinfo.reset_tzpath(to=before)
    _forget()


def _forget():
    """What one process remembers of zones ends with it; a new release comes with new processes."""
    zoneinfo.ZoneInfo.clear_cache()
    local_time._loaded.cache_clear()
    opening._hours.cache_clear()
    openings._utc_day.cache_clear()


def walls(messages):
    """Each message's time on the wall, by the zone data in force."""
    place = local_time.zone("America/New_York")
    return {each.pk: (each.due_at.astimezone(place).replace(tzinfo=None), each.due_at) for each in messages}


def test_a_country_without_summer_time_keeps_the_wall_time_of_every_step(house, new_data):
    """Rule 135: two directories of zone data; what was meant for 10:00 in May goes at 10:00, an hour later."""
    new_data()
    alice = builders.alice(visit=VISIT).client
    follow_zones(now=NOW)
    before = walls(builders.messages_of(alice, state="planned"))
    new_data(b"\nEST5\n")
    told = follow_zones(now=NOW)
    after = walls(builders.messages_of(alice, state="planned"))
    hours = {pk: (after[pk][1] - before[pk][1]) / timedelta(hours=1) for pk in before}
    changed = {pk for pk, by in hours.items() if by}

    assert before.keys() == after.keys()
    assert set(hours.values()) == {0.0, 1.0}
    assert told == len(changed) == Event.objects.filter(code="zone_data").count() > 0
    assert all(before[pk][0] == after[pk][0] for pk in changed)
    kept = {Message.objects.get(pk=pk).step.code for pk in before if before[pk][0] != after[pk][0]}
    assert kept == set()  # none of the protocol's later steps counts real time
    assert all(
        each.wall_time == f"{after[each.pk][0]:%Y-%m-%dT%H:%M}" for each in Message.objects.filter(pk__in=changed)
    )


def test_nothing_is_moved_twice_and_the_same_data_move_nothing(house, new_data):
    """Rule 135: a second run, as every worker's start makes it, finds nothing left to do."""
    new_data()
    alice = builders.alice(visit=VISIT).client
    assert follow_zones(now=NOW) == 0
    assert follow_zones(now=NOW + 200 * DAY) == 0
    new_data(b"\nEST5\n")
    assert follow_zones(now=NOW) > 0
    moved = walls(builders.messages_of(alice))

    assert follow_zones(now=NOW) == 0
    assert moved == walls(builders.messages_of(alice))
    assert ZoneRules.objects.get().zone == "America/New_York"


def test_staff_look_at_a_visit_whose_time_on_the_wall_would_change(house, new_data):
    """Rule 135, P7: only the calendar knows whether 10:00 or its instant was meant, so a person is asked, once."""
    new_data()
    alice = builders.alice(visit=VISIT).client
    follow_zones(now=NOW)
    new_data(b"\nEST5\n")
    follow_zones(now=NOW)
    follow_zones(now=NOW)

    assert StaffTask.objects.filter(client_id=alice.pk, kind="visit_time").count() == 1


def test_what_is_due_within_the_hour_is_left_to_its_worker(house, new_data):
    """P4: nothing that a worker may hold is moved under its hands."""
    new_data()
    alice = builders.alice(visit=VISIT).client
    follow_zones(now=NOW)
    new_data(b"\nEST5\n")
    soon = builders.messages_of(alice, state="planned", due_at__gt=NOW + 100 * DAY)[0]
    follow_zones(now=soon.due_at - timedelta(minutes=50))
    soon_after = Message.objects.get(pk=soon.pk)

    assert soon_after.due_at == soon.due_at
