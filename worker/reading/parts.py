"""The parts as they stand, looked at once for all who tell of them: who lives, and whether Redis answers."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from worker import broker
from worker.reading.engine import Engine, engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`broker` is None while Redis does not answer, and where the hints go `by_redis` no more but by another."""

    engine: Engine
    broker: broker.Broker | None
    by_redis: bool

    @property
    def redis_is_away(self) -> bool:
        """Nobody is told to look; another broker's own tools tell of it."""
        return self.by_redis and self.broker is None

    @property
    def unserved(self) -> tuple[str, ...]:
        """The queues that no living process takes from."""
        return tuple(queue for queue, many in self.engine.consumers.items() if not many)


def parts() -> Parts:
    """Ask the database, and Redis for a third of a second an answer."""
    return Parts(engine=engine(), broker=broker.look(), by_redis=broker.is_redis(settings.BROKER_URL))
