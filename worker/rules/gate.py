"""The gate: may this message leave now? Asked in the same transaction that marks it as sending (P1-P3, P6-P8).

Every answer carries a reason code; the code is recorded and is what `explain` reads later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.rules.names import AnswerKind, CourseKind, MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Reason(StrEnum):
    """Why a message did not leave; one word per reason, kept for ever."""

    TOO_LATE = "too_late"
    NO_CONSENT = "no_consent"
    PENDING = "consent_pending"
    REVOKED = "revoked"
    EXPIRED_CONSENT = "consent_expired"
    RECONFIRM = "needs_reconfirmation"
    SUPPRESSED = "suppressed"
    ON_HOLD = "on_hold"
    CONVERSATION = "conversation_open"
    UNCONFIRMED = "awaiting_optin_confirmation"
    ANSWERED = "answered_already"
    NOT_APPROVED = "not_approved"
    WITHDRAWN = "approval_withdrawn"
    REVIEW_OVERDUE = "approval_expired"
    CHANGED = "text_differs_from_approved"
    SUPERSEDED = "superseded"
    PAUSED = "paused"
    QUIET_HOURS = "quiet_hours"
    CAP = "frequency_cap"
    NO_SENDER = "no_sender"
    CANT_RENDER = "cannot_render"
    TOO_LONG = "too_long"
    NO_ADDRESS = "no_address"
    NOT_NEEDED = "went_in_time"
    NEWER_FIRST = "newer_goes_first"
    PROMISED = "promised_number_reached"
    CONTRADICTED = "contradiction"
    FEED_SILENT = "calendar_silent"
    WORKER_DIED = "its_workers_died"
    STANDS_IN = "stands_in_for_undelivered"
    RATE_LIMIT = "rate_limit"
    PROVIDER_SLOW = "provider_asked_for_a_rest"


@dataclass(frozen=True, slots=True)
class Go:
    """It may leave, now."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; ask again at `at` (aware UTC)."""

    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Stop:
    """It does not leave: the state it ends in (or is held in), and why."""

    state: State
    reason: Reason


Decision = Go | Later | Stop


class Approved(StrEnum):
    """What the approval of the message's version says at this moment."""

    YES = "yes"
    NO = "no"
    WITHDRAWN = "withdrawn"
    OVERDUE = "overdue"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision looks at, read under the lock of the standing row.

    `conversing` says that a person and the client speak with each other just now.
    `grant` is None when the ledger knows no consent for that person, channel and purpose (default deny);
    `recent` holds the moments (aware UTC, oldest first) of course messages to that address in the last 7 days.
    """

    cls: MessageClass
    kind: str
    expires_at: datetime
    current: bool
    grant: str | None
    confirmed: bool
    suppressed: str | None
    held: bool
    approved: Approved
    paused: bool
    conversing: bool = False
    unsure: bool = False  # it names a visit, and the calendar that told us of it has been silent for too long
    recent: Sequence[datetime] = ()
    needless: bool = False  # it stands in for a step that went after all
    newer: bool = False  # a message that was meant for later is due to that address as well
    spent: bool = False  # as many went in this session as the client was promised at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many course messages one address may get (rule 51): the ceiling, never widened by configuration."""

    gap: timedelta = timedelta(hours=4)
    per_day: int = 3
    per_week: int = 10


NOT_APPROVED = {
    Approved.NO: Reason.NOT_APPROVED,
    Approved.WITHDRAWN: Reason.WITHDRAWN,
    Approved.OVERDUE: Reason.REVIEW_OVERDUE,
    Approved.DIFFERENT: Reason.CHANGED,
}
NO_GRANT = {
    None: Reason.NO_CONSENT,
    "pending": Reason.PENDING,
    "revoked": Reason.REVOKED,
    "expired": Reason.EXPIRED_CONSENT,
    "needs_reconfirmation": Reason.RECONFIRM,
}
AFTER_STOP = frozenset({AnswerKind.STOP_CONFIRMATION, AnswerKind.HELP, AnswerKind.SAFETY_REPLY})
"""Answers to an act of a person whose address is stopped: the one confirmation, and what she herself asks after it."""
OPTIN = {AnswerKind.OPTIN_QUESTION.value: "pending", AnswerKind.OPTIN_CONFIRMATION.value: "active"}
"""What opens a course, each with the one state of the consent in which it makes sense."""
CONFIRMATION_RETRY = timedelta(minutes=1)
YES_RETRY = timedelta(minutes=5)  # a yes may be two days off: asking each minute would cost more than it hastens
APPROVAL_RETRY = timedelta(minutes=5)
NEWER_RETRY = timedelta(minutes=5)
FEED_RETRY = timedelta(minutes=5)


def decide(facts: Facts, opening: Callable[[], datetime | None], now: datetime, caps: Caps | None = None) -> Decision:
    """Go, later or stop, for one message at `now` (aware UTC).

    `opening()` tells when the hours allow it: `now` itself or a later moment, None for never; it is asked last,
    because it is the dearest question. Order: what ends a message comes before what only delays it, so that a
    revocation is never hidden behind quiet hours.
    """
    return (
        _useful(facts, now)
        or _approval(facts, now)
        or _standing(facts, now)
        or _paused(facts)
        or (_hour(facts, opening, now, caps or Caps()) if facts.cls == MessageClass.COURSE else None)
        or Go()
    )


def _useful(facts: Facts, now: datetime) -> Decision | None:
    return Stop(State.MISSED, Reason.TOO_LATE) if now >= facts.expires_at else None


def _approval(facts: Facts, now: datetime) -> Decision | None:
    """What opens a course waits for a new approval as long as it is useful: everything hangs on it (rules 6, 7)."""
    reason = NOT_APPROVED.get(facts.approved)
    if reason is None:
        return None
    if facts.kind in OPTIN and facts.approved != Approved.DIFFERENT:
        return _later(facts, now + APPROVAL_RETRY, reason)
    return Stop(State.WITHHELD, reason)


def _standing(facts: Facts, now: datetime) -> Decision | None:
    if facts.cls == MessageClass.COURSE:
        return _course(facts, now)
    return _answer(facts) if facts.cls == MessageClass.ANSWER else _by_hand(facts)


def _by_hand(facts: Facts) -> Decision | None:
    """What a person writes, or what calls a person of the staff: at any hour, and only to who agreed to be written to.

    What was true when it was written is not kept for later: it ends, and whoever wrote it sees so.
    """
    if facts.grant != "active":
        return Stop(State.WITHHELD, NO_GRANT.get(facts.grant, Reason.NO_CONSENT))
    if facts.suppressed is not None:
        return Stop(State.WITHHELD, Reason.SUPPRESSED)
    return Stop(State.WITHHELD, Reason.ON_HOLD) if facts.held else None


def _answer(facts: Facts) -> Decision | None:
    if facts.suppressed is not None and facts.kind not in AFTER_STOP:
        return Stop(State.WITHHELD, Reason.REVOKED)
    if facts.suppressed is None and facts.kind == AnswerKind.STOP_CONFIRMATION:
        return Stop(State.WITHHELD, Reason.ANSWERED)  # she took it back first: "no more texts" would be untrue
    if facts.kind == AnswerKind.STAFF_REPLY:
        return _by_hand(facts)
    if facts.kind in OPTIN:
        if facts.grant != OPTIN[facts.kind]:
            return Stop(State.WITHHELD, NO_GRANT.get(facts.grant, Reason.ANSWERED))
        if facts.held:  # "up to 12 messages" would be a promise that the hold breaks
            return Stop(State.HELD, Reason.ON_HOLD)
    return None


def _course(facts: Facts, now: datetime) -> Decision | None:
    if facts.grant not in ("active", "pending"):
        return Stop(State.WITHHELD, NO_GRANT[facts.grant])
    if facts.suppressed is not None:
        return Stop(State.WITHHELD, Reason.SUPPRESSED)
    if not facts.current:
        return Stop(State.CANCELLED, Reason.SUPERSEDED)
    if facts.needless:
        return Stop(State.CANCELLED, Reason.NOT_NEEDED)
    return _waits(facts) or _opened(facts, now)


def _waits(facts: Facts) -> Decision | None:
    """For a person: who has to look first, or who speaks with her. A correction mends what she was told: it goes."""
    if facts.held:
        return Stop(State.HELD, Reason.ON_HOLD)
    speaking = facts.conversing and facts.kind != CourseKind.CORRECTION
    return Stop(State.HELD, Reason.CONVERSATION) if speaking else None


def _opened(facts: Facts, now: datetime) -> Decision | None:
    """Nothing goes before her own yes where the clinic asks for it, nor before the opt-in confirmation (rules 6, 7)."""
    if facts.grant == "pending":
        return _later(facts, now + YES_RETRY, Reason.PENDING)
    if not facts.confirmed:
        return _later(facts, now + CONFIRMATION_RETRY, Reason.UNCONFIRMED)
    if facts.unsure:  # the visit may have moved, and nobody would have told us (P7)
        return _later(facts, now + FEED_RETRY, Reason.FEED_SILENT)
    return None


def _paused(facts: Facts) -> Decision | None:
    return Stop(State.HELD, Reason.PAUSED) if facts.paused else None


def _hour(facts: Facts, opening: Callable[[], datetime | None], now: datetime, caps: Caps) -> Decision | None:
    if facts.spent:
        return Stop(State.WITHHELD, Reason.PROMISED)
    if facts.newer:  # after an outage the newest is the truest; what is older follows if it is still true then
        return _later(facts, now + NEWER_RETRY, Reason.NEWER_FIRST)
    free = free_from(facts.recent, now, caps)
    if free > now:
        return _later(facts, free, Reason.CAP)
    opens = opening()
    if opens is None:
        return Stop(State.MISSED, Reason.QUIET_HOURS)
    return _later(facts, opens, Reason.QUIET_HOURS) if opens > now else None


def _later(facts: Facts, at: datetime, reason: Reason) -> Decision:
    return Later(at, reason) if at < facts.expires_at else Stop(State.MISSED, reason)


def free_from(recent: Sequence[datetime], now: datetime, caps: Caps) -> datetime:
    """The first moment from `now` on at which one more course message keeps all caps (rule 51)."""
    free = now
    if recent:
        free = max(free, recent[-1] + caps.gap)
    for count, span in ((caps.per_day, timedelta(hours=24)), (caps.per_week, timedelta(days=7))):
        if len(recent) >= count:
            free = max(free, recent[-count] + span)
    return free
