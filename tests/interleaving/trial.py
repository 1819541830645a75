"""One schedule after the other: a few people, the workers and a revocation, and what a witness says of it (P2).

What is found is said in words; an empty list is an acquittal. The witness reads the database through a connection of
its own after every commit, so that it knows the very step at which a decision became one.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from tests.interleaving import ledger, people, wire
from tests.interleaving.stage import Actor, Clock, Stage, Stuck
from worker import clock
from worker.actions.consent.hold import resume
from worker.actions.receive.follow_up import finish_stops
from worker.models.attempt import AttemptState
from worker.models.hold import PauseScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.interleaving.people import Crowd, Person

BOUND = 1.0
SETTLED = {"accepted", "cancelled", "withheld", "held", "missed", "refused"}
WHILE = timedelta(minutes=5)  # what was put off for longer than this was put off for a reason
WORKER, OTHER, REVOCATION, TICK = "worker", "other worker", "revocation", "tick"
BEAT, OTHER_BEAT = "beat", "other beat"


@dataclass(frozen=True, slots=True)
class Decided:
    """An attempt, and the steps and the time of the transaction that made it."""

    message: int
    course: bool
    began: int
    at: float
    committed: int


@dataclass
class Trial:
    """The stage with its crowd. Each schedule takes people of its own."""

    crowd: Crowd
    clock: Clock
    schedules: int = 0
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(self.clock, after_commit=self._look, farewell=wire.close_loop)
        self._next = itertools.count(1)
        self._calls = itertools.count(1)
        self._carriers = {name: wire.channel(self._byte) for name in (WORKER, OTHER, "afterwards")}
        self._family: list[Person] = []
        self._decided: dict[str, Decided] = {}
        self._bytes: list[tuple[str, float]] = []

    def run(
        self,
        revoke: Callable[[Person], None],
        choose: Callable[[Stage], Callable[[list[Actor]], Actor]],
        *,
        size: int = 1,
        shared: int = 0,
        cast: Sequence[str] = (WORKER, REVOCATION),
    ) -> int:
        """Play one schedule; how many steps it had. What was wrong with it is added to `found`."""
        self._people(size, shared)
        deeds: dict[str, Callable[[], Any]] = {
            WORKER: people.worker(self._carriers[WORKER]),
            OTHER: people.worker(self._carriers[OTHER]),
            BEAT: people.beat,
            OTHER_BEAT: people.beat,
            REVOCATION: lambda: revoke(self._family[0]),
        }
        wrong: list[str] = []
        try:
            broke = self.stage.play({name: deeds[name] for name in cast}, choose(self.stage))
            wrong += [f"the {name} broke: {error!r}" for name, error in broke.items()]
        except Stuck as stuck:
            wrong.append(f"stuck: {stuck}")
        wrong += self._judge(revoke, shared)
        self.schedules += 1
        if wrong:
            self.found += [f"{each}; {self._told()}" for each in wrong]
        return len(self.stage.played)

    def _people(self, size: int, shared: int) -> None:
        self.clock.reset()
        self._decided, self._bytes = {}, []
        self._family = [self.crowd.person(next(self._next)) for _ in range(size)]
        with transaction.atomic():
            for who in self._family[1 : shared + 1]:
                who.shares_the_phone_of(self._family[0])
            for who in self._family:
                who.is_due()

    def _standings(self) -> list[int]:
        return [who.number for who in self._family]

    def _look(self, actor: Actor, step: int) -> None:
        """Note which attempts this commit has made."""
        for attempt, message, cls, _ in ledger.attempts_of(standings=self._standings()):
            if attempt not in self._decided and actor.transaction is not None:
                began = actor.transaction
                self._decided[attempt] = Decided(message, cls == "course", began.step, began.at, step)

    def _byte(self, attempt: str) -> int:
        self._bytes.append((attempt, self.clock.running))
        return next(self._calls)

    def _judge(self, revoke: Callable[[Person], None], shared: int) -> Iterator[str]:
        if self.stage.deadlocks:
            yield "a deadlock"
        for attempt, at in self._bytes:
            if attempt not in self._decided:
                yield "a first byte before its decision was committed"
            elif at - self._decided[attempt].at > BOUND:
                yield f"a first byte {at - self._decided[attempt].at:.2f} s after its decision began"
        scope = self._scope(revoke, shared)
        yield from self._after_the_end(revoke, scope)
        yield from self._afterwards(scope)

    def _scope(self, revoke: Callable[[Person], None], shared: int) -> set[int]:
        """Whose texts the revocation is about: her own, all of that phone, or the whole clinic's."""
        if revoke is people.by_preference:
            return {self._family[0].number}
        return {who.number for who in (self._family if revoke is people.by_pause else self._family[: shared + 1])}

    def _after_the_end(self, revoke: Callable[[Person], None], scope: set[int]) -> Iterator[str]:
        commits = [
            step for step, (name, point) in enumerate(self.stage.played) if (name, point) == (REVOCATION, "commit")
        ]
        if not commits:
            yield "a revocation that never committed"
            return
        paused = revoke is people.by_pause
        for each in self._decided.values():
            if each.course and each.message in scope:
                # The switch is read, not locked: what began to be decided before it may be committed after (rule 144).
                decided = each.began if paused else each.committed
                # Of a text the first commit obeys, and what follows from it comes in others: the first one is the end.
                if decided > commits[0]:
                    yield f"decided at step {decided}, after the revocation's commit at {commits[0]}"

    def _afterwards(self, scope: set[int]) -> Iterator[str]:
        """Let a worker do what is left; then everything has ended, and what was revoked has not gone."""
        before = len(self._bytes)
        for _ in range(3):
            finish_stops(now=clock.now())  # as a worker's round does; else the next schedule would follow it up
            ids = self._messages()
            if not ledger.any_ready(ids):
                break
            self.clock.pass_(40.0)
            people.drift(ids)
            people.worker(self._carriers["afterwards"])()
        ids = self._messages()  # her STOP's confirmation may have been planned only now
        gone = {attempt for attempt, _ in self._bytes[before:]}
        attempts = {attempt: rest for attempt, *rest in ledger.attempts_of(messages=ids)}
        if any(state == AttemptState.SENDING for _, _, state in attempts.values()):
            yield "an attempt without an end"
        if any(attempts[each][1] == "course" and attempts[each][0] in scope for each in gone):
            yield "sent in the next shift, after the revocation"
        calls = [attempts[attempt][0] for attempt, _ in self._bytes]
        if len(calls) != len(set(calls)):
            yield "called twice"
        yield from self._states(ids)
        self._clear(ids)

    def _messages(self) -> list[int]:
        return ledger.messages_of(self._standings())

    def _clear(self, ids: list[int]) -> None:
        """The next schedule meets nobody of this one."""
        for scope, value in ledger.open_pauses():
            resume(scope=PauseScope(scope), value=value, by="sam@lakeside.example", now=clock.now())
        ledger.put_away(ids)

    def _states(self, ids: list[int]) -> Iterator[str]:
        told = ledger.decisions_of(ids)
        waiting = clock.now() + WHILE
        for pk, state, reason, due_at in ledger.states_of(ids):
            put_off = state == "planned" and reason and due_at > waiting
            if state not in SETTLED and not put_off:
                yield f"a message is left {state}"
            elif pk not in told and pk in self._standings():
                yield f"no decision on record of a message that is {state}"

    def _told(self) -> str:
        return " | ".join(f"{name[:1]}:{point[:46]}" for name, point in self.stage.played)


def in_turns(*turns: tuple[str, float]) -> Callable[[Stage], Callable[[list[Actor]], Actor]]:
    """So many steps of one actor, then of the next; (TICK, seconds) lets time pass. The rest goes in this order."""

    def choose(stage: Stage) -> Callable[[list[Actor]], Actor]:
        plan = [list(turn) for turn in turns]

        def next_one(free: list[Actor]) -> Actor:
            while plan:
                name, left = plan[0]
                found = next((actor for actor in free if actor.name == name), None)
                if name == TICK:
                    stage.clock.pass_(float(left))
                elif found is not None and float(left) > 0:
                    plan[0][1] = float(left) - 1
                    return found
                plan.pop(0)
            return free[0]

        return next_one

    return choose


def by_lot(seed: int, *, ticks: float = 0.02) -> Callable[[Stage], Callable[[list[Actor]], Actor]]:
    """As the dice say: mostly the same actor for a while, sometimes a moment in which nobody moves."""

    def choose(stage: Stage) -> Callable[[list[Actor]], Actor]:
        dice = random.Random(seed)
        last: list[Actor] = []

        def next_one(free: list[Actor]) -> Actor:
            if dice.random() < ticks:
                stage.clock.pass_(dice.choice((0.3, 0.6, 1.1)))
            if last and last[0] in free and dice.random() < 0.75:
                return last[0]
            last[:] = [dice.choice(free)]
            return last[0]

        return next_one

    return choose
