"""A private RabbitMQ: its own folder, node name and ports, gone when the run ends; the machine's own is not touched."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

PROGRAMS = Path("/usr/lib/rabbitmq/bin")  # Debian's own wrappers would change to its account and its node
WITHIN = 120.0  # seconds: an Erlang machine on a busy one


def find() -> Path | None:
    """The server's own script; None where it is not installed."""
    packaged, on_path = PROGRAMS / "rabbitmq-server", shutil.which("rabbitmq-server")
    return packaged if packaged.exists() else Path(on_path) if on_path else None


class PrivateRabbit:
    """One node over one folder."""

    def __init__(self, folder: Path) -> None:
        """Prepare it; nothing runs yet."""
        server = find()
        assert server is not None
        self._server, self._control = server, server.with_name("rabbitmqctl")
        folder.mkdir()
        (folder / "plugins").write_text("[].", encoding="ascii")
        cookie = folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16), encoding="ascii")
        cookie.chmod(0o400)
        self.port, between, names = _free_ports(3)
        self._log = (folder / "rabbit.log").open("ab")
        self._env = {
            **os.environ, "HOME": str(folder), "RABBITMQ_NODENAME": f"aftercare-{os.getpid()}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(between), "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "data"), "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What BROKER_URL holds."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = subprocess.Popen(
            [str(self._server)], env=self._env, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True,
        )  # fmt: skip
        self.control("wait", "--timeout", str(int(WITHIN)), "--pid", str(self._process.pid))
        until = time.monotonic() + WITHIN
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("RabbitMQ does not listen")

    def control(self, *words: str) -> str:
        """What rabbitmqctl prints."""
        done = subprocess.run(
            [str(self._control), "--quiet", *words], env=self._env, capture_output=True, text=True, check=False,
            timeout=WITHIN,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        epmd = shutil.which("epmd")  # which Erlang would start as a daemon that outlives it
        assert epmd is not None
        self._names = subprocess.Popen([epmd, "-address", "127.0.0.1"], env=self._env, stdin=subprocess.DEVNULL)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.close()
        self._names.kill()
        self._names.wait()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
