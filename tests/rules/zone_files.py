"""What the clock of every zone shows, read from the zone files byte by byte (RFC 8536), as a witness for the rules.

Nothing here is shared with what it judges: no zoneinfo, no datetime arithmetic across zones, no code of ours. The
rules ask `zoneinfo` for an offset and search; the witness has the list of changes and looks at every minute. Times
are whole Unix seconds; a wall time is the Unix second at which UTC shows the same.
"""

from __future__ import annotations

import calendar
import re
import struct
from bisect import bisect_right
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise

MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800
LAST_YEAR = 2037
_RULE = re.compile(r"M(\d+)\.(\d)\.(\d)(?:/([+-]?\d+)(?::(\d\d))?)?")
_OFFSET = re.compile(r"(?:<[^>]+>|[A-Za-z]+)(?:([+-]?)(\d+)(?::(\d\d))?)?")


@dataclass(frozen=True)
class Clock:
    """One zone: the instants at which its clock is changed, and its offset before, between and after them."""

    name: str
    changes: tuple[int, ...]
    offsets: tuple[int, ...]

    def shows(self, at: int) -> int:
        """The wall time at an instant."""
        return at + self.offsets[bisect_right(self.changes, at)]

    def first_showing(self, wall: int) -> int:
        """The first instant that shows `wall`; a skipped one moves on by the gap, a skipped day to the day after."""
        shown = [wall - offset for offset in set(self.offsets) if self.shows(wall - offset) == wall]
        if shown:
            return min(shown)
        (gap,) = [n for n, at in enumerate(self.changes) if at + self.offsets[n] <= wall < at + self.offsets[n + 1]]
        leap = self.offsets[gap + 1] - self.offsets[gap]
        return self.changes[gap] if leap >= DAY else wall - self.offsets[gap]

    def minutes(self, week: bytes, start: int, end: int) -> bytes:
        """Open (1) or closed (0) for each minute from `start` to `end`; `week` has the same for a week from Monday."""
        inside = [at for at in self.changes if start < at < end]
        edges = [start, *inside, end]
        return b"".join(_turned(week, self.shows(first), last - first) for first, last in pairwise(edges))


def _turned(week: bytes, wall: int, length: int) -> bytes:
    first = (wall + 3 * DAY) % WEEK // MINUTE  # the first of January 1970 was a Thursday
    return (week * (2 + length // WEEK))[first : first + length // MINUTE]


def names() -> list[str]:
    """Every zone IANA has a name for, aliases included."""
    return resources.files("tzdata").joinpath("zones").read_text("ascii").split()


def file_of(name: str):
    """The zone's file, as the pinned package has it."""
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))


def clock(name: str) -> Clock:
    """A zone's changes from its file: those listed, then those its last line (a POSIX TZ string) goes on with."""
    changes, offsets, last_line = _listed(file_of(name).read_bytes())
    for at, offset in _promised(last_line):
        if not changes or at > changes[-1]:
            changes.append(at)
            offsets.append(offset)
    real = [n for n in range(len(changes)) if offsets[n] != offsets[n + 1]]  # some only rename the hour
    return Clock(name, tuple(changes[n] for n in real), (offsets[0], *(offsets[n + 1] for n in real)))


def _listed(raw: bytes) -> tuple[list[int], list[int], str]:
    first = struct.unpack(">6l", raw[20:44])
    body = 44 + _size(first, 4)  # version 1 comes first, in 32 bits; what counts is version 2, in 64
    counts = struct.unpack(">6l", raw[body + 20 : body + 44])
    _, _, _, times, types, _ = counts
    at = body + 44
    changes = list(struct.unpack(f">{times}q", raw[at : at + 8 * times]))
    kinds = raw[at + 8 * times : at + 9 * times]
    table = raw[at + 9 * times : at + 9 * times + 6 * types]
    offset_of = [struct.unpack(">l", table[6 * n : 6 * n + 4])[0] for n in range(types)]
    return changes, [offset_of[0], *(offset_of[kind] for kind in kinds)], raw[body + 44 + _size(counts, 8) :].decode()


def _size(counts: tuple[int, ...], width: int) -> int:
    isut, isstd, leap, times, types, chars = counts
    return times * (width + 1) + types * 6 + chars + leap * (width + 4) + isstd + isut


def _promised(line: str) -> list[tuple[int, int]]:
    """The changes of "EST5EDT,M3.2.0,M11.1.0" and its like, until LAST_YEAR."""
    head, *rules = line.strip().split(",")
    if not rules:
        return []
    usual, other = _OFFSET.finditer(head)
    standard = _seconds(usual)
    summer = _seconds(other) if other[2] else standard + HOUR
    begins, ends = rules
    years = range(1970, LAST_YEAR + 1)
    found = [(_on(begins, year) - standard, summer) for year in years]
    return sorted(found + [(_on(ends, year) - summer, standard) for year in years])


def _seconds(match: re.Match[str]) -> int:
    sign, hours, minutes = match.groups()
    return (1 if sign == "-" else -1) * (int(hours) * HOUR + int(minutes or 0) * MINUTE)  # POSIX counts to the west


def _on(rule: str, year: int) -> int:
    """The wall time of "M3.2.0/2": the second Sunday of March at two, on the clock as it stood before."""
    match = _RULE.fullmatch(rule)
    assert match, f"{rule} is a form no zone had so far; teach the witness"
    month, which, weekday = map(int, match.group(1, 2, 3))
    hour, minute = int(match[4] or 2), int(match[5] or 0)
    days = [week[(weekday - 1) % 7] for week in calendar.monthcalendar(year, month) if week[(weekday - 1) % 7]]
    day = days[-1] if which == 5 else days[which - 1]
    return calendar.timegm((year, month, day, 0, 0, 0)) + hour * HOUR + minute * MINUTE
