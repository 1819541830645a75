"""Who lives is seen although no hint comes; who is stuck, and since when a process runs, is not said wrongly (P5)."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from structlog.testing import capture_logs

from worker import clock
from worker.actions.record import life, pulse
from worker.actions.record.pulse import Tick
from worker.models import Pulse
from worker.models.pulse import PulseKind
from worker.reading.engine import engine
from worker.reading.machine_room import machine_room
from worker.reading.parts import parts


@pytest.fixture(autouse=True)
def _nothing_under_way():
    life.ended()
    yield
    life.ended()


@pytest.fixture
def at(monkeypatch):
    """Let so many seconds of this process go by."""
    began = clock.running()

    def pass_by(seconds):
        monkeypatch.setattr(clock, "running", lambda: began + seconds)

    pass_by(0)
    return pass_by


def test_a_process_without_hints_is_a_taker_that_never_worked(db, monkeypatch):
    """Beat frozen, or Redis away: its processes live, and status says since when none of them worked."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,tend")
    life.sign()
    (said,) = machine_room(now=clock.now(), there=parts())["workers"]
    assert (said["worked_seconds"], said["shift_seconds"]) == (None, None)
    assert said["seen_seconds"] < 5
    assert engine().consumers == {"sms": 1, "email": 0, "tend": 1}
    assert engine().newest_worker is None


def test_a_sign_of_life_is_no_work(db, at):
    """What the last shift took, and when it was, stays as it is while the timer goes on."""
    pulse.worked(shift_seconds=0.25)
    before = clock.machine() - timedelta(seconds=40)
    Pulse.objects.update(seen_at=before, worked_at=before)
    at(life.EVERY)
    life.sign()
    (said,) = machine_room(now=clock.now(), there=parts())["workers"]
    assert said["worked_seconds"] >= 40 > said["seen_seconds"]
    assert said["shift_seconds"] == 0.25
    assert engine().newest_worker == before


def test_who_works_needs_no_timer(db, at, django_assert_num_queries):
    """A process that wrote by its work just now writes nothing more by its timer."""
    pulse.worked()
    at(life.EVERY / 2 - 0.1)
    with django_assert_num_queries(0):
        life.sign()


def test_what_is_stuck_in_one_task_is_gone(db, at):
    """A hung process shows no life by its timer, however well the timer runs; an idle one does."""
    life.begun()
    at(life.STUCK - 1)
    life.sign()
    seen = Pulse.objects.get().seen_at
    at(life.STUCK + 2 * life.EVERY)
    life.sign()
    assert Pulse.objects.get().seen_at == seen
    life.ended()
    life.sign()
    assert Pulse.objects.get().seen_at > seen


@pytest.mark.parametrize("error", [OperationalError("away"), RuntimeError("whatever")])
def test_a_database_that_is_away_ends_no_timer(transactional_db, at, monkeypatch, error):
    """Each try is one and is told, the next one is made when it is due: nothing piles up."""
    tries = []

    def away(*_):
        tries.append(1)
        raise error

    with monkeypatch.context() as broken, capture_logs() as lines:
        broken.setattr(pulse, "insert_many", away)
        for second in (0, 1, 10, 20):
            at(second)
            life.sign()
    assert len(tries) == len(lines) == 3
    at(30)
    life.sign()
    assert Pulse.objects.count() == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_timer_is_a_thread_that_takes_no_signal(monkeypatch):
    """It goes on by itself, keeps no process alive, and a task's time limit reaches the thread that works."""
    signs, blocked = threading.Semaphore(0), []

    def sign():
        blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        if len(blocked) == 3:
            signs.release()
            raise SystemExit  # ends this thread alone

    monkeypatch.setattr(life, "EVERY", 0.01)
    monkeypatch.setattr(life, "sign", sign)
    thread = life.begin()
    assert thread.daemon
    assert signs.acquire(timeout=10)
    assert signal.SIGUSR1 in blocked[0]
    thread.join(10)
    assert not thread.is_alive()


def test_a_process_that_takes_the_name_of_another_begins_anew(db, at):
    """In a container that is started again host and number are the same; its uptime and its last shift are not."""
    pulse.worked(shift_seconds=9.0)
    long_ago = clock.machine() - timedelta(days=3)
    Pulse.objects.update(since=long_ago, worked_at=long_ago)
    pulse.forget_last()
    life.sign()
    said = Pulse.objects.get()
    assert clock.machine() - said.since < timedelta(minutes=1)
    assert (said.shift_seconds, said.worked_at) == (None, None)
    since = said.since
    at(life.EVERY)
    pulse.worked(shift_seconds=1.0)
    said = Pulse.objects.get()
    assert (said.since, said.shift_seconds) == (since, 1.0)
    assert said.worked_at is not None


def test_a_process_that_met_a_database_that_was_away_begins_anew_as_well(transactional_db, at, monkeypatch):
    """Its first sign is the first one that was written, and its uptime counts from its beginning."""
    Pulse.objects.create(name=pulse.own_name(), kind=PulseKind.WORKER, since=clock.machine() - timedelta(days=3),
                         seen_at=clock.machine(), shift_seconds=9.0)  # fmt: skip
    with monkeypatch.context() as broken:
        broken.setattr(pulse, "insert_many", lambda *_: (_ for _ in ()).throw(OperationalError("away")))
        pulse.worked()
    born = clock.machine()
    at(life.EVERY)
    pulse.worked()
    said = Pulse.objects.get()
    assert (said.since <= born, said.shift_seconds) == (True, None)
    assert clock.machine() - said.since < timedelta(minutes=1)


def test_a_beat_is_not_as_young_as_the_worker_that_hears_it(db):
    """Whoever takes its tick writes for it: a worker's start is none of a beat."""
    long_ago = clock.machine() - timedelta(days=3)
    Pulse.objects.create(name="gen1@beat", kind=PulseKind.BEAT, since=long_ago, seen_at=long_ago)
    pulse.ticked(Tick("gen1@beat", clock.machine()))
    assert Pulse.objects.get().since == long_ago
