"""What several treatments ask of one client at once: contradictions, and what says the same less strictly (anchors C8).

Only steps that name their topics in the protocol are compared; two steps of one protocol were approved together.
What counts from a visit is compared like what counts from a treatment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import TYPE_CHECKING

from worker.rules.steps import Telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.rules.names import Channel
    from worker.rules.steps import Instruction


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One message that gives instructions: of which course, and counted from which session and local date.

    `session` is ("treatment", 5) or ("visit", 7), a visit being a session that is still to come.
    `due_on` is the local date on which it goes, or went; `is_open` while it can still be stopped.
    """

    message: int
    course: int
    session: tuple[str, int]
    counted_from: date
    due_on: date
    channel: Channel
    says: tuple[Instruction, ...]
    is_open: bool = True

    def days(self, said: Instruction) -> tuple[date, date]:
        """From when until when an instruction holds; the end is not included."""
        last = date.max if said.until_day is None else self.counted_from + timedelta(days=said.until_day)
        return self.counted_from + timedelta(days=said.from_day), last


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two messages of two courses: on the same day one asks to do what the other asks to avoid."""

    topic: str
    one: Told
    other: Told


def contradictions(told: Iterable[Told]) -> Iterator[Contradiction]:
    """Every contradiction in which at least one of the two can still be stopped; `one` has the lower session."""
    for one, other in combinations(sorted(told, key=lambda each: (each.session, each.message)), 2):
        if one.course == other.course or not (one.is_open or other.is_open):
            continue
        for mine in one.says:
            for yours in other.says:
                if mine.topic == yours.topic and mine.telling != yours.telling and _meet(one, mine, other, yours):
                    yield Contradiction(topic=mine.topic, one=one, other=other)


def _meet(one: Told, mine: Instruction, other: Told, yours: Instruction) -> bool:
    (begins, ends), (from_, until) = one.days(mine), other.days(yours)
    return begins < until and from_ < ends


def repeated(told: Iterable[Told]) -> frozenset[int]:
    """The open messages all of whose instructions another course's message gives on the same day, no less strictly."""
    waiting = [each for each in told if each.is_open and each.says]
    dropped: set[int] = set()
    for each in sorted(waiting, key=lambda each: each.message, reverse=True):
        others = (other for other in waiting if other.message not in dropped | {each.message})
        if any(_covers(other, each) for other in others):
            dropped.add(each.message)
    return frozenset(dropped)


def covers(wide: Told, narrow: Told) -> bool:
    """Whether `narrow` asks for nothing that `wide`, of another course, doesn't ask on that day no less strictly."""
    return bool(narrow.says) and _covers(wide, narrow)


def _covers(wide: Told, narrow: Told) -> bool:
    same = (wide.channel, wide.due_on) == (narrow.channel, narrow.due_on) and wide.course != narrow.course
    return same and all(any(_stricter(wide, mine, narrow, said) for mine in wide.says) for said in narrow.says)


def _stricter(wide: Told, mine: Instruction, narrow: Told, said: Instruction) -> bool:
    """To avoid something for longer is stricter, and to begin with something later."""
    if (mine.topic, mine.telling) != (said.topic, said.telling):
        return False
    (begins, ends), (from_, until) = wide.days(mine), narrow.days(said)
    return (begins <= from_ and ends >= until) if mine.telling is Telling.AVOID else begins >= from_
