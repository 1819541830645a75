"""When an outcome that nobody knows may be called absent, and what follows then (P4, rule 80). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.rules.names import MessageClass, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

EARLY, LATE = timedelta(minutes=2), timedelta(minutes=15)
"""How far a provider's own moment of creation may lie before our decision, and after it."""
NOT_PROVED = timedelta(minutes=30)
"""So long the end of a worker is waited for; after it a person decides."""
NOT_READ = timedelta(hours=6)
"""So long a list that can't be read is asked for again; after it a person decides."""
NO_LIST = timedelta(minutes=10)
"""So long a channel without a list (SMTP) is left to bounces and events; after it a person decides."""
BETWEEN = timedelta(minutes=1)


class Ended(StrEnum):
    """How a doubt ends without a sign of the message; each is a reason that people read."""

    ABSENT = "proved_absent"  # it never left: planned again, once, through all gates
    REMINDER = "absent_but_a_reminder"  # twice is worse than one that a person makes good (rule 80); an offer too
    TWICE = "absent_for_the_second_time"
    WRITER = "its_worker_may_live"
    UNREADABLE = "list_not_readable"
    NO_LIST = "no_list_to_ask"  # SMTP keeps none: never repeated blindly (rule 119)
    NO_ADDRESS = "no_address_to_ask_for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a provider's list must show for one attempt. `decided_at` is calendar time, aware UTC."""

    body_sha256: str
    decided_at: datetime
    senders: Collection[str]
    taken: Collection[str] = ()  # ids at the provider that other attempts have already


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One text as the provider lists it; `at` is aware UTC, its moment of creation by the provider's clock."""

    provider_id: str
    body_sha256: str
    sender: str
    service: str
    at: datetime
    status: str
    code: str = ""


def match(known: Known, listed: Iterable[Listed]) -> Listed | None:
    """The listed text that this attempt became: same words, our sender, its time, and nobody else's; the oldest."""
    earliest, latest = known.decided_at - EARLY, known.decided_at + LATE
    fitting = [
        each
        for each in listed
        if each.body_sha256 == known.body_sha256
        and (each.sender in known.senders or each.service in known.senders)
        and earliest <= each.at <= latest
        and each.provider_id not in known.taken
    ]
    return min(fitting, key=lambda each: (each.at, each.provider_id), default=None)


class Empty(StrEnum):
    """What a complete list that shows nothing is worth."""

    TOO_EARLY = "too_early"
    FIRST = "first"
    SECOND = "second"


def worth(*, asked_at: datetime, over_at: datetime | None, empty_at: datetime | None, patience: timedelta) -> Empty:
    """Whether an empty list counts: the first `patience` after the call was over, the second twice as long after.

    `patience` is at least 120 s: a list may lag behind. All moments are machine time; `asked_at` is when the reading
    began, `over_at` None as long as the writer may still write.
    """
    if over_at is None or asked_at < over_at + patience:
        return Empty.TOO_EARLY
    if empty_at is None:
        return Empty.FIRST
    late_enough = asked_at >= over_at + 2 * patience and asked_at >= empty_at + patience / 2
    return Empty.SECOND if late_enough else Empty.TOO_EARLY


def next_look(*, now: datetime, over_at: datetime | None, empty_at: datetime | None, patience: timedelta) -> datetime:
    """When to ask again after a list that ended nothing (machine time)."""
    if over_at is None:
        return now + min(BETWEEN, patience)
    if empty_at is None:
        return max(over_at + patience, now + patience / 8)
    return max(over_at + 2 * patience, empty_at + patience / 2, now + patience / 8)


def after_absence(*, purpose: str, cls: str, times_absent: int) -> Ended:
    """What follows when it is proved that an attempt never arrived; `times_absent` counts earlier such attempts."""
    if cls == MessageClass.COURSE and purpose != Purpose.AFTERCARE:
        return Ended.REMINDER
    return Ended.TWICE if times_absent else Ended.ABSENT


def given_up(*, since: datetime, now: datetime, over_at: datetime | None, failing: bool) -> Ended | None:
    """Why nobody waits any longer for proof, or None while it may still come (machine time)."""
    if failing:
        return Ended.UNREADABLE if now - since >= NOT_READ else None
    return Ended.WRITER if over_at is None and now - since >= NOT_PROVED else None
