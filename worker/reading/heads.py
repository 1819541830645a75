"""The heads that were published, as one file tells them; what in it is no head of ours is a fault."""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from worker import heads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.heads import Head

MANY = 20  # faults of one file that are told one by one


class Published:
    """The genuine heads of a file by clinic, in the order of their seals, and the faults of the file itself."""

    def __init__(self, lines: Iterable[heads.Line], faults: Iterable[str] = ()) -> None:
        self.faults = list(faults)
        self._heads: dict[str, list[Head]] = {}
        forged = 0
        for line in lines:
            if line.head:
                self._heads.setdefault(line.head.clinic, []).append(line.head)
            else:
                forged += 1
                if forged <= MANY:
                    self.faults.append(f"heads file: line {line.number} {line.fault}")
        if forged > MANY:
            self.faults.append(f"heads file: {forged - MANY} more lines are no heads of ours")
        for several in self._heads.values():
            several.sort(key=lambda each: (each.seal, each.published_at))

    def of(self, clinic: str) -> list[Head]:
        """A clinic's heads, the earliest first."""
        return self._heads.get(clinic, [])

    def clinics(self) -> Iterator[str]:
        """Every clinic that a head names."""
        yield from self._heads

    def newest(self) -> dict[str, Head]:
        """The head of each clinic that came farthest."""
        return {clinic: several[-1] for clinic, several in self._heads.items()}


def published(file: Path | None = None, *, keys: Iterable[str] = ()) -> Published:
    """Read HEADS_FILE, or another copy of it; `keys` are public keys (hexadecimal) to believe beside our own."""
    path, known = file or Path(settings.HEADS_FILE), heads.public_keys() | heads.by_id(iter(keys))
    try:
        return Published(list(heads.lines(path, known)))
    except OSError as error:
        return Published((), [f"heads file: can't be read ({error.strerror})"])


def next_after(several: list[Head], seal: int) -> Head | None:
    """The first head that covers a seal."""
    at = bisect_left(several, seal, key=lambda each: each.seal)
    return several[at] if at < len(several) else None
