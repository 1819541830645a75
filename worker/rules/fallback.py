"""When a message that could not be delivered may go by the client's other channel (P4, P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.rules.errors import Effect, Outcome
from worker.rules.names import Channel

if TYPE_CHECKING:
    from worker.rules.errors import Verdict

OF_HERS = (" spam", " unsubscribed")  # how a provider's events say that it was the client's own wish


def may_fall_back(channel: Channel, verdict: Verdict | None) -> bool:
    """True when nothing in the refusal could be the client's own no, or leave open whether it arrived.

    `verdict` is None where the provider gave no code. A STOP that the provider knew (21610), a complaint, a phone that
    blocks us (30004) and a code that nobody knows are never answered by another message.
    """
    if verdict is None:
        return True
    if verdict.outcome in {Outcome.UNKNOWN, Outcome.ACCEPTED}:
        return False
    if verdict.effect == Effect.SUPPRESS:  # a mailbox that is no more is no wish of hers
        return channel == Channel.EMAIL and not verdict.code.endswith(OF_HERS)
    blocked = (Outcome.REFUSED_ADDRESS, Effect.REVIEW)
    unknown_code = (Outcome.REFUSED_CONTENT, Effect.PAGE_OPERATOR)
    return (verdict.outcome, verdict.effect) not in {blocked, unknown_code}
