"""A worker that is asked to stop: what it began is ended, nothing is doubled or lost, and it takes its time only when
it has work (P4, P5, P11).
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.processes.commands import COMMAND
from tests.processes.houses import open_house
from tests.processes.witness import Witness, until
from worker.sandbox.process import launch

pytestmark = pytest.mark.processes

WENT = {"accepted", "delivered"}
CALL = 3.0  # seconds that the provider takes
SOON = 10.0  # two seconds where the machine is its own, four where six others want it; Celery's own took 23
GRACE = 45.0  # docker-compose.yml


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A house over SQLite, whose workers wait for what they began as long as they do in production."""
    with open_house(tmp_path_factory.mktemp("stopped"), LEASE_SECONDS="15", RECONCILE_SECONDS="2") as running:
        running.sandbox.faults(callbacks={"missing": 1.0})
        running.morning()
        yield running


@pytest.fixture(scope="module")
def hurried(tmp_path_factory):
    """One whose workers wait for two seconds in all, with few calls at a time."""
    environ = {"STOP_SECONDS": "2", "LEASE_SECONDS": "15", "SEND_SLOTS": "2"}
    with open_house(tmp_path_factory.mktemp("hurried"), **environ) as running:
        running.morning()
        yield running


def asked_to_stop(house):
    """Send SIGTERM to the house's worker; how many seconds it took to end."""
    log = house.home / "log" / "worker.log"
    pid, begun, asked = house.supervisor.pids()["worker"], log.read_bytes().count(b" ready."), time.monotonic()
    os.kill(pid, signal.SIGTERM)
    until(lambda: house.supervisor.pids().get("worker", pid) != pid, every=0.02)
    took = time.monotonic() - asked
    until(lambda: log.read_bytes().count(b" ready.") > begun)  # the next one knows how to be stopped
    return took


def under_way(house, person, *, seconds):
    """Her next text is at the provider, which takes its time; returns the witness."""
    house.quiet()
    house.sandbox.faults(latency_ms=int(seconds * 1000), callbacks={"missing": 1.0})
    witness = Witness(house.sandbox)
    house.desk.ask("step-to", house.message(person, "same-day")["due_at"], "down")
    until(lambda: house.cli("status", "--json").data["in_flight"])
    return witness


def same_day(house, crowd):
    """The crowd's next texts."""
    rows = house.cli("messages", "--json").data
    return [row for row in rows if str(row["client"]) in crowd and row["step"] == "same-day"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["SIGTERM", "SIGQUIT"])
def test_an_idle_worker_ends_at_once(house, number):
    """A restart of an idle worker costs no half minute: there is nothing to wait for. Nobody gives this one a hint."""
    log = house.home / "log" / f"idle-{number}.log"
    nobodys = {**house.env, "REDIS_URL": f"{house.env['REDIS_URL']}?virtual_host=1"}  # beat gives its hints elsewhere
    idle = launch([*COMMAND, "worker", "--queues", "email"], nobodys, log)
    until(lambda: " ready." in log.read_text(encoding="utf-8"))
    asked = time.monotonic()
    idle.send_signal(number)
    idle.wait(GRACE)
    assert time.monotonic() - asked < SOON


def test_a_call_in_flight_is_ended_and_written_down(house):
    """SIGTERM among a slow call: the call ends, its answer is written, and the worker ends soon after, within the
    grace of the compose file and without sleeping through it.
    """
    person = house.enrol()
    witness = under_way(house, person, seconds=CALL)
    took = asked_to_stop(house)
    row = house.message(person, "same-day")
    assert row["state"] in WENT, row
    assert took < CALL + SOON < GRACE
    house.sandbox.clear_faults()
    house.quiet()
    assert witness.rang()[person.phone] == 1


def test_a_long_shift_is_cut_short_and_none_of_its_calls(hurried):
    """The soft shutdown has an end: a worker with a long queue behind it begins nothing new, its calls in flight end
    and are written down, and the next worker takes the rest.
    """
    crowd = hurried.desk.ask("crowd", "40")
    hurried.quiet()
    hurried.sandbox.faults(latency_ms=2000, callbacks={"missing": 1.0})
    due = max(row["due_at"] for row in same_day(hurried, crowd))
    witness = Witness(hurried.sandbox)
    hurried.desk.ask("step-to", due, "down")
    witness.waits_for(4)
    assert asked_to_stop(hurried) < 4 + SOON, "two seconds and one call; a shift takes fifteen, and a call"
    seen = {row["state"] for row in same_day(hurried, crowd)}
    hurried.sandbox.clear_faults()
    assert seen & WENT, seen
    hurried.quiet()
    assert {row["state"] for row in same_day(hurried, crowd)} <= WENT, "none unknown: no call was cut off"
    assert {witness.rang()[phone] for phone in crowd.values()} == {1}


def test_a_new_worker_takes_over_before_the_old_one_ends(house):
    """A rolling restart: the new one works before the old one is asked to stop, three times, under load; each phone
    rings once, and nothing is unknown.
    """
    house.quiet()
    crowd = house.desk.ask("crowd", "24")
    house.quiet()
    house.sandbox.faults(latency_ms=300, callbacks={"missing": 1.0})
    due = max(row["due_at"] for row in same_day(house, crowd))
    witness = Witness(house.sandbox)
    house.desk.ask("step-to", due, "down")
    old = None
    for wave in (3, 8, 14):
        witness.waits_for(wave)
        log = house.home / "log" / f"rolled-{wave}.log"
        new = launch([*COMMAND, "worker"], house.env, log)
        until(lambda log=log: " ready." in log.read_text(encoding="utf-8"))
        if old is None:
            asked_to_stop(house)
        else:
            old.send_signal(signal.SIGTERM)
            assert old.wait(GRACE) == 0
        old = new
    house.quiet()
    old.send_signal(signal.SIGTERM)
    assert old.wait(GRACE) == 0
    house.sandbox.clear_faults()
    assert {row["state"] for row in same_day(house, crowd)} <= WENT
    assert {witness.rang()[phone] for phone in crowd.values()} == {1}
