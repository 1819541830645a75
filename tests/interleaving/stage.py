"""A stage on which threads with real connections move one step at a time, in an order that the test decides.

A step goes from one point to the next: before every statement, before every commit and after it. Nothing of the
product knows: the points are hung into Django's connection and psycopg's cursor. An actor that has to wait for
another's lock is found out by asking the database (PostgreSQL) or by being told so (SQLite, with its patience taken
away), never by waiting for a while. Time stands still unless the test moves it.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import OperationalError, connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

GLANCE = 0.003  # seconds after which an actor that has not arrived is asked about, then twice as many; decides nothing
SELDOM = 0.05  # seconds between two such questions at most: on a busy machine they cost as much as the steps
PATIENCE = 60.0
IDLE, PAUSED, RUNNING, BLOCKED = "idle", "paused", "running", "blocked"
COMMIT, COMMITTED, ROLLBACK = "commit", "committed", "rollback"
_here = threading.local()


class Stuck(AssertionError):
    """Nobody can move, or somebody never came back."""


@dataclass(slots=True)
class Clock:
    """Running seconds: they pass only when `pass_` is called. `since` counts from the last `reset`."""

    running: float = 1000.0
    began: float = 1000.0

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.running += seconds

    def reset(self) -> None:
        """Begin a new play, well after everything that the last one waited for."""
        self.running += 100.0
        self.began = self.running

    @property
    def since(self) -> float:
        """Seconds in this play."""
        return self.running - self.began


@dataclass(slots=True)
class Transaction:
    """The step and the time at which an actor stood before its first statement."""

    step: int
    at: float


class Actor:
    """A thread with a connection of its own."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name, self.state, self.point = stage, name, IDLE, ""
        self.work: Callable[[], Any] | None = None
        self.error: BaseException | None = None
        self.transaction: Transaction | None = None
        self.backend = 0
        self._go: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def begin(self, work: Callable[[], Any]) -> None:
        """Stand before the first step of `work`."""
        self.work, self.error, self.transaction, self.state = work, None, None, PAUSED
        self.point = "begin"

    def go(self) -> None:
        """Take one step."""
        self.state = RUNNING
        self._go.put(True)

    def leave(self) -> None:
        """End the thread."""
        self._go.put(False)
        self.thread.join(PATIENCE)

    def pause(self, point: str, state: str = PAUSED) -> None:
        """Called on the actor's own thread: wait until it is told to go on."""
        self.stage.news.put((self, point, state))
        self._go.get()

    def before(self, statement: str, *, inside: bool) -> None:
        """Stand before a statement."""
        if self.transaction is None and (inside or statement.startswith("BEGIN")):
            self.transaction = Transaction(len(self.stage.played), self.stage.clock.running)
        self.pause(statement)

    def _run(self) -> None:
        _here.actor = self
        try:
            with _hung_in(self):
                while self._go.get():
                    try:
                        assert self.work is not None
                        self.work()
                    except BaseException as error:
                        self.error = error
                    self.stage.news.put((self, "", IDLE))
        finally:
            connection.close()
            self.stage.farewell()


@dataclass(slots=True)
class Stage:
    """The actors, the clock, and what was played so far."""

    clock: Clock = field(default_factory=Clock)
    actors: dict[str, Actor] = field(default_factory=dict)
    news: queue.SimpleQueue[tuple[Actor, str, str]] = field(default_factory=queue.SimpleQueue)
    played: list[tuple[str, str]] = field(default_factory=list)
    deadlocks: int = 0
    after_commit: Callable[[Actor, int], None] = lambda _actor, _step: None
    farewell: Callable[[], None] = lambda: None  # on the thread of each actor that leaves

    def actor(self, name: str) -> Actor:
        """The actor of that name; hired when new."""
        if name not in self.actors:
            self.actors[name] = Actor(self, name)
        return self.actors[name]

    def play(
        self, works: dict[str, Callable[[], Any]], choose: Callable[[list[Actor]], Actor]
    ) -> dict[str, BaseException]:
        """Play all works to their end; before every step `choose` is given the actors that can move.

        Returns what they raised, by name. Raises Stuck.
        """
        self.played, self.deadlocks = [], 0
        cast = [self.actor(name) for name in works]
        for actor in cast:
            actor.begin(works[actor.name])
        while any(actor.state != IDLE for actor in cast):
            free = [actor for actor in cast if actor.state == PAUSED]
            if free:
                self._step(choose(free))
            else:
                self._untangle(cast)
            if self.played[-1][1] in (COMMIT, ROLLBACK) or not free:  # only then is a lock let go
                self._look_at(cast)
        return {actor.name: actor.error for actor in cast if actor.error is not None}

    def _step(self, actor: Actor) -> None:
        point = actor.point
        self.played.append((actor.name, point))
        actor.go()
        self._await(actor)
        if point in (COMMIT, ROLLBACK):
            actor.transaction, before = None, actor.transaction
            self._freed()
            if point == COMMIT and before is not None:
                actor.transaction = before  # for those who look; gone at the next statement
                self.after_commit(actor, len(self.played) - 1)
                actor.transaction = None

    def _await(self, actor: Actor) -> None:
        waited, glance = 0.0, GLANCE
        while actor.state == RUNNING:
            if self._hear(glance):
                continue
            waited, glance = waited + glance, min(2 * glance, SELDOM)
            if _waits_for_lock(actor):
                actor.state = BLOCKED
            elif waited > PATIENCE:
                raise Stuck(f"{actor.name} never came back from {actor.point}")

    def _hear(self, seconds: float) -> bool:
        """Take in where somebody has arrived; only here is an actor's state changed by its own news."""
        try:
            actor, point, state = self.news.get(timeout=seconds) if seconds else self.news.get_nowait()
        except queue.Empty:
            return False
        actor.point, actor.state = point or actor.point, state
        return True

    def _look_at(self, cast: Iterable[Actor]) -> None:
        """Whoever got the lock meanwhile runs on by itself; wait for it, so that the next choice is a free one."""
        for actor in cast:
            if actor.state == BLOCKED and connection.vendor == "postgresql" and not _waits_for_lock(actor):
                actor.state = RUNNING
                self._await(actor)

    def _freed(self) -> None:
        """SQLite: whoever was told to wait may ask again."""
        if connection.vendor == "sqlite":
            for actor in self.actors.values():
                actor.state = PAUSED if actor.state == BLOCKED else actor.state

    def _untangle(self, cast: list[Actor]) -> None:
        """All wait for each other: note it, and let the database's own deadlock check end one of them."""
        self.deadlocks += 1
        blocked = [actor for actor in cast if actor.state == BLOCKED]
        if connection.vendor != "postgresql":
            raise Stuck(f"all wait for each other: {[(actor.name, actor.point) for actor in blocked]}")
        if not self._hear(PATIENCE):
            raise Stuck("the database did not end the deadlock")

    def close(self) -> None:
        """Send everybody home."""
        for actor in self.actors.values():
            actor.leave()


def _waits_for_lock(actor: Actor) -> bool:
    if not actor.backend:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [actor.backend])
        return bool(cursor.fetchone()[0])


@contextmanager
def _hung_in(actor: Actor) -> Iterator[None]:
    """The points of one actor's connection."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        actor.backend = connection.connection.info.backend_pid
    else:
        known = connection.settings_dict  # our own backend sets the time to wait anew with each transaction
        connection.settings_dict = {**known, "OPTIONS": {**known.get("OPTIONS", {}), "timeout": 0}}
        connection.connection.execute("PRAGMA busy_timeout = 0")
        connection.connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    commit, rollback = connection.commit, connection.rollback

    def pausing_commit() -> None:
        actor.pause(COMMIT)
        commit()
        actor.pause(COMMITTED)

    def pausing_rollback() -> None:
        actor.pause(ROLLBACK)
        rollback()

    connection.commit, connection.rollback = pausing_commit, pausing_rollback
    if connection.vendor == "sqlite":
        connection.execute_wrappers.append(_sqlite_statement)
    yield


def _sqlite_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    actor: Actor = _here.actor
    actor.before(sql, inside=connection.in_atomic_block)
    while True:
        try:
            return execute(sql, params, many, context)
        except OperationalError as error:
            if "locked" not in str(error):
                raise
            actor.pause(sql, BLOCKED)  # as its busy handler would: asked again once somebody has committed


@contextmanager
def psycopg_statements() -> Iterator[None]:
    """The point before every statement on PostgreSQL, Django's and the hot path's own."""
    execute = psycopg.Cursor.execute

    def pausing(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        actor: Actor | None = getattr(_here, "actor", None)
        if actor is not None and actor.backend:
            actor.before(str(query), inside=connection.in_atomic_block)
        return execute(self, query, *args, **kwargs)

    psycopg.Cursor.execute = pausing  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
