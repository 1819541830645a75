"""What a zone's clock is known to do, as plain numbers, and what an update of the zone data does to an instant."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from worker.rules.local_time import instant, utc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

AHEAD = timedelta(days=3 * 366)  # further than any visit is booked or any step planned
_STEP = 86_400  # seconds; no clock is changed twice in a day

Offsets = tuple[tuple[int, int], ...]
"""(Unix second from which on, offset in seconds), in order."""


def offsets_of(zone: ZoneInfo, start: datetime) -> Offsets:
    """The offset of `zone` at `start` and each change of it within `AHEAD`, to the second.

    Raises:
        ValueError: `start` is naive.
    """
    second = int(utc(start).timestamp())
    end, known = second + int(AHEAD.total_seconds()), _offset(zone, second)
    found = [(second, known)]
    while second < end:
        following = second + _STEP
        if (offset := _offset(zone, following)) != known:
            found.append((_change(zone, second, following), offset))
            known = offset
        second = following
    return tuple(found)


def agree(before: Sequence[Sequence[int]], now: Offsets) -> bool:
    """Whether two tables say the same for the time that both speak of."""
    start, end = now[0][0], before[0][0] + int(AHEAD.total_seconds())
    times = {start, *(at for at, _ in (*before, *now) if start <= at < end)}
    return all(_at(before, at) == _at(now, at) for at in times)


def moved(at: datetime, before: Sequence[Sequence[int]], zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which `zone` now shows what it would have shown at `at` by the table `before` (rule 135).

    Raises:
        ValueError: `at` is naive.
    """
    at = utc(at)
    offset = _at(before, int(at.timestamp()))
    if offset == _offset(zone, int(at.timestamp())):  # unchanged, a time shown twice included
        return at
    wall = (at + timedelta(seconds=offset)).replace(tzinfo=None)
    return instant(wall.date(), wall.time(), zone)


def _at(table: Sequence[Sequence[int]], second: int) -> int:
    place = bisect_right([each[0] for each in table], second)
    return table[max(0, place - 1)][1]


def _change(zone: ZoneInfo, known: int, changed: int) -> int:
    before = _offset(zone, known)
    while changed - known > 1:
        middle = (known + changed) // 2
        known, changed = (middle, changed) if _offset(zone, middle) == before else (known, middle)
    return changed


def _offset(zone: ZoneInfo, second: int) -> int:
    offset = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
