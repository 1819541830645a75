"""One copy of the house over one home folder, and plain words when it cannot start."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from typing import TYPE_CHECKING, Self

from config.home import LOCK_NAME

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

LARGEST_PORT = 65_535
FIRST_FREE_FOR_ALL = 1024
TRIES_FOR_ANOTHER_PORT = 50


class CannotStartError(Exception):
    """A refusal to start, whose text names the mend; the command prints it and exits 1 (P12)."""


def ensure_home(home: Path) -> Path:
    """Make the home folder (0700) and prove that it can be written to.

    Returns the absolute path. Raises CannotStartError, naming the folder and the mend.
    """
    home = home.expanduser().absolute()
    probe = home / f".write-test-{os.getpid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as why:
        raise CannotStartError(
            f"Cannot write in the home folder {home}: {why.strerror}. "
            "Make it writable for this user, or set AFTERCARE_HOME to a folder that is."
        ) from None
    return home


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """Prove that nobody listens on `host`:`port` and that this user may.

    `port` is 0 (any free one) to 65535. Raises CannotStartError, naming the port and the mend. Another
    program may still take the port before the web part does; that part then says so itself.
    """
    if not 0 <= port <= LARGEST_PORT:
        raise CannotStartError(f"--port {port} is no port: choose a number from 1024 to {LARGEST_PORT}.")
    why = _why_not(port, host)
    if why is None:
        return
    if why == errno.EACCES and port < FIRST_FREE_FOR_ALL:
        raise CannotStartError(f"Port {port} is reserved for root: choose one from 1024 up, --port 8000.")
    if why != errno.EADDRINUSE:
        raise CannotStartError(f"Cannot listen on {host} port {port}: {os.strerror(why)}.")
    raise CannotStartError(
        f"Port {port} on {host} is taken by another program. "
        f"Stop that one, or choose another: --port {_next_free(port, host)}."
    )


def _why_not(port: int, host: str) -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without this a port that was closed a minute ago (TIME_WAIT) would be refused.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as why:
            return why.errno
    return None


def _next_free(port: int, host: str) -> int:
    candidates = range(max(port, FIRST_FREE_FOR_ALL - 1) + 1, port + TRIES_FOR_ANOTHER_PORT)
    free = (other for other in candidates if other <= LARGEST_PORT and _why_not(other, host) is None)
    return next(free, 8000)


class HomeLock:
    """Holds `home`/lock for as long as the process lives.

    The kernel drops an flock with the process that holds it, so a copy killed with SIGKILL leaves nothing
    to clean up. The file stays behind on purpose: removing it would let two copies each hold "the" lock.
    """

    def __init__(self, home: Path, *, address: str, calendar: Path | None = None) -> None:
        """Prepare the lock; `address` is what a second copy is told, such as http://127.0.0.1:8000.

        `calendar` is the file that steps the clock of whoever works here: see `config.home`.
        """
        self.home = ensure_home(home)
        self.address = address
        self._calendar = f"calendar {calendar}\n" if calendar else ""
        self._fd: int | None = None

    def take(self) -> None:
        """Take the lock and write down who holds it; raises CannotStartError naming that process."""
        fd = os.open(self.home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as why:
            holder = os.pread(fd, 500, 0).decode("utf-8", "replace").partition("\n")[0]
            os.close(fd)
            raise CannotStartError(self._refusal(why, holder)) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"pid {os.getpid()}, {self.address}\n{self._calendar}".encode(), 0)
        self._fd = fd

    def _refusal(self, why: OSError, holder: str) -> str:
        if why.errno not in {errno.EAGAIN, errno.EACCES}:
            return (
                f"Cannot lock {self.home / LOCK_NAME}: {why.strerror}. Set AFTERCARE_HOME to a folder on a local disk."
            )
        return (
            f"Aftercare is already running over {self.home} ({holder or 'it has just started'}). "
            "Stop that one, or set AFTERCARE_HOME to another folder for a second one."
        )

    def release(self) -> None:
        """Give the lock back; harmless when it was never taken."""
        if self._fd is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = None

    def __enter__(self) -> Self:
        """Take the lock."""
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        self.release()
