"""Two tiny programs that see to it that no part outlives the supervisor, however that one dies.

Run by file name with `python -I -S`, standard library only, so that each costs some 15 ms.

`leash.py start PARENT_PID PROGRAM ARG...` becomes PROGRAM after asking the kernel (Linux) for a SIGTERM when its
parent dies. That is enough for the part itself, at once, but not for the part's own children.

`leash.py guard SECONDS` reads lines `+PGID` and `-PGID` from standard input. When the supervisor goes, its end
of the pipe closes, whatever killed it; the guard then ends every process group still on its list: SIGTERM
first, since a worker that may finish its provider call leaves no unknown outcome behind, and SIGKILL after
SECONDS.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
NO_SUCH_PROGRAM = 127


def ask_for_death_signal(parent: int) -> None:
    """Ask Linux to end this process with SIGTERM when `parent` (a pid) dies; elsewhere the guard does it."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked, and no signal will ever come
        os._exit(0)


def start(parent: int, argv: list[str]) -> None:
    """Become `argv`; exits 127 with one line when there is no such program."""
    ask_for_death_signal(parent)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - to become the part is what this program is for
    except OSError as why:
        sys.stderr.write(f"cannot start {argv[0]}: {why.strerror}\n")
        os._exit(NO_SUCH_PROGRAM)


def alive(groups: set[int]) -> set[int]:
    """Return the process groups of `groups` that still have a member."""
    return {group for group in groups if signalled(group, 0)}


def signalled(group: int, number: int) -> bool:
    """Send signal `number` to a process group; False when nobody is in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group of zombies
        return False
    return True


def end(groups: set[int], seconds: float) -> None:
    """End the process groups: SIGTERM, then SIGKILL to what is left after `seconds` of machine time."""
    for group in groups:
        signalled(group, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while alive(groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in alive(groups):
        signalled(group, signal.SIGKILL)


def guard(seconds: float) -> None:
    """Keep the list of groups that standard input tells of, and end them when it closes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        with contextlib.suppress(ValueError):
            (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups, seconds)


if __name__ == "__main__":
    if sys.argv[1] == "guard":
        guard(float(sys.argv[2]))
    else:
        start(int(sys.argv[2]), sys.argv[3:])
