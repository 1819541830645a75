"""The storm is data: a seed tells it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

from tests.soak import fleet, inside
from tests.soak.faults import KILLS, WEIGHTS, stream


def test_the_same_seed_is_the_same_storm():
    """What was found once can be looked for again."""
    assert stream(7, 300, postgres=True) == stream(7, 300, postgres=True)
    assert stream(7, 300, postgres=True) != stream(8, 300, postgres=True)


def test_every_kind_comes_soon_and_kills_are_dense():
    """Even a short storm has all of it, in order of time, and a long one has enough of what matters most (P11)."""
    assert {fault.kind for fault in stream(1, 45, postgres=True)} == set(WEIGHTS)
    storm = stream(1, 3600, postgres=True)
    assert all(first.at <= second.at for first, second in pairwise(storm))
    assert sum(fault.kind in KILLS for fault in storm) > 1500  # some fall where nobody is just then


def test_sqlite_has_no_server_to_strike():
    """There is no database server to restart, and no wire to it."""
    storm = stream(1, 3600, postgres=False)
    assert not [fault for fault in storm if "postgres" in fault.kind + fault.whom or fault.whom == "database"]


def test_a_wrong_clock_is_wrong_by_what_its_file_says_at_that_moment(tmp_path):
    """Rule 140: it steps while the process runs, forward and back, and is right again."""
    noon = datetime(2027, 3, 3, 12, tzinfo=UTC)
    clock = SimpleNamespace(machine=lambda: noon)
    inside.wrong_clock(fleet.clock_of(tmp_path, "worker-1"))["worker.clock"](clock)
    for seconds in (0, 90, -20, 0):
        fleet.step_clock(tmp_path, "worker-1", seconds)
        assert clock.machine() == noon + timedelta(seconds=seconds)
