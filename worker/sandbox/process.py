"""One part of the house as a process: started on a leash, logged to its own file, ended with all its children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LEASH = Path(__file__).with_name("leash.py")
GUARD_GRACE = 5  # seconds between the guard's SIGTERM and its SIGKILL, once the supervisor is gone
LOOK_AGAIN = 0.01
LOG_LIMIT = 5_000_000
TAIL_LINES = 15
TAIL_BYTES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to run and how to know that it works; seconds are machine time.

    `env` is added to our own environment. `ready` says whether the part does its work yet (None: as soon as
    it runs); it must not raise nor block for long. `stop_grace` is how long it may take to end after SIGTERM.
    A `critical` part that is given up ends the whole house; any other is left out and reported.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_within: float = 30.0
    stop_grace: float = 10.0
    critical: bool = True


def on_leash(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `argv` and, on Linux, ends it with SIGTERM when this process dies."""
    return (sys.executable, "-I", "-S", str(LEASH), "start", str(os.getpid()), *argv)


def launch(argv: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start `argv` on a leash in a session of its own, its output going to the end of `log` (mode 0600).

    Its own session: Ctrl-C in the terminal then reaches the supervisor only, and the order of ending is ours.
    """
    with _open_log(log) as sink:
        return subprocess.Popen(
            on_leash(argv),
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], *, within: Callable[[], bool]) -> None:
    """End `process` with SIGTERM, wait while `within` says so, then end what is left of its group by force.

    SIGTERM goes to the process alone: Celery and gunicorn end their own children in their own order.
    """
    process.terminate()
    while process.poll() is None and within():
        time.sleep(LOOK_AGAIN)
    clear_group(process)
    process.wait()


def clear_group(process: subprocess.Popen[bytes]) -> None:
    """End by force whatever is left of the group of `process`: a killed Celery master leaves its children."""
    # PermissionError is what macOS says of a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def grace(seconds: float) -> Callable[[], bool]:
    """Return a function that says True for `seconds` of machine time from now."""
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() < deadline


def how_it_ended(code: int) -> str:
    """Put a return code of `subprocess` into words."""
    if code >= 0:
        return f"with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-code).name}"
    return f"by signal {-code}"


def tail(log: Path) -> str:
    """Return the last lines of `log` under a heading that names it; empty when there are none."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
        if lines:
            return "\n".join([f"\nThe end of {log}:", *(f"  {line}" for line in lines)])
    return ""


def _open_log(log: Path) -> BinaryIO:
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


class Guard:
    """The process that ends every group still on its list when this process is gone, however it went."""

    def __init__(self) -> None:
        """Start the guard, in a session of its own, with an empty list."""
        self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
            (sys.executable, "-I", "-S", str(LEASH), "guard", str(GUARD_GRACE)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch_over(self, group: int) -> None:
        """Put a process group on the list."""
        self._say(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Take a process group off the list."""
        self._say(f"-{group}\n")

    def _say(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:  # somebody killed it; each part still has the leash of its own
            self.dismiss()

    def dismiss(self) -> None:
        """Close its input and wait until it has gone, with all that was still on its list."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()
