"""`aftercare up`: everything with one command, all gone with Ctrl-C, and plain words when it can't start (P12)."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.processes.commands import COMMAND, ROOT, run, settings
from tests.processes.witness import children, until
from tests.sandbox.patience import lives
from worker.sandbox.demo import free_ports
from worker.sandbox.house import answers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.processes

_DROP_FROM_BOUNDING_SET, _CAP_DAC_OVERRIDE = 24, 1  # prctl(2), capabilities(7)


class Up:
    """A running `aftercare up`, and what it prints."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_ports(5)
        self.env = settings(AFTERCARE_HOME=str(home))
        self.printed = home.with_suffix(".out")
        with self.printed.open("wb") as sink:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--port", str(self.port)],
                cwd=ROOT, env={**os.environ, **self.env}, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """All that it printed."""
        return self.printed.read_text(encoding="utf-8")

    def family(self) -> list[int]:
        """Every process that it started, and theirs."""
        found, waiting = [], [self.process.pid]
        while waiting:
            waiting += (theirs := children(waiting.pop()))
            found += theirs
        return found

    def interrupted(self) -> int:
        """Ctrl-C: the exit status, once no process of it is left."""
        family = self.family()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        until(lambda: not any(lives(pid) for pid in family))
        return code

    def close(self) -> None:
        """End it if a test did not."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    """The command, ready."""
    started = Up(tmp_path_factory.mktemp("up") / "home")
    until(lambda: started.process.poll() is not None or "Ctrl-C" in started.said())
    yield started
    started.close()


def page(port: int, path: str) -> tuple[int, str]:
    """One page of the running house."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.status, answer.read().decode()


def test_one_command_starts_everything_and_ctrl_c_ends_it(up):
    """All parts run; a second copy is told who runs already; after Ctrl-C nothing is left (P11, P12)."""
    assert page(up.port, "/healthz")[0] == page(up.port, "/readyz")[0] == 200
    assert page(up.port + 1, "/")[0] == 200
    assert "aftercare_ratelimit_wait_seconds_count" in page(up.port + 4, "/metrics")[1]
    assert f"http://127.0.0.1:{up.port}" in up.said()

    second = run("up", "--port", str(free_ports(5)), env=up.env)
    assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (1, "", 1)
    assert "already running" in second.stderr
    assert str(up.process.pid) in second.stderr

    assert up.interrupted() == 0
    assert up.said().endswith("everything has stopped\n")
    assert "Traceback" not in up.said()
    assert not answers(f"http://127.0.0.1:{up.port}/healthz")


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path):
    """Whoever changes their mind early gets the same clean end."""
    started = Up(tmp_path / "home")
    until(lambda: "redis" in started.said())
    assert started.interrupted() == 0
    assert "Traceback" not in started.said()


def test_a_taken_port_is_named_with_a_free_one(tmp_path):
    """Somebody else listens there: one line, which port to take instead, and nothing was started (P12)."""
    port = free_ports(5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        refused = run("up", "--port", str(port), env=settings(AFTERCARE_HOME=str(tmp_path / "home")))
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
    assert f"Port {port}" in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.parametrize("port", ["0", "70000", "-1", "65534"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    """Four ports are needed, and each must exist (P12)."""
    refused = run("up", "--port", port, env=settings(AFTERCARE_HOME=str(tmp_path / "home")))
    assert refused.returncode in {1, 2}
    assert "--port" in refused.stderr


def _without_the_powers_of_root() -> None:
    """Obey permissions, even as root: what runs next has no right to override them."""
    ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, _CAP_DAC_OVERRIDE, 0, 0, 0)


def test_a_read_only_home_is_named_with_the_mend(tmp_path):
    """A folder that can't be written: one line that names it and AFTERCARE_HOME (P12)."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    as_anybody = {"preexec_fn": _without_the_powers_of_root} if os.geteuid() == 0 else {}
    refused = run("up", "--port", str(free_ports(5)), env=settings(AFTERCARE_HOME=str(home)), **as_anybody)
    assert (refused.returncode, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
    assert str(home) in refused.stderr
    assert "AFTERCARE_HOME" in refused.stderr
