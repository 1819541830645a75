"""The supervisor: parts come back, give up in plain words, and never outlive it (P11, P12)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.sandbox.patience import lives, number_in, until
from worker.sandbox.lockfile import CannotStartError
from worker.sandbox.parts import DEATHS_ALLOWED, Happening, Part, Supervisor

pytestmark = pytest.mark.processes

SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
# Writes its pid and its child's, as a Celery worker with a pool child would.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("child.pid", "w").write(str(child.pid))
open("parent.pid", "w").write(str(os.getpid()))
time.sleep(600)
"""


def python(name, code, **options):
    return Part(name=name, argv=(sys.executable, "-c", code), **options)


class Story:
    """Collects what the supervisor tells."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def of(self, happening):
        return [event for event in self.events if event.happening is happening]

    def lines(self):
        return [f"{event.part} {event.happening}" for event in self.events]


@pytest.fixture
def story():
    return Story()


@pytest.fixture
def watched(tmp_path, story):
    """Start parts under a supervisor that a thread keeps mending; end them afterwards."""
    running = []

    def start(*parts):
        supervisor = Supervisor(parts, log_dir=tmp_path / "log", on_event=story)
        supervisor.start()
        thread = threading.Thread(target=supervisor.watch)
        thread.start()
        running.append((supervisor, thread))
        return supervisor

    yield start
    for supervisor, thread in running:
        supervisor.stop()
        thread.join()


def test_each_part_waits_for_the_one_before_it(tmp_path, story):
    """Parts start in order, each when its predecessor does its work, and end in reverse order."""
    first = python(
        "first",
        f"import time; time.sleep(0.3); open('{tmp_path}/ready', 'w'); time.sleep(600)",
        ready=(tmp_path / "ready").exists,
    )
    second = python("second", f"import os, time; assert os.path.exists('{tmp_path}/ready'); {SLEEPER}")

    with Supervisor([first, second], log_dir=tmp_path / "log", on_event=story) as supervisor:
        pids = supervisor.pids()
        assert all(lives(pid) for pid in pids.values())

    assert not any(lives(pid) for pid in pids.values())
    assert story.lines() == [
        "first starting",
        "first ready",
        "second starting",
        "second ready",
        "second stopping",
        "second stopped",
        "first stopping",
        "first stopped",
    ]


def test_a_part_that_dies_comes_back(watched, story):
    """A killed part is started again under the same name, and the others are left alone (P11)."""
    supervisor = watched(python("redis", SLEEPER), python("worker", SLEEPER))
    before = supervisor.pids()

    os.kill(before["worker"], signal.SIGKILL)
    until(lambda: len([line for line in story.lines() if line == "worker ready"]) == 2)

    after = supervisor.pids()
    assert after["worker"] != before["worker"]
    assert after["redis"] == before["redis"]
    assert [event.detail for event in story.of(Happening.DIED)] == ["The worker part ended by SIGKILL."]


def test_a_part_that_dies_takes_its_children_with_it(watched, story, tmp_path, monkeypatch):
    """The pool children of a killed Celery worker must not go on beside its successor (P4)."""
    monkeypatch.chdir(tmp_path)
    supervisor = watched(python("worker", FAMILY))
    child = number_in(tmp_path / "child.pid")

    os.kill(supervisor.pids()["worker"], signal.SIGKILL)

    until(lambda: story.of(Happening.DIED))
    until(lambda: not lives(child))


def test_a_part_that_keeps_dying_is_given_up_with_its_last_words(tmp_path, story):
    """Five deaths end the house with exit 1, the reason and the end of the log (P12)."""
    # Lives until it has been seen ready once, since a death while starting is told at once.
    broken = python("worker", "import time; time.sleep(0.3); print('no such table: message'); raise SystemExit(3)")
    supervisor = Supervisor([python("redis", SLEEPER), broken], log_dir=tmp_path, on_event=story)

    assert supervisor.run() == 1

    assert len(story.of(Happening.DIED)) == DEATHS_ALLOWED
    assert "The worker part died 5 times within 30 s and is given up." in supervisor.failure
    assert "no such table: message" in supervisor.failure
    assert str(tmp_path / "worker.log") in supervisor.failure
    assert story.lines()[-1] == "redis stopped"


def test_the_house_goes_on_without_a_part_it_can_spare(watched, story):
    """A part that is not critical is given up alone."""
    supervisor = watched(python("web", SLEEPER), python("mail-sink", "import time; time.sleep(0.2)", critical=False))
    until(lambda: story.of(Happening.GAVE_UP))

    assert supervisor.failure is None
    assert lives(supervisor.pids()["web"])
    assert not story.of(Happening.STOPPING)


def test_one_that_dies_while_starting_is_told_at_once(tmp_path, story):
    """A wrong setting is no weather: the first death at the start refuses, and ends what has started (P12)."""
    bad = python("web", "raise SystemExit('DATABASE_URL is not set')", ready=lambda: False)
    supervisor = Supervisor([python("redis", SLEEPER), bad], log_dir=tmp_path, on_event=story)

    with pytest.raises(CannotStartError, match=r"web part ended with exit code 1 while starting[\s\S]*DATABASE_URL"):
        supervisor.start()

    assert story.lines()[-1] == "redis stopped"
    assert supervisor.pids() == {}


def test_a_program_that_does_not_exist_is_named(tmp_path):
    """A missing program is refused by name (P12)."""
    missing = Part(name="web", argv=("no-such-program",), ready=lambda: False)

    with pytest.raises(CannotStartError, match="cannot start no-such-program: No such file"):
        Supervisor([missing], log_dir=tmp_path).start()


def test_one_that_never_gets_ready_is_named(tmp_path):
    """A part that runs but does nothing is refused after its time (P12)."""
    idle = python("web", SLEEPER, ready=lambda: False, ready_within=0.3)

    with pytest.raises(CannotStartError, match=r"web part was not ready within 0.3 s"):
        Supervisor([idle], log_dir=tmp_path).start()


def test_a_restarted_part_that_never_gets_ready_counts_as_dead(watched, story, tmp_path):
    """A part that comes back but does not work is started again, not believed."""
    flag = tmp_path / "works"
    flag.touch()
    supervisor = watched(python("web", SLEEPER, ready=flag.exists, ready_within=0.3))
    flag.unlink()

    os.kill(supervisor.pids()["web"], signal.SIGKILL)
    until(lambda: any("not ready within" in event.detail for event in story.of(Happening.DIED)))
    flag.touch()

    until(lambda: len(story.of(Happening.READY)) == 2)


def test_one_that_ignores_the_request_to_end_is_ended_with_its_children(tmp_path, monkeypatch):
    """SIGTERM, then SIGKILL after the grace, for the whole group: nothing stays behind."""
    monkeypatch.chdir(tmp_path)
    part = python("worker", f"{STUBBORN}{FAMILY}", stop_grace=0.2)
    with Supervisor([part], log_dir=tmp_path) as supervisor:
        parent, child = number_in(tmp_path / "parent.pid"), number_in(tmp_path / "child.pid")
        assert supervisor.pids() == {"worker": parent}

    until(lambda: not lives(parent) and not lives(child))


def test_logs_are_kept_per_part_and_for_this_user_only(tmp_path):
    """Each part's output lands in its own file, added to and not overwritten (P9)."""
    part_log = tmp_path / "log" / "web.log"
    for word in ("before", "after"):
        part = python("web", f"print({word!r}, flush=True); {SLEEPER}")
        with Supervisor([part], log_dir=part_log.parent):
            until(partial(_has, part_log, word))

    assert part_log.read_text().splitlines() == ["before", "after"]
    assert stat.S_IMODE(part_log.stat().st_mode) == 0o600
    assert stat.S_IMODE(part_log.parent.stat().st_mode) == 0o700


def _has(path, word):
    return path.exists() and word in path.read_text()


HOUSE = """
import sys
from pathlib import Path
from worker.sandbox.parts import Part, Supervisor
family, stubborn = sys.argv[1:]
parts = [
    Part(name="worker", argv=(sys.executable, "-c", family), ready=Path("child.pid").exists),
    Part(name="web", argv=(sys.executable, "-c", stubborn), ready=Path("web.pid").exists, stop_grace=0.2),
]
sys.exit(Supervisor(parts, log_dir=Path("log"), on_event=lambda e: print(e.part, e.happening, flush=True)).run())
"""
STUBBORN_WEB = f"{STUBBORN}; import os; open('web.pid', 'w').write(str(os.getpid())); time.sleep(600)"


@pytest.fixture
def house(tmp_path):
    """A supervisor in a process of its own, as `aftercare up` is, and the pids of all it started."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])}
    process = subprocess.Popen(
        (sys.executable, "-c", HOUSE, FAMILY, STUBBORN_WEB),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line == "web ready\n":
            break
    pids = [number_in(tmp_path / f"{name}.pid") for name in ("parent", "child", "web")]
    assert all(lives(pid) for pid in pids)
    yield process, pids
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_ends_everything_in_order(house, number):
    """Ctrl-C, a service manager's SIGTERM and a closed terminal all end the house cleanly, exit 0."""
    process, pids = house

    process.send_signal(number)
    said, _ = process.communicate()

    assert process.returncode == 0
    assert said.split("\n")[:4] == ["web stopping", "web stopped", "worker stopping", "worker stopped"]
    until(lambda: not any(lives(pid) for pid in pids))


def test_a_supervisor_killed_outright_leaves_no_orphans(house):
    """SIGKILL of the supervisor ends its parts, their children and one that ignores SIGTERM (P4, P11)."""
    process, pids = house

    process.kill()

    until(lambda: not any(lives(pid) for pid in pids))


def test_a_stopped_house_leaves_no_guard_behind(house):
    """The guard goes with the house: no process of ours is left."""
    process, _ = house
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    children = until(lambda: _children(process.pid))
    assert len(children) == 3  # worker, web, guard

    process.terminate()
    process.communicate()

    until(lambda: not any(lives(pid) for pid in children))


def _children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


INTERRUPTED = """
import os, random, signal, sys, threading, time
from pathlib import Path
from worker.sandbox import parts
parts.ROUND = 0.0  # so that a signal comes while it looks whether it was asked to stop, and seldom between two looks
signal.signal(signal.SIGTERM, lambda *_: None)  # what comes before it listens, or after, is not what is asked here
def disturb():
    while not ended.wait(random.random() / 100):
        os.kill(os.getpid(), signal.SIGTERM)
for _ in range(60):
    ended = threading.Event()
    threading.Thread(target=disturb, daemon=True).start()
    assert parts.Supervisor([], log_dir=Path(sys.argv[1])).run() == 0
    ended.set()
"""


def test_a_signal_at_whatever_moment_ends_it(tmp_path):
    """P11: what the handler of a signal sets needs no lock, for the very thread that it interrupts may hold that."""
    subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path / "log")], timeout=60, check=True)
