"""The append-only log of all that reached the outside: the independent witness for "doubled" and "after stop"."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from io import TextIOWrapper
    from pathlib import Path

    from .clock import Clock

Entry = dict[str, Any]


class Witness:
    """Keeps every entry, in order of arrival; nothing is ever changed or dropped.

    Each entry has `seq` (1, 2, 3, ...), `kind`, `at` (machine clock) and `calendar`, both epoch seconds in UTC.
    """

    def __init__(self, clock: Clock, folder: Path | None = None) -> None:
        """Write also to `folder`/log.jsonl, a line at a time, so that a killed process leaves its testimony."""
        self._clock = clock
        self._entries: list[Entry] = []
        self._file: TextIOWrapper | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / "log.jsonl").open("a", buffering=1, encoding="utf-8")

    def saw(self, kind: str, *, at: float | None = None, **facts: Any) -> Entry:
        """Append what was seen at machine time `at` (epoch seconds; default now) and return the entry."""
        moment = self._clock.machine() if at is None else at
        entry = {
            "seq": len(self._entries) + 1,
            "kind": kind,
            "at": moment,
            "calendar": moment + self._clock.offset(),
            **facts,
        }
        self._entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
        return entry

    def page(self, *, after: int, limit: int, kinds: Collection[str] = ()) -> tuple[list[Entry], int | None]:
        """Entries with a `seq` above `after`, at most `limit`; and the `after` of the next page, if there is one."""
        found: list[Entry] = []
        for entry in self._entries[after:]:
            if kinds and entry["kind"] not in kinds:
                continue
            if len(found) == limit:
                return found, found[-1]["seq"]
            found.append(entry)
        return found, None

    def last(self) -> int:
        """Return the newest `seq`, 0 before the first entry."""
        return len(self._entries)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
