"""How fast a sender and an account may be called: rates, calls in flight, and the rest after "too many" (rules 84, 85).

One step, `take`: hear what became of earlier calls, then grant or put off each message of a batch. It runs in Redis
for all workers together (worker/pace.lua says the same, line by line, and a test holds the two against each other), and
here for one process alone when Redis is away. All moments are seconds of one clock, whichever the caller has.

Rates are counted by GCRA, the leaky bucket as a meter: `full_at` is when all that was granted will have drained. What
starts a grant is one free part; a longer text goes into debt for its other parts, or short ones would overtake it for
ever. So within any T seconds at most `T / interval + burst + (parts of one text - 1)` parts are granted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CALLS_WAIT = 0.25  # seconds: a call that is under way ends any moment
FIRST_REST, LONGEST_REST = 1.0, 30.0  # seconds of rest after "too many", doubled while they follow each other
MEMORY = 60.0  # seconds after a rest in which another "too many" counts as the next of a row
LONGEST_WISH = 900.0  # seconds: no provider's Retry-After closes a sender for longer without being asked again
WIDE_OPEN = 64  # calls in flight at which the slow start after a rest is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit: seconds between two parts (0: no rate), parts at once, calls in flight (0: no limit)."""

    name: str
    interval: float = 0.0
    burst: float = 1.0
    calls: int = 0

    def share(self, processes: int) -> Limit:
        """What one of so many processes may take by itself; together they stay at the whole."""
        return Limit(
            name=self.name, interval=self.interval * processes, burst=max(1.0, self.burst / processes),
            calls=max(1, self.calls // processes) if self.calls else 0,
        )  # fmt: skip


@dataclass(slots=True)
class State:
    """Where a limit stands: drained at, resting until, the last rest's length, calls allowed in flight (0: all)."""

    full_at: float = 0.0
    rest_until: float = 0.0
    step: float = 0.0
    ramp: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What one process tells of a limit since it last asked.

    `flying` calls are under way, `answered` got a clear answer, `unused` parts were granted and not sent; `slow` is the
    provider's wish in seconds after a "too many" (0.0: it named none), None while there was none.
    """

    flying: int = 0
    answered: int = 0
    unused: int = 0
    slow: float | None = None


@dataclass(slots=True)
class Ask:
    """One limit, where it stands, the calls of other processes, and the news of this one."""

    limit: Limit
    state: State = field(default_factory=State)
    others: int = 0
    news: News = field(default_factory=News)


@dataclass(frozen=True, slots=True)
class Wait:
    """Zero seconds: it may go. Else it is put off, and `why` is "rate", "calls" or "rest"."""

    seconds: float = 0.0
    why: str = ""


def take(asks: Sequence[Ask], wants: Iterable[tuple[Sequence[int], int]], now: float) -> list[Wait]:
    """Grant or put off messages in their order; each is the places of its limits among `asks`, and its parts.

    Changes the states. Nothing of a message that is put off is counted; those behind it on the same limit wait longer
    each, so that they don't all come back at once.
    """
    for ask in asks:
        hear(ask.limit, ask.state, ask.news, now)
    line = [_Line(ask, now) for ask in asks]
    return [_one([line[place] for place in places], parts) for places, parts in wants]


def hear(limit: Limit, state: State, news: News, now: float) -> None:
    """Bring a state up to date with the news."""
    state.full_at -= news.unused * limit.interval
    if news.slow is not None:
        _rest(state, min(news.slow, LONGEST_WISH), now)
    elif state.ramp and news.answered and now >= state.rest_until:
        state.ramp += news.answered
        if state.ramp >= (limit.calls or WIDE_OPEN):
            state.ramp = 0


def _rest(state: State, wish: float, now: float) -> None:
    """Rest, twice as long as last time; several "too many" of one moment are one. Then a single call probes."""
    if now >= state.rest_until:
        again = now <= state.rest_until + MEMORY
        state.step = min(max(FIRST_REST, state.step * 2 if again else 0.0), LONGEST_REST)
        wish = max(wish, state.step)
    state.rest_until = max(state.rest_until, now + wish)
    state.ramp = 1


class _Line:
    """The queue before one limit, within one batch."""

    def __init__(self, ask: Ask, now: float) -> None:
        self._ask, self._now = ask, now
        self._end = ask.state.full_at  # when all that was granted, and put off, will have drained
        self._flying = ask.others + ask.news.flying

    def wait(self) -> Wait:
        limit, state = self._ask.limit, self._ask.state
        if state.rest_until > self._now:
            return Wait(state.rest_until - self._now, "rest")
        free = self._end - (limit.burst - 1) * limit.interval - self._now
        if limit.interval and free > 0:
            return Wait(free, "rate")
        allowed = min(limit.calls or self._flying + 1, state.ramp or self._flying + 1)
        return Wait(CALLS_WAIT, "calls") if self._flying >= allowed else Wait()

    def grant(self, parts: int) -> None:
        self._flying += 1
        self._end = self._ask.state.full_at = max(self._end, self._now) + parts * self._ask.limit.interval

    def put_off(self, parts: int) -> None:
        self._end = max(self._end, self._now) + parts * self._ask.limit.interval


def _one(lines: Sequence[_Line], parts: int) -> Wait:
    waits = [line.wait() for line in lines]
    longest = max(waits, key=lambda wait: wait.seconds, default=Wait())
    for line, wait in zip(lines, waits, strict=True):
        if not longest.seconds:
            line.grant(parts)
        elif wait.seconds:
            line.put_off(parts)
    return longest


def allowance(limit: Limit, state: State, flying: int, now: float) -> int | None:
    """How many messages may go at best, by what one process knows; None where nothing limits them."""
    if state.rest_until > now:
        return 0
    most: list[int] = []
    if limit.interval:
        free = now + (limit.burst - 1) * limit.interval - state.full_at
        most.append(0 if free < 0 else int(min(free / limit.interval, limit.burst - 1)) + 1)
    if cap := min(filter(None, (limit.calls, state.ramp)), default=0):
        most.append(max(0, cap - flying))
    return min(most, default=None)
