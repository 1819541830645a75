"""The steps of a protocol, and what can become of each: the words the plan is written in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime, time, timedelta

    from worker.rules.names import Channel, MessageClass, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """Real time after the anchor, such as 4 hours (rule 136)."""

    delta: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A wall time of the client's zone, whole days after the anchor's local date; before it if negative."""

    days: int
    at: time


When = Elapsed | Calendar


class Anchor(StrEnum):
    """What a step counts from."""

    ENROLMENT = "enrolment"
    TREATMENT = "treatment"  # the session that was done
    APPOINTMENT = "appointment"  # the next booked session
    COURSE = "course"  # the last session, as long as none is booked
    CHANGE = "change"  # a visit's entry in her calendar is not true any more: it was moved, or taken up again
    CANCELLATION = "cancellation"  # the same for a visit that was cancelled
    REPLY = "reply"  # the client's own act; never planned ahead


OF_CALENDAR = (Anchor.CHANGE, Anchor.CANCELLATION)
"""What counts from the moment that her calendar became untrue; by mail only, for only a mail brought the entry."""


class IfClosed(StrEnum):
    """What happens to a step without an opening between `when` and `until`."""

    EARLIER = "earlier"  # into the last opening before `until`, else to the staff
    HAND_OVER = "hand_over"  # to the staff
    SKIP = "skip"  # missed


class Telling(StrEnum):
    """What an instruction asks for."""

    AVOID = "avoid"
    DO = "do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """What a step tells the client of one topic: to do or to avoid it, on which days after the step's anchor.

    `from_day` is included, `until_day` not; None is for good. Day 0 is the anchor's own local date.
    """

    topic: str
    telling: Telling
    from_day: int = 0
    until_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRule:
    """One step of an approved protocol: what kind of message it is, and from when until when it is useful.

    `instead_of` names the step whose place it takes where that one did not go in its time (rule 50). By its `fallback`
    channel it goes only when it could not be delivered by one of its `channels`.
    """

    code: str
    cls: MessageClass
    anchor: Anchor
    when: When
    until: When
    channels: tuple[Channel, ...]
    purpose: Purpose
    if_closed: IfClosed
    ordinal: int
    instead_of: str = ""
    says: tuple[Instruction, ...] = ()
    fallback: tuple[Channel, ...] = ()


class Moved(StrEnum):
    """Why a step is due at another moment than its rule says."""

    LATE = "recorded_late"
    CLOSED = "outside_hours"
    EARLIER = "put_earlier"
    SPACED = "spaced"


class Cause(StrEnum):
    """Why a step is not planned."""

    PAST = "past"
    CLOSED = "outside_hours"
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """It goes at `due_at` and is useful until `expires_at` (both UTC); the local fields are `due_at` for people."""

    step: str
    due_at: datetime
    expires_at: datetime
    local_date: date
    local_time: time
    moved: Moved | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """It cannot go in time: staff speak to the client themselves."""

    step: str
    due_at: datetime
    expires_at: datetime
    reason: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """It cannot go, and the protocol asks nobody to make up for it."""

    step: str
    due_at: datetime
    expires_at: datetime
    reason: Cause


Outcome = Planned | HandOver | Missed


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """One step on one channel, with what became of it."""

    rule: StepRule
    channel: Channel
    outcome: Outcome
