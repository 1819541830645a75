"""One copy over one home folder, and refusals that name the mend (P12)."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

from tests.sandbox.patience import until
from worker.sandbox.lockfile import LOCK_NAME, CannotStartError, HomeLock, check_port, ensure_home

HOLDER = """
import sys, time
from pathlib import Path
from worker.sandbox.lockfile import HomeLock
HomeLock(Path(sys.argv[1]), address="http://127.0.0.1:8000").take()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen((sys.executable, "-c", HOLDER, str(tmp_path)), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_copy_is_told_who_runs_and_where(holder, tmp_path):
    """A second copy over the same home is refused with the pid, the address and the mend (P12)."""
    with pytest.raises(CannotStartError) as refusal:
        HomeLock(tmp_path, address="http://127.0.0.1:9000").take()

    for word in (f"pid {holder.pid}", "http://127.0.0.1:8000", str(tmp_path), "AFTERCARE_HOME"):
        assert word in str(refusal.value)


def test_a_refused_copy_leaves_the_holders_name_in_place(holder, tmp_path):
    """A refusal changes nothing: the file still names the first copy (P12)."""
    before = (tmp_path / LOCK_NAME).read_text()

    with pytest.raises(CannotStartError):
        HomeLock(tmp_path, address="http://127.0.0.1:9000").take()

    assert (tmp_path / LOCK_NAME).read_text() == before


def test_a_copy_killed_outright_leaves_nothing_to_clean_up(holder, tmp_path):
    """SIGKILL frees the home folder: the next copy starts by itself (P11)."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with HomeLock(tmp_path, address="http://127.0.0.1:9000"):
        assert f"pid {os.getpid()}" in (tmp_path / LOCK_NAME).read_text()


def test_a_released_lock_can_be_taken_again(tmp_path):
    """Leaving the house opens it for the next."""
    with HomeLock(tmp_path, address="a"):
        pass
    with HomeLock(tmp_path, address="b"):
        assert "b" in (tmp_path / LOCK_NAME).read_text()


def test_a_child_of_the_holder_does_not_hold_the_lock(tmp_path):
    """A part that outlives its supervisor for a moment must not block the next start."""
    lock = HomeLock(tmp_path, address="a")
    lock.take()
    child = subprocess.Popen(("sleep", "600"))
    lock.release()

    with HomeLock(tmp_path, address="b"):
        child.kill()
        child.wait()


def test_a_home_folder_is_made_for_this_user_only(tmp_path):
    """The home holds the database and the keys: nobody else may look in (P9)."""
    home = ensure_home(tmp_path / "deep" / "home")

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert list(home.iterdir()) == []


def test_a_home_that_is_a_file_is_refused_with_the_mend(tmp_path):
    """A home folder that cannot be one is refused by name (P12)."""
    (tmp_path / "home").write_text("")

    with pytest.raises(CannotStartError, match=r"home.*AFTERCARE_HOME"):
        ensure_home(tmp_path / "home")


READ_ONLY = """
import os, sys
from pathlib import Path
from worker.sandbox.lockfile import CannotStartError, ensure_home
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    ensure_home(Path(sys.argv[1]))
except CannotStartError as why:
    print(why)
"""


def test_a_read_only_home_is_refused_with_the_mend(tmp_path):
    """A home folder that this user may not write to is refused by name (P12)."""
    tmp_path.chmod(0o555)
    said = subprocess.run((sys.executable, "-c", READ_ONLY, str(tmp_path)), capture_output=True, text=True, check=True)

    assert f"Cannot write in the home folder {tmp_path}" in said.stdout
    assert "AFTERCARE_HOME" in said.stdout


def test_a_taken_port_is_named_with_one_that_is_free():
    """A taken port is refused, and the mend that is offered works (P12)."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStartError, match=f"Port {port} .* is taken") as refusal:
            check_port(port)

    offered = int(str(refusal.value).rpartition("--port ")[2].rstrip("."))
    assert offered != port
    check_port(offered)


def test_a_port_closed_a_moment_ago_is_free():
    """A restart right after a stop is no reason for a refusal, although the kernel still remembers the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()
            until(lambda: client.recv(1) == b"")

    check_port(port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_no_port_is_refused(port):
    """A number outside 0 to 65535 is refused by name, not by a traceback (P12)."""
    with pytest.raises(CannotStartError, match=f"--port {port} is no port"):
        check_port(port)
