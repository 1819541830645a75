"""Redis, asked from outside Celery: does it answer, how long are the queues, may it forget. Nothing here needs it.

The web part shows what it hears, and goes on without it (P11); it publishes nothing and waits a third of a second.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from worker import clock

if TYPE_CHECKING:
    from collections.abc import Iterable

QUEUES = ("sms", "email", "tend")
PREFIX = "aftercare:"  # Celery's global_keyprefix
PATIENCE = 0.3  # seconds for the connection, and for each answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """What Redis said; ages and sizes in seconds and bytes. `skew` is its clock minus ours."""

    version: str
    seconds: float
    depth: dict[str, int]
    policy: str
    append_only: bool
    used_bytes: int
    limit_bytes: int
    skew: float
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def policy_ok(self) -> bool:
        """True when it never throws anything away by itself; one eviction can take a whole queue."""
        return self.policy == "noeviction"


def look() -> Broker | None:
    """Ask the broker of the settings; None when it does not answer in time, or is no Redis."""
    if not is_redis(settings.BROKER_URL):
        return None
    seen = _tried()
    return seen if isinstance(seen, Broker) else None


def trouble() -> str:
    """Why the Redis of the settings can't be asked, as its library calls it: AuthenticationError; "" when it can."""
    seen = _tried()
    return "" if isinstance(seen, Broker) else type(seen).__name__


def _tried() -> Broker | Exception:
    import redis  # late: the web part comes up without it
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    line = redis.Redis.from_url(
        plain_url(settings.BROKER_URL),
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),  # the library's own three tries would take seconds
    )
    try:
        with line:
            return _asked(line)
    except (redis.RedisError, OSError, ValueError) as error:
        return error


def is_running() -> bool:
    """True when something holds the broker's socket, whether it answers or not: a frozen server still does."""
    place = urlsplit(plain_url(settings.BROKER_URL))
    try:
        if place.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(PATIENCE)
                line.connect(place.path)
        else:
            socket.create_connection((place.hostname or "", place.port or 6379), PATIENCE).close()
    except (BlockingIOError, TimeoutError):
        return True  # its queue of callers is full
    except OSError:
        return False
    return True


def purge(queues: Iterable[str] = QUEUES) -> dict[str, int]:
    """Throw away what waits in these queues, and say how many hints that was. The rows of the database stay due.

    Raises ConnectionError when Redis does not answer.
    """
    import redis

    line = redis.Redis.from_url(plain_url(settings.BROKER_URL), socket_timeout=5, socket_connect_timeout=2)
    try:
        with line, line.pipeline(transaction=True) as pipe:
            names = list(queues)
            for name in names:
                pipe.llen(PREFIX + name)
                pipe.delete(PREFIX + name)
            return dict(zip(names, pipe.execute()[::2], strict=True))
    except redis.RedisError as error:
        raise ConnectionError(type(error).__name__) from None


def keep_everything() -> None:
    """Tell Redis to evict nothing, until its next start. Raises ConnectionError when it does not, or may not."""
    import redis

    try:
        with redis.Redis.from_url(plain_url(settings.BROKER_URL), socket_timeout=5, socket_connect_timeout=2) as line:
            line.config_set("maxmemory-policy", "noeviction")
    except redis.RedisError as error:
        raise ConnectionError(type(error).__name__) from None


def is_redis(url: str) -> bool:
    """False for RabbitMQ and others, whose own tools tell of their queues."""
    return url.partition(":")[0] in {"redis", "rediss", "redis+socket", "unix"}


def plain_url(url: str) -> str:
    """The URL as the redis library reads it; kombu writes a socket's as redis+socket://."""
    return url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=")


def _asked(line: Any) -> Broker:
    began = time.monotonic()
    line.ping()
    seconds = time.monotonic() - began
    there = line.time()
    skew = there[0] + there[1] / 1e6 - clock.machine().timestamp()
    info = line.info()
    return Broker(
        version=str(info.get("valkey_version") or info.get("redis_version", "?")),
        seconds=seconds,
        depth={name: int(line.llen(PREFIX + name)) for name in QUEUES},
        policy=str(info.get("maxmemory_policy", "?")),
        append_only=bool(info.get("aof_enabled")),
        used_bytes=int(info.get("used_memory", 0)),
        limit_bytes=int(info.get("maxmemory", 0)),
        skew=skew,
    )
