"""What each Twilio code means for one message, as data: the provider may change a code any day (rule 87).

Source marks: C the vendor's own documents, S a secondary source, O our own knowledge, not confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TABLE_VERSION = "2026-11-22"


class Outcome(StrEnum):
    """What became of one message."""

    ACCEPTED = "accepted"
    REFUSED_ADDRESS = "refused_address"  # final: this address gets no message of this kind
    REFUSED_SENDER = (
        "refused_sender"  # our account, sender or country setting; waits when the circuit opens, else final
    )
    REFUSED_CONTENT = "refused_content"  # final: this text was not taken, or the reason is not known to us
    TRY_LATER = "try_later"  # surely not delivered; may be tried again inside its window
    UNKNOWN = "unknown"  # may have been sent: reconcile, never repeat blindly (rule 80)
    EXPIRED = "expired"


class Effect(StrEnum):
    """What one outcome changes beyond its own message."""

    NONE = "none"
    SUPPRESS = "suppress"  # nothing more to this address
    RECONFIRM = "reconfirm"  # the consent needs the client's word again (rule 9)
    OPEN_CIRCUIT = "open_circuit"  # this sender pauses, its queue is kept, an operator is paged
    PAGE_OPERATOR = "page_operator"
    STAFF_TASK = "staff_task"  # the clinic asks the client for a better address
    REVIEW = "review"  # hold this address and let staff look


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one answer of a provider means.

    Args:
        outcome: of this message.
        effect: beyond this message.
        source: where the meaning comes from, with its mark.
        code: the provider's raw code or status, kept whether known or not.
        tries: how many further tries at most; None as many as the window allows. Only for `try_later`.
        after: the effect applies from this many such answers in a row.
        slow_down: this sender or domain must be given fewer messages for a while.
        everybody: and so must every other sender of its account, or of its mail relay.
    """

    outcome: Outcome
    effect: Effect
    source: str
    code: str = ""
    tries: int | None = None
    after: int = 1
    slow_down: bool = False
    everybody: bool = False


_SENDER = (Outcome.REFUSED_SENDER, Effect.OPEN_CIRCUIT)
_SETTING = (Outcome.REFUSED_SENDER, Effect.PAGE_OPERATOR)
_ADDRESS = (Outcome.REFUSED_ADDRESS, Effect.STAFF_TASK)
_BUG = (Outcome.REFUSED_CONTENT, Effect.PAGE_OPERATOR)

TWILIO = {
    20003: Verdict(*_SENDER, "S: bad credentials"),
    20429: Verdict(Outcome.TRY_LATER, Effect.NONE, "C: too many, never processed", slow_down=True, everybody=True),
    20500: Verdict(Outcome.UNKNOWN, Effect.NONE, "C: server error"),
    20503: Verdict(Outcome.UNKNOWN, Effect.NONE, "C: unavailable"),
    21211: Verdict(*_ADDRESS, "C: invalid To"),
    21212: Verdict(*_SENDER, "O: invalid From"),
    21408: Verdict(*_SETTING, "C: country not permitted"),
    21602: Verdict(*_BUG, "O: body missing"),
    21603: Verdict(*_SENDER, "O: From missing"),
    21606: Verdict(*_SENDER, "S: From not owned or cannot send SMS"),
    21608: Verdict(*_SETTING, "C: trial account, To not verified"),
    21610: Verdict(Outcome.REFUSED_ADDRESS, Effect.SUPPRESS, "C: opted out, or reassigned"),
    21611: Verdict(Outcome.TRY_LATER, Effect.NONE, "O: sender's queue is full", slow_down=True),
    21612: Verdict(*_ADDRESS, "S: no route between this pair"),
    21614: Verdict(*_ADDRESS, "C: not a mobile number"),
    21617: Verdict(*_BUG, "O: body longer than 1600"),
    21635: Verdict(*_ADDRESS, "C: landline"),
    21659: Verdict(*_SENDER, "O: From is not one of ours"),
    21703: Verdict(*_SENDER, "O: messaging service without sender"),
    30001: Verdict(Outcome.TRY_LATER, Effect.NONE, "S: queue overflow", tries=2, slow_down=True),
    30002: Verdict(*_SENDER, "S: account suspended"),
    30003: Verdict(Outcome.TRY_LATER, Effect.REVIEW, "C: handset unreachable", tries=1, after=3),
    30004: Verdict(Outcome.REFUSED_ADDRESS, Effect.REVIEW, "S: blocked by the person or the carrier"),
    30005: Verdict(Outcome.REFUSED_ADDRESS, Effect.RECONFIRM, "S: unknown handset, maybe reassigned"),
    30006: Verdict(*_ADDRESS, "C: landline or unreachable carrier"),
    30007: Verdict(Outcome.REFUSED_CONTENT, Effect.NONE, "C: filtered; operators watch the rate, 2 % at most"),
    30008: Verdict(Outcome.TRY_LATER, Effect.NONE, "S: unknown delivery error", tries=1),
    30032: Verdict(*_SENDER, "O: toll-free number not verified"),
    30034: Verdict(*_SENDER, "C: 10DLC number not registered"),
    30036: Verdict(Outcome.EXPIRED, Effect.NONE, "C: validity period ran out"),
    30450: Verdict(*_SETTING, "C: blocked as SMS pumping"),
    30610: Verdict(Outcome.TRY_LATER, Effect.NONE, "C: quiet hours by Compliance Toolkit"),
    30640: Verdict(Outcome.REFUSED_ADDRESS, Effect.SUPPRESS, "C: known litigator by Compliance Toolkit"),
}
