"""The states of a message, and every legal way from one to the next, a line each."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a message stands. `claimed` is a lease on its ready row and is never written on the message itself."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    HELD = "held"
    WITHHELD = "withheld"
    CANCELLED = "cancelled"
    MISSED = "missed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"


LEGAL: frozenset[tuple[State, State]] = frozenset(
    {
        (State.PLANNED, State.CLAIMED),
        (State.CLAIMED, State.PLANNED),  # the lease ran out, or the decision was "later"
        (State.PLANNED, State.SENDING),  # the claim being a lease, the row itself goes straight to sending
        (State.CLAIMED, State.SENDING),
        (State.PLANNED, State.HELD),
        (State.CLAIMED, State.HELD),
        (State.PLANNED, State.WITHHELD),
        (State.CLAIMED, State.WITHHELD),
        (State.PLANNED, State.CANCELLED),
        (State.CLAIMED, State.CANCELLED),
        (State.PLANNED, State.MISSED),
        (State.CLAIMED, State.MISSED),
        (State.HELD, State.PLANNED),
        (State.HELD, State.WITHHELD),
        (State.HELD, State.CANCELLED),
        (State.HELD, State.MISSED),
        (State.PLANNED, State.ACCEPTED),  # a receipt for an attempt that we had given up as unsent: it had gone
        (State.PLANNED, State.DELIVERED),
        (State.PLANNED, State.UNDELIVERED),
        (State.HELD, State.ACCEPTED),
        (State.HELD, State.DELIVERED),
        (State.HELD, State.UNDELIVERED),
        (State.SENDING, State.ACCEPTED),
        (State.SENDING, State.DELIVERED),  # the receipt overtook the answer
        (State.SENDING, State.UNDELIVERED),
        (State.SENDING, State.REFUSED),
        (State.SENDING, State.PLANNED),  # provably not sent
        (State.SENDING, State.MISSED),  # provably not sent, and too late to try again
        (State.SENDING, State.UNKNOWN),
        (State.UNKNOWN, State.ACCEPTED),
        (State.UNKNOWN, State.DELIVERED),
        (State.UNKNOWN, State.UNDELIVERED),
        (State.UNKNOWN, State.PLANNED),  # proved absent at the provider
        (State.UNKNOWN, State.UNRESOLVED),
        (State.UNRESOLVED, State.ACCEPTED),
        (State.UNRESOLVED, State.DELIVERED),
        (State.UNRESOLVED, State.UNDELIVERED),
        (State.ACCEPTED, State.DELIVERED),
        (State.ACCEPTED, State.UNDELIVERED),
        (State.UNDELIVERED, State.DELIVERED),  # rule 98: delivered after undelivered is final
    }
)
FINAL = frozenset({State.DELIVERED, State.WITHHELD, State.CANCELLED, State.MISSED, State.REFUSED})
OPEN = (State.PLANNED, State.HELD)


def may(before: State, after: State) -> bool:
    """True when a message may go from one state to the other."""
    return (before, after) in LEGAL


# Twilio's statuses by rank (rule 98): a receipt of lower rank never moves a message back.
RANK = {
    "scheduled": 0, "accepted": 0, "queued": 1, "sending": 2, "sent": 3,
    "undelivered": 4, "failed": 4, "canceled": 4, "partially_delivered": 4, "delivered": 5, "read": 6,
}  # fmt: skip


def after_receipt(before: State, status: str) -> State:
    """The state of a message once the provider said `status`, in whatever order receipts arrive (rule 98).

    An unknown status changes nothing.
    """
    rank = RANK.get(status.lower())
    if rank is None:
        return before
    after = _meaning(rank)
    return after if may(before, after) else before


def _meaning(rank: int) -> State:
    if rank >= RANK["delivered"]:
        return State.DELIVERED
    return State.UNDELIVERED if rank == RANK["undelivered"] else State.ACCEPTED
