"""What can be seen from outside: the provider's log from some moment on, and the processes of this machine."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.postgres import _children as children

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.sandbox.provider.client import Sandbox

__all__ = ["Witness", "children", "lines", "until"]
ESTABLISHED = "01"  # proc(5)


def until(condition: Callable[[], object], *, seconds: float = 90.0, every: float = 0.1) -> None:
    """Wait for a condition, for far longer than it can need.

    Who looks fifty times a second takes a quarter of a core from whoever is waited for; `every` is for blows that must
    fall among open calls.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(every)
    raise AssertionError(f"not within {seconds:g} s")


def lines(pid: int, port: int) -> set[str]:
    """The connections that a process has accepted at its own TCP port, by inode (Linux)."""
    theirs = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed between the two looks
            theirs.add(str(file.readlink()))
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    at_port = {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED}
    return {inode for inode in at_port if f"socket:[{inode}]" in theirs}


class Witness:
    """What the provider saw from now on."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._after = max((each["seq"] for each in sandbox.log()), default=0)
        self._seen: list[dict[str, Any]] = []

    def calls(self) -> list[dict[str, Any]]:
        """Every create, in order."""
        fresh = self._sandbox.log(after=self._after)
        if fresh:
            self._after = fresh[-1]["seq"]
        self._seen += [each for each in fresh if each["kind"] == "create"]
        return self._seen

    def waits_for(self, count: int) -> None:
        """Return once that many calls have come."""
        until(lambda: len(self.calls()) >= count, every=0.02)

    def rang(self) -> Counter[str]:
        """How often each phone was written to."""
        return Counter(each["params"]["To"] for each in self.calls() if each["accepted"])
