"""What carries the hints to the workers: without it nobody tells them to look, and every text is late."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from worker import broker
from worker.reading.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_REDIS = (6, 2)
FULL, SKEW = 0.7, 1.0  # share of its memory; seconds
PATIENCE = 5.0  # seconds
AMQP = {"amqp": 5672, "pyamqp": 5672, "amqps": 5671}  # the default port of each scheme
HEADER, METHOD = b"AMQP\x00\x00\x09\x01", b"\x01"  # what AMQP 0-9-1 begins with, and the kind of frame that answers
MENDS = {
    "AuthenticationError": ("refuses us without the right password", "user and password"),
    "NoPermissionError": ("does not let this user ask how it is", "the user's rights: +info +time +llen, or the user"),
    "ResponseError": ("refuses what we ask", "the number of the database, at the end"),
    "InvalidResponse": ("speaks another protocol", "host and port: no Redis answers there"),
}
"""By the library's word for the trouble: what to say, and what in REDIS_URL to correct."""


def hints() -> Iterator[Finding]:
    """Redis, or RabbitMQ; of a third kind nobody knows whether it keeps what it is given."""
    scheme = settings.BROKER_URL.partition(":")[0]
    if broker.is_redis(settings.BROKER_URL):
        yield from _redis()
    elif scheme in AMQP:
        yield _rabbit()
    else:
        mend = "use redis://, rediss:// or amqp:// (docs/operate.md)"
        yield Finding("BROKER_URL", ok=False, says="neither Redis nor RabbitMQ", mend=mend)


def _rabbit() -> Finding:
    """Greeted, and not logged in: its own tools tell of users and queues."""
    try:
        answer = _greeted()
    except (OSError, ValueError) as error:
        mend = "start RabbitMQ, or mend BROKER_URL: host and port; STOPs and the desk need neither"
        says = f"does not answer ({type(error).__name__}): workers are not told to look"
        return Finding("BROKER_URL", ok=False, says=says, mend=mend)
    says = "RabbitMQ answers: its own tools tell of its queues (docs/operate.md)" if answer else "no RabbitMQ answers"
    return Finding("BROKER_URL", ok=answer, says=says, mend="mend BROKER_URL: host and port of RabbitMQ's AMQP")


def _greeted() -> bool:
    place = urlsplit(settings.BROKER_URL)
    host = place.hostname or "localhost"
    with socket.create_connection((host, place.port or AMQP[place.scheme]), timeout=PATIENCE) as line:
        secure = (
            ssl.create_default_context().wrap_socket(line, server_hostname=host) if place.scheme == "amqps" else line
        )
        secure.sendall(HEADER)
        return secure.recv(1) == METHOD


def _redis() -> Iterator[Finding]:
    """Does it answer, which version, may it forget, is it full, does its clock agree."""
    seen = broker.look()
    if seen is None:
        yield _silent()
        return
    recent = _version(seen.version) >= OLDEST_REDIS
    yield Finding("Redis", ok=recent, says=f"version {seen.version}", mend="use Redis 6.2 or Valkey 8, or newer")
    mend = "set maxmemory-policy noeviction in its configuration: what it throws away by itself is a hint that is lost"
    yield Finding("Redis policy", ok=seen.policy_ok, says=seen.policy, mend=mend, fix="redis_policy")
    share = seen.used_bytes / seen.limit_bytes if seen.limit_bytes else 0.0
    says = f"{share:.0%} of its memory is used" if seen.limit_bytes else "no limit of memory"
    yield Finding("Redis memory", ok=share < FULL, says=says, mend="give Aftercare a Redis of its own")
    says = "appends to a file" if seen.append_only else "keeps nothing over a restart: hints come anew each second"
    yield Finding("Redis persistence", ok=True, says=says)
    mend = "run a time service on both machines"
    yield Finding("Redis clock", ok=abs(seen.skew) <= SKEW, says=f"{seen.skew:+.2f} s from ours", mend=mend)


def _silent() -> Finding:
    """It does not run, does not answer, or answers that it won't."""
    if settings.BROKER_URL == settings.OWN_REDIS:
        return _our_own()
    says, part = MENDS.get(broker.trouble(), ("does not answer", ""))
    mend = f"correct in REDIS_URL {part}" if part else "start Redis, or mend REDIS_URL"
    mend += "; STOPs and the desk need neither"
    return Finding("Redis", ok=False, says=f"{says}: workers are not told to look", mend=mend)


def _our_own() -> Finding:
    if not broker.is_running():
        return Finding("Redis", ok=True, says="ours does not run: `aftercare up` starts it, and ends it again")
    mend = "end its process: `aftercare up` starts another, and nothing is lost with it"
    return Finding("Redis", ok=False, says="ours runs and does not answer: workers are not told to look", mend=mend)


def _version(said: str) -> tuple[int, ...]:
    return tuple(int(each) for each in said.split(".")[:2] if each.isdecimal())
