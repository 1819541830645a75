"""The limits that all workers share, kept in Redis; without Redis each process keeps its own share of them (P11).

Redis may be emptied at any moment: every process tells it again what it remembers, with each question. One short script
does the whole step, so that no two workers ever see the same room. Names in Redis are opaque (P9).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from worker import clock
from worker.broker import PREFIX
from worker.rules import pace
from worker.rules.pace import Ask, News, State, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from worker.rules.pace import Limit

    Want = tuple[Sequence[str], int]

PATIENCE = 0.2  # seconds for each answer of Redis: a round of sending waits for it
AGAIN = 3.0  # seconds without Redis before it is asked again
LONGEST_TEXT = 3  # parts
SAFE = 10.0  # seconds beyond the longest call, after which a silent process's calls are surely over
SCRIPT = Path(__file__).with_suffix(".lua")
log = structlog.get_logger("aftercare.pace")


@dataclass(slots=True)
class _Flown:
    """What this process has to tell of one limit: calls under way, and what it has not told yet."""

    flying: int = 0
    answered: int = 0
    unused: int = 0

    def told(self, slow: float | None = None) -> News:
        news = News(self.flying, self.answered, self.unused, slow)
        self.answered = self.unused = 0
        return news


class Pace:
    """One process's way to the limits. `processes` says how many share them when Redis is away."""

    def __init__(self, url: str, *, longest_call: float, processes: Callable[[], int] = lambda: 1) -> None:
        """Nothing is connected to before the first question."""
        self._url, self._processes, self._longest_call = url, processes, longest_call
        self._me = secrets.token_hex(8)
        self._known: dict[str, State] = {}  # by limit, in seconds of clock.passing()
        self._flown: dict[str, _Flown] = {}
        self._uneasy: set[str] = set()  # limits that were told to rest, as far as we know
        self._script: Any = None
        self._ahead = 0.0  # Redis's clock minus ours
        self._away_until = 0.0

    def take(
        self, limits: Mapping[str, Limit], wants: Sequence[Want], *, slow: Mapping[str, float] | None = None
    ) -> list[Wait]:
        """Grant or put off each of `wants` (names of its limits, parts) in turn; never raises, waits PATIENCE at most.

        What is granted counts as under way until `landed` or `unused` says otherwise. `slow` names limits of which a
        provider said "too many", with its wish in seconds (0.0: none).
        """
        news = {name: self._of(name).told((slow or {}).get(name)) for name in limits}
        asks = [Ask(limit, self._known.setdefault(name, State()), 0, news[name]) for name, limit in limits.items()]
        places = {name: place for place, name in enumerate(limits)}
        numbered = [([places[name] for name in names], parts) for names, parts in wants]
        waits = self._shared(asks, numbered)
        if waits is None:
            waits = self._alone(asks, numbered)
        self._uneasy |= {ask.limit.name for ask in asks if ask.state.ramp}
        for (names, _), wait in zip(wants, waits, strict=True):
            for name in names:
                self._of(name).flying += not wait.seconds
        return waits

    def landed(self, names: Iterable[str], *, clear: bool) -> None:
        """One granted call is over; `clear` when the provider answered it in its right mind."""
        for name in names:
            self._of(name).flying -= 1
            self._of(name).answered += clear

    def unused(self, names: Iterable[str], parts: int) -> None:
        """One granted call was not made after all."""
        for name in names:
            self._of(name).flying -= 1
            self._of(name).unused += parts

    def allowance(self, limit: Limit) -> int | None:
        """How many messages may go at best, by what this process knows; None where nothing limits them."""
        state = self._known.get(limit.name, State())
        return pace.allowance(limit, state, self._of(limit.name).flying, clock.passing())

    def is_probing(self, name: str) -> bool:
        """True while calls begin again one by one after a rest."""
        return name in self._known and self._known[name].ramp > 0

    def is_uneasy(self) -> bool:
        """True while any limit that this process knows rests, or begins again after a rest."""
        now = clock.passing()
        self._uneasy = {name for name in self._uneasy if self._known[name].ramp or self._known[name].rest_until > now}
        return bool(self._uneasy)

    def _of(self, name: str) -> _Flown:
        return self._flown.setdefault(name, _Flown())

    def _alone(self, asks: Sequence[Ask], wants: list[tuple[list[int], int]]) -> list[Wait]:
        many = max(1, self._processes())
        shares = [replace(ask, limit=ask.limit.share(many)) for ask in asks]  # the very same states
        return pace.take(shares, wants, clock.passing())

    def _shared(self, asks: Sequence[Ask], wants: list[tuple[list[int], int]]) -> list[Wait] | None:
        """Ask Redis; None when it is away."""
        if not self._url or clock.running() < self._away_until:
            return None
        try:
            said = json.loads(self._ask(asks, wants))
        except Exception as error:  # noqa: BLE001 - whatever ails Redis, sending goes on at this process's own share
            self._missed(type(error).__name__)
            return None
        self._away_until = 0.0
        now, waits, reasons, states = said
        self._ahead = float(now) - clock.passing()
        for ask, state in zip(asks, states, strict=True):
            self._learn(ask.state, state)
        return [Wait(float(seconds), why) for seconds, why in zip(waits, reasons, strict=True)]

    def _missed(self, error: str) -> None:
        if not self._away_until:  # once, not each three seconds
            log.warning("limits_alone", error=error)
        self._away_until = clock.running() + AGAIN

    def _learn(self, known: State, told: list[Any]) -> None:
        known.full_at, known.rest_until = float(told[0]) - self._ahead, float(told[1]) - self._ahead
        known.step, known.ramp = float(told[2]), int(told[3])

    def _ask(self, asks: Sequence[Ask], wants: list[tuple[list[int], int]]) -> Any:
        names = [f"{PREFIX}{kind}:{ask.limit.name}" for ask in asks for kind in ("pace", "calls")]
        said = {**_FIXED, "me": self._me, "longest_call": self._longest_call + SAFE, "wants": wants}
        said["stepped"] = clock.offset()
        return self._line()(keys=names, args=[json.dumps(said | {"limits": [self._told(ask) for ask in asks]})])

    def _told(self, ask: Ask) -> dict[str, Any]:
        limit, state, news = ask.limit, ask.state, ask.news
        return {
            "interval": limit.interval, "burst": limit.burst, "calls": limit.calls, "flying": max(0, news.flying),
            "answered": news.answered, "unused": news.unused, **({} if news.slow is None else {"slow": news.slow}),
            "full_at": f"{state.full_at + self._ahead:.6f}", "rest_until": f"{state.rest_until + self._ahead:.6f}",
            "step": state.step, "ramp": state.ramp,
        }  # fmt: skip

    def _line(self) -> Any:
        if self._script is None:
            import redis  # late: whatever imports us comes up without it
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            line = redis.Redis.from_url(
                self._url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
            )
            self._script = line.register_script(SCRIPT.read_text(encoding="ascii"))
        return self._script


_FIXED = {
    "memory": pace.MEMORY, "first_rest": pace.FIRST_REST, "longest_rest": pace.LONGEST_REST,
    "longest_wish": pace.LONGEST_WISH, "wide_open": pace.WIDE_OPEN, "calls_wait": pace.CALLS_WAIT,
    "longest_text": LONGEST_TEXT,
}  # fmt: skip
