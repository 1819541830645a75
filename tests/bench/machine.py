"""What the kernel says of processes and of the machine: CPU time and memory, from /proc (Linux)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TICK = os.sysconf("SC_CLK_TCK")
PARENT, UTIME, STIME, CUTIME, CSTIME = 1, 11, 12, 13, 14  # fields of /proc/PID/stat after the name
IDLE, IOWAIT, STEAL = 3, 4, 7  # fields of the first line of /proc/stat


def measurable() -> bool:
    """True where /proc tells what this bench needs to know."""
    return Path("/proc/self/smaps_rollup").exists()


@dataclass(frozen=True, slots=True)
class Family:
    """A process and all its descendants; those that ended count through the parent that waited for them."""

    root: int

    def cpu(self) -> float:
        """CPU seconds so far, of the living and of the children they outlived."""
        return sum(map(_seconds, self.pids()))

    def pids(self) -> list[int]:
        """The living ones, the root first."""
        parents = {pid: int(stat[PARENT]) for pid in _everybody() if (stat := _stat(pid))}
        found, new = [self.root], [self.root]
        while new:
            new = [pid for pid, parent in parents.items() if parent in new]
            found += new
        return [pid for pid in found if pid in parents]

    def memory(self) -> tuple[float, float]:
        """Megabytes: resident (shared pages counted in each process), and proportional (each shared page once)."""
        sizes = [_sizes(pid) for pid in self.pids()]
        return sum(rss for rss, _ in sizes), sum(pss for _, pss in sizes)


def cpu(families: Iterable[Family]) -> float:
    """CPU seconds of several families together; a process that belongs to two of them counts once."""
    return sum(_seconds(pid) for pid in {pid for family in families for pid in family.pids()})


def busy() -> float:
    """CPU seconds that all processes of the machine together have used, ours and foreign."""
    fields = list(map(int, Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]))
    return (sum(fields) - fields[IDLE] - fields[IOWAIT] - fields[STEAL]) / TICK


def _seconds(pid: int) -> float:
    return sum(map(int, _stat(pid)[UTIME : CSTIME + 1])) / TICK


def _everybody() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return []


def _sizes(pid: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except (OSError, ProcessLookupError):
        return 0.0, 0.0
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return kilobytes.get("Rss", 0) / 1024, kilobytes.get("Pss", 0) / 1024
