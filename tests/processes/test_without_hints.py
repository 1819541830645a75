"""Workers whom nobody tells to look: alive they are seen, frozen they are gone (P5)."""

from __future__ import annotations

import os
import signal

import pytest

from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import children, until

pytestmark = pytest.mark.processes


class WithoutBeat(RunningHouse):
    """A house over SQLite in which nobody gives hints."""

    def parts(self):
        """All but the beat."""
        return [each for each in super().parts() if each.name != "beat"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """It runs."""
    with WithoutBeat(settled_home(tmp_path_factory.mktemp("without-hints") / "home")) as running:
        yield running


def said(house):
    """Which takers there are, and what status says of each."""
    told = house.cli("status", "--json").data
    return told["consumers"], told["workers"]


def test_a_worker_without_hints_is_seen_and_a_frozen_one_is_not(house):
    """A page "no worker" would otherwise wake somebody for a beat or a Redis that is away."""
    until(lambda: said(house)[0] == {"sms": 2, "email": 2, "tend": 2}, seconds=25)
    assert [each["worked_seconds"] for each in said(house)[1]] == [None, None]
    pool = [int(each["name"].rpartition(":")[2]) for each in said(house)[1]]
    assert set(pool) <= set(children(house.supervisor.pids()["worker"]))
    os.kill(pool[0], signal.SIGSTOP)
    try:
        until(lambda: said(house)[0]["sms"] == 1, seconds=60, every=1)
    finally:
        os.kill(pool[0], signal.SIGCONT)
    until(lambda: said(house)[0]["sms"] == 2, seconds=30, every=0.5)
