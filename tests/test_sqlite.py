"""On SQLite a writer takes the first turn that comes, and waits no longer than it is told (P2)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading

import pytest
from django.db import OperationalError, connections

from config.sqlite import base
from config.sqlite.bell import Bell
from tests.sandbox.patience import until


@pytest.fixture
def file(tmp_path):
    """A database in a file, as an installation has it."""
    path = tmp_path / "scratch.sqlite3"
    with sqlite3.connect(path) as line:
        line.execute("PRAGMA journal_mode = WAL")
        line.execute("CREATE TABLE said (word TEXT)")
    line.close()
    return path


@pytest.fixture
def opened(file, django_db_blocker):
    """Opens our own lines to it, which wait a second at most."""
    options = {"transaction_mode": "IMMEDIATE", "timeout": 1}
    lines = []

    def open_one(**more):
        known = connections["default"].settings_dict
        line = base.DatabaseWrapper({**known, "NAME": str(file), "OPTIONS": options, **more}, "scratch")
        line.inc_thread_sharing()
        lines.append(line)
        return line

    with django_db_blocker.unblock():
        yield open_one
        for line in lines:
            line.close()


@pytest.fixture
def line(opened):
    """One of them, which has written already."""
    first = opened()
    say(first, "first")
    return first


@pytest.fixture
def other(file):
    """Another writer."""
    with sqlite3.connect(file, isolation_level=None, check_same_thread=False) as writer:
        yield writer
    writer.close()


@pytest.fixture
def web(file):
    """Another process that stands in line, until it is told that its turn has come."""
    waits = (
        "import sys; from pathlib import Path; from config.sqlite.bell import Bell\n"
        "with Bell(Path(sys.argv[1])).rung(): print('rings', flush=True); sys.stdin.readline()\n"
        "print('silent', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", waits, f"{file}-bell"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "rings\n"
        yield process
        process.kill()


def silent(web) -> None:
    """It had its turn."""
    web.stdin.write("\n")
    web.stdin.flush()
    assert web.stdout.readline() == "silent\n"


def say(line, word: str) -> None:
    """What `transaction.atomic` does, on a line that Django knows nothing of."""
    line.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    with line.cursor() as cursor:
        cursor.execute("INSERT INTO said VALUES (%s)", [word])
    line.commit()
    line.set_autocommit(True)


def heard(line) -> list[str]:
    with line.cursor() as cursor:
        cursor.execute("SELECT word FROM said")
        return [word for (word,) in cursor.fetchall()]


def patience(line) -> int:
    with line.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return int(cursor.fetchone()[0])


def test_it_looks_every_millisecond_until_the_other_is_done(line, other, monkeypatch):
    """SQLite's own waiting sleeps a hundred times as long, and misses turn after turn of a busy worker."""
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 20:
            other.execute("COMMIT")

    monkeypatch.setattr(base.time, "sleep", sleep)
    other.execute("BEGIN IMMEDIATE")
    say(line, "STOP")
    assert slept == [base.LOOK] * 20
    assert heard(line) == ["first", "STOP"]
    assert patience(line) == 1000


def test_it_gives_up_in_time_and_is_well_afterwards(line, other):
    """Rule 33: behind a frozen writer the webhook answers 503 while the provider still listens."""
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="locked"):
        say(line, "STOP")
    other.execute("COMMIT")
    say(line, "STOP again")
    assert heard(line) == ["first", "STOP again"]
    assert patience(line) == 1000


def test_who_stands_behind_another_of_its_process_gives_up_in_time_too(line):
    """A thread that looks does not keep the others for ever."""
    with base._turn, pytest.raises(OperationalError, match="locked"):
        say(line, "STOP")
    say(line, "STOP again")
    assert heard(line) == ["first", "STOP again"]


def test_another_error_is_not_waited_for(line, file, monkeypatch):
    """A disk that can't be written is said at once."""
    monkeypatch.setattr(base.time, "sleep", lambda _: pytest.fail("waited"))
    line.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(OperationalError):
        say(line, "STOP")
    line.connection.execute("PRAGMA query_only = OFF")
    say(line, "STOP")
    assert heard(line) == ["first", "STOP"]


def test_eight_threads_that_write_at_once_all_get_their_turn(line, opened):
    """Nobody is refused where everybody is quick."""
    failed = []

    def write(number):
        mine = opened()
        try:
            for at in range(5):
                say(mine, f"{number}.{at}")
        except OperationalError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(set(heard(line))) == 41


def test_a_sender_lets_a_stop_go_first(opened, web, monkeypatch):
    """P2: the database is free, but somebody who must not wait stands in line; the sender begins after it."""
    sender, slept = opened(YIELDS=True), []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 5:
            silent(web)

    monkeypatch.setattr(base.time, "sleep", sleep)
    monkeypatch.setattr(base, "POLITE", 60.0)
    say(sender, "text")
    assert len(slept) == 5


def test_a_sender_waits_no_longer_than_is_polite(opened, web, monkeypatch):
    """P5: a web part that is frozen in the line keeps nobody's texts."""
    monkeypatch.setattr(base, "POLITE", 0.05)
    sender = opened(YIELDS=True)
    say(sender, "text")
    assert heard(sender) == ["text"]


def test_everybody_else_goes_at_once(opened, web, monkeypatch):
    """A STOP does not wait for another's bell."""
    monkeypatch.setattr(base.time, "sleep", lambda _: pytest.fail("waited"))
    say(opened(), "STOP")


def test_who_stands_in_line_rings_until_its_turn_comes(opened, other, file):
    """The bell is heard while a STOP waits, however many wait together, and no longer."""
    listener = Bell(file.with_name(f"{file.name}-bell"))
    other.execute("BEGIN IMMEDIATE")
    lines = [opened(), opened()]
    threads = [threading.Thread(target=say, args=(line, "STOP")) for line in lines]
    for thread in threads:
        thread.start()
    until(listener.rings)
    other.execute("COMMIT")
    for thread in threads:
        thread.join()
    assert not listener.rings()


def test_a_process_that_dies_stops_ringing(file, web):
    """P11: nobody waits for the dead."""
    listener = Bell(file.with_name(f"{file.name}-bell"))
    assert listener.rings()
    web.kill()
    web.wait()
    assert not listener.rings()


def test_a_bell_that_cannot_be_hung_is_silent(tmp_path):
    """A folder that nobody may write into costs the precedence, not the STOP."""
    bell = Bell(tmp_path / "none" / "bell")
    with bell.rung():
        assert not bell.rings()
