"""Parts that die at the worst moment: nothing is doubled, nothing lost in silence, and the rest goes on (P4, P5, P11).

A crowd of clients is due at one moment, and the provider takes its time, so that every blow falls among open calls.
Blows come after so many calls as the dice say, not after so many seconds: a slow machine sees the same story.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
from collections import Counter

import psycopg
import pytest
import redis

from tests.processes.commands import COMMAND
from tests.processes.witness import Witness, children, lines, until
from worker.sandbox.process import end, grace, launch

pytestmark = pytest.mark.processes

SIZE = 90  # each blow falls among IN_FLIGHT calls, however long the queue behind them is
BLOWS = 3
IN_FLIGHT = 8  # two processes with four calls each
WENT = {"accepted", "delivered"}
SILENT = {"missing": 1.0}
BOTH = pytest.mark.parametrize("house", ["sqlite", "postgres"], indirect=True)
SQLITE = pytest.mark.parametrize("house", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def crowded(house):
    """The house, with a crowd whose opt-in is confirmed."""
    house.sandbox.faults(callbacks=SILENT)
    house.morning()
    house.crowd = house.desk.ask("crowd", str(SIZE))
    house.quiet()
    return house


@pytest.fixture
def hour(crowded):
    """The text of the crowd that is due next, while the provider is slow and sends no receipts."""
    crowded.sandbox.faults(latency_ms=50, callbacks=SILENT)
    planned = sorted(rows(crowded, state="planned"), key=lambda row: row["due_at"])
    yield [row for row in planned if row["step"] == planned[0]["step"]][-1]  # by then all of them are due
    crowded.sandbox.clear_faults()
    crowded.quiet()


def rows(house, **which):
    """The crowd's messages of the course."""
    listed = house.cli("messages", "--json").data
    course = [row for row in listed if row["class"] == "course" and str(row["client"]) in house.crowd]
    return [row for row in course if all(row[name] == value for name, value in which.items())]


def goes_off(house, hour):
    """Step to the hour without waiting for what is due then; returns the witness."""
    witness = Witness(house.sandbox)
    assert house.desk.ask("step-to", hour["due_at"], "down")
    return witness


def kill(house, part):
    """End a part and all its children as a power cut would; the supervisor starts it again."""
    with contextlib.suppress(KeyError, ProcessLookupError):
        os.killpg(house.supervisor.pids()[part], signal.SIGKILL)


def judged(house, hour, witness):
    """Nobody was rung twice; whoever was not rung has a message that says why, in sight of an operator."""
    until(lambda: not house.cli("status", "--json").data["in_flight"], every=0.25)
    house.quiet()
    rang, listed = witness.rang(), rows(house, step=hour["step"])
    assert [phone for phone, count in rang.items() if count > 1] == []
    assert len(listed) == SIZE
    odd = [row for row in listed if row["state"] not in {*WENT, "unknown", "cancelled"}]
    assert odd == [], [(row, house.explain(row)) for row in odd[:2]]
    went = {house.crowd[str(row["client"])] for row in listed if row["state"] in WENT}
    assert went <= set(rang)
    states = Counter(row["state"] for row in listed)
    assert len(set(rang) | {house.crowd[str(row["client"])] for row in listed if row["state"] == "unknown"}) == (
        SIZE - states["cancelled"]
    )
    return states


@BOTH
def test_killed_workers_neither_double_nor_lose(crowded, hour):
    """Workers killed among open calls, again and again: what was in flight is doubted, or settled by the receipt that
    comes for every second one, and never repeated (P4, P5, rule 79).
    """
    crowded.sandbox.faults(callbacks={"missing": 0.5}, handsets={"*": {"status": "sent"}}, seed=7)
    dice = random.Random(20261122)
    witness = goes_off(crowded, hour)
    for blow in sorted(dice.sample(range(15, SIZE - 40), BLOWS)):
        witness.waits_for(blow)
        kill(crowded, "worker")
    states = judged(crowded, hour, witness)
    assert states["unknown"] <= BLOWS * IN_FLIGHT


@SQLITE
def test_a_redis_that_forgets_and_dies_changes_nothing(crowded, hour):
    """Redis is emptied, then killed, with work under way: the next tick says it all again (P11)."""
    witness = goes_off(crowded, hour)
    witness.waits_for(SIZE // 4)
    with redis.Redis(unix_socket_path=str(crowded.house.redis.socket_path)) as line:
        line.flushall()
    witness.waits_for(SIZE // 2)
    kill(crowded, "redis")
    assert judged(crowded, hour, witness)["unknown"] == 0


@BOTH
def test_two_beats_and_two_workers_ring_once(crowded, hour):
    """A doubled beat and a doubled worker share the work and double nothing (P4)."""
    log = crowded.home / "log" / "second.log"
    second = [launch([*COMMAND, verb], crowded.env, log) for verb in ("beat", "worker")]
    try:
        until(lambda: " ready." in log.read_text(encoding="utf-8"))
        assert judged(crowded, hour, goes_off(crowded, hour))["unknown"] == 0
    finally:
        for process in second:
            end(process, within=grace(20))


@contextlib.contextmanager
def nobody_writes(house):
    """The database takes no revocation as long as this lasts."""
    if house.env["DATABASE_URL"]:
        with psycopg.connect(house.env["DATABASE_URL"]) as line:
            line.execute("SELECT 1 FROM aftercare_standing FOR UPDATE")
            yield
    else:
        with contextlib.closing(sqlite3.connect(house.home / "aftercare.sqlite3", isolation_level=None)) as line:
            line.execute("BEGIN IMMEDIATE")
            yield


@BOTH
def test_a_stop_outlives_the_web_process_that_heard_it(crowded):
    """The web process dies in the middle of a STOP: the provider says it again, it counts once, nothing is half done
    (P2, P11, rule 33).
    """
    phone = crowded.crowd[person := max(crowded.crowd, key=int)]
    (child,) = children(crowded.supervisor.pids()["web"])
    port = crowded.house.plan.port
    until(lambda: not lines(child, port))  # what the provider kept open is closed after a while
    with nobody_writes(crowded):
        heard = crowded.sandbox.reply(phone, "STOP", wait=False)["sid"]
        until(lambda: lines(child, port))
        os.kill(child, signal.SIGKILL)
    until(lambda: any(each["sid"] == heard for each in crowded.sandbox.log("inbound_hook")))

    (hook,) = (each["answer"] for each in crowded.sandbox.log("inbound_hook") if each["sid"] == heard)
    assert (hook["status"], hook["attempts"] > 1) == (200, True)
    crowded.quiet()
    assert rows(crowded, client=int(person), state="planned") == []
    texts = [each["params"]["Body"] for each in crowded.sandbox.log("create") if each["params"]["To"] == phone]
    assert len([text for text in texts if "no more" in text]) == 1
    assert crowded.cli("verify", "--json").data["ok"]
