"""The drill: a backup, a day of work, a lost disk, the backup put back; nothing rings twice, nothing after a STOP.

Over SQLite with every part real, the provider remembering what it was told, as in docs/operate.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import people
from tests.processes.houses import Desk, RunningHouse, settled_home
from tests.processes.witness import Witness, until

pytestmark = pytest.mark.processes

BOTH = (("sms", "aftercare"), ("email", "aftercare"))


def backed_up(home, to):
    """A copy of the database as its own tool makes it, while everything runs."""
    with closing(sqlite3.connect(home / "aftercare.sqlite3")) as here, closing(sqlite3.connect(to)) as there:
        here.backup(there)


def put_back(house, backup):
    """The disk is lost while everything runs; the backup is all there is. Heads and their mark lie elsewhere, and stay.

    The outside goes on: the provider remembers what it was told.
    """
    house.desk.close()
    with house.supervisor._lock:  # nothing is started again meanwhile
        for part in ("beat", "worker", "web"):
            pid = house.supervisor.pids()[part]
            os.killpg(pid, signal.SIGKILL)
            until(lambda pid=pid: not _lives(pid))
        for file in house.home.glob("aftercare.sqlite3*"):
            file.unlink()
        (house.home / "aftercare.sqlite3").write_bytes(backup.read_bytes())
    house.desk = Desk(house.env, house.home / "log" / "desk.log")


def _lives(pid):
    """False once every process of that group has ended, or waits to be buried."""
    stats = Path("/proc").glob("[0-9]*/stat")
    for stat in stats:
        with contextlib.suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(group) == pid and state != "Z":
                return True
    return False


def count_on(home):
    """Some minutes of the mark pass: the file says that the database had come farther."""
    file = home / "heads.jsonl.lineage"
    said = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(said | {"count": said["count"] + 5}), encoding="utf-8")


def test_a_restored_database_starts_held_and_repeats_nothing(tmp_path):
    """P2, P4: found restored by itself, everything held; the STOP and the texts of the lost time come back."""
    home, backup = settled_home(tmp_path / "home"), tmp_path / "backup.sqlite3"
    with RunningHouse(home) as house:
        house.morning()
        alice, bob = (house.enrol(agrees=BOTH) for _ in range(2))
        carol = house.enrol(agrees=people.SMS_CARE)
        house.quiet()
        until((home / "heads.jsonl.lineage").exists)
        backed_up(home, backup)
        last = max(house.message(each, "same-day")["due_at"] for each in (alice, bob, carol))
        house.step_to(last)  # all three hear of it; the backup does not know
        house.sandbox.reply(bob.phone, "STOP")
        assert house.sandbox.unsubscribe(alice.email)["status"] == 200, "no provider lists that click"
        house.quiet()
        before = len(house.texts(bob))
        count_on(home)
        put_back(house, backup)
        until(lambda: house.cli("status", "--json").data["paused"])
        (stands,) = house.cli("status", "--json").data["paused"]
        assert (stands["scope"], "restore-check" in stands["why"]) == ("all", True)
        witness = Witness(house.sandbox)
        found = house.cli("restore-check", "--json").data
        assert found["gone"] >= 2, found
        assert found["withheld_email"] >= 1, found
        assert (found["stops"], found["stops_of_strangers"]) == (1, 0), "the click came back out of the spool"
        assert {house.message(each, "same-day")["state"] for each in (alice, carol)} == {"accepted"}
        assert house.message(bob, "day-1")["state"] == "cancelled", "his STOP came back out of the provider's list"
        assert house.cli("restore-check", "--json").data["gone"] == 0, "twice is harmless"
        house.cli("restore-check", "--release", "--by", "Charlie")
        house.step_to(max(house.message(each, "day-1")["due_at"] for each in (alice, carol)))
        house.quiet()
        rang = witness.rang()
        assert (rang[alice.phone], rang[carol.phone]) == (1, 1), "the next step, and nothing of the lost time again"
        mails = [each for each in house.cli("messages", "--json").data
                 if str(each["client"]) == str(alice.id) and each["channel"] == "email"]  # fmt: skip
        assert not {each["state"] for each in mails} & {"planned", "held"}, "nothing more by mail to whom clicked"
        later = house.texts(bob)[before:]
        assert later == [], "the one confirmation of his STOP had gone, and was found there"
        assert house.cli("status", "--json").data["paused"] == []
