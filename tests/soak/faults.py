"""What goes wrong and when, as data: the same seed gives the same stream, whatever the machine makes of it."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

A_SECOND, A_SECOND_AT_LENGTH, AT_LENGTH = 1.4, 0.8, 120.0  # faults; seconds from which a storm is long


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when (seconds from the beginning), what, whom it strikes, and its particulars."""

    at: float
    kind: str
    whom: str
    more: dict[str, Any] = field(default_factory=dict)


KILLS = frozenset(
    {"kill child", "kill worker", "kill orphaning", "kill beat", "kill web", "kill redis", "kill postgres"}
)
NEED_POSTGRES = frozenset({"kill postgres", "restart postgres"})
WORKERS = ("worker-1", "worker-2")
LINES = ("database", "provider", "redis", "web", "mail")
WEIGHTS = {
    "kill child": 46, "kill worker": 5, "kill orphaning": 3, "kill beat": 4, "kill web": 3, "kill redis": 2,
    "kill postgres": 1, "flush redis": 3, "restart postgres": 1.5, "cut": 6, "mute": 2, "freeze": 9, "weather": 10,
    "outage": 1, "wrong clock": 1.5, "full log": 0.5,
}  # fmt: skip
FAIR = {"latency_ms": 40}
PAUSES = (0.3, 1.2, 2.5, 5.0, 20.0)  # seconds; the last is longer than a lease
SKEWS = (-3600, -90, -45, -20, 20, 45, 90, 3600)  # seconds; beyond a minute nothing may be sent (rule 140)
MILD = {"count": 6}
SKIES: tuple[dict[str, Any], ...] = (
    {"latency_ms": 400},
    {"api": [{"kind": "429", **MILD, "retry_after": 1}]},
    {"api": [{"kind": "500", **MILD}]},
    {"api": [{"kind": "503", **MILD, "accepted": True}]},
    {"api": [{"kind": "drop", **MILD}]},
    {"api": [{"kind": "refuse", "chance": 0.1}]},
    {"api": [{"kind": "500", "on": "read", **MILD}]},
    {"callbacks": {"missing": 0.3}},
    {"callbacks": {"copies": 3, "reversed": True}},
    {"callbacks": {"before_answer": True}},
    {"callbacks": {"delay_ms": 1500, "copies": 2}},
    {"inbound": {"lose": 2}},
    {"inbound": {"copies": 3}},
    {"handsets": {"*": {"status": "undelivered", "error_code": 30003}}},
    {"smtp": [{"stage": "data", **MILD}]},
    {"smtp": [{"stage": "drop", **MILD}]},
    {"smtp": [{"stage": "connect", **MILD}]},
    {"smtp": [{"stage": "rcpt", **MILD, "reply": "450 4.2.1 Mailbox busy"}]},
    {},
)


def stream(seed: int, seconds: float, *, postgres: bool) -> list[Fault]:
    """The faults of a run of so many seconds, in their order; a long one leaves more time for work between them."""
    rate = A_SECOND_AT_LENGTH if seconds >= AT_LENGTH else A_SECOND
    return list(_stream(random.Random(seed), seconds, postgres=postgres, rate=rate))


def _stream(dice: random.Random, seconds: float, *, postgres: bool, rate: float) -> Iterator[Fault]:
    kinds = [kind for kind in WEIGHTS if postgres or kind not in NEED_POSTGRES]
    weights = [WEIGHTS[kind] for kind in kinds]
    rare = dice.sample(kinds, len(kinds))  # every second fault until each has come once: a short storm has all in it
    at = dice.expovariate(rate)
    for number in itertools.count():
        if at >= seconds:
            break
        kind = rare.pop() if rare and number % 2 else dice.choices(kinds, weights)[0]
        whom, more = _particulars(dice, kind, postgres=postgres)
        yield Fault(round(at, 3), kind, whom, more)
        at += dice.expovariate(rate)


def _particulars(dice: random.Random, kind: str, *, postgres: bool) -> tuple[str, dict[str, Any]]:
    lines = LINES if postgres else LINES[1:]
    drawn: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
        "kill child": lambda: (dice.choice(WORKERS), {"which": dice.randrange(8)}),
        "kill worker": lambda: (dice.choice(WORKERS), {}),
        "kill orphaning": lambda: (dice.choice(WORKERS), {}),
        "kill beat": lambda: (dice.choice(("beat-1", "beat-2")), {}),
        "kill web": lambda: ("web", {"child": dice.random() < 0.7}),
        "kill postgres": lambda: ("postgres", {"which": dice.randrange(16)}),
        "restart postgres": lambda: ("postgres", {"mode": dice.choice(("fast", "immediate"))}),
        "cut": lambda: (dice.choice(lines), {}),
        "mute": lambda: (dice.choice(lines), {"seconds": round(dice.uniform(0.5, 3.0), 2)}),
        "freeze": lambda: _freeze(dice, postgres=postgres),
        "wrong clock": lambda: (
            dice.choice(WORKERS),
            {"skew": dice.choice(SKEWS), "seconds": round(dice.uniform(2, 15), 2)},
        ),
        "weather": lambda: ("provider", {"sky": dice.choice(SKIES), "seconds": round(dice.uniform(1, 5), 2)}),
        "outage": lambda: ("provider", {"seconds": round(dice.uniform(1, 5), 2)}),
        "full log": lambda: (dice.choice(WORKERS), {}),
    }
    return drawn[kind]() if kind in drawn else ("redis", {})


def _freeze(dice: random.Random, *, postgres: bool) -> tuple[str, dict[str, Any]]:
    stores = ("redis", "postgres") if postgres else ("redis",)
    whom = dice.choice((*WORKERS, *WORKERS, "beat-1", "web", *stores))
    pauses = PAUSES[:-1] if whom in stores else PAUSES  # whoever waits for a store would wait as long
    return whom, {"seconds": dice.choice(pauses), "which": dice.randrange(16)}
