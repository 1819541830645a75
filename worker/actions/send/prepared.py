"""One claimed message on its way from the ready table to its channel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from worker.opening import hours_of
from worker.rendering import Written
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import EARLY_CARE

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from worker.actions.send.clinics import Card, Voice
    from worker.channels.base import Mail, Sms
    from worker.rules.gate import Reason
    from worker.rules.hours import Hours


@dataclass(slots=True, kw_only=True)
class Prepared:
    """One claimed message, ready for its decision; `fault` is set where it can't be written."""

    row: dict[str, Any]
    lease: int
    attempt_id: uuid.UUID
    card: Card | None = None
    to: str = ""
    words: Written = field(default_factory=lambda: Written(text=""))
    document_sha256: str = ""
    body_sealed: bytes = b""
    body_sha256: str = ""
    segments: int = 0
    out: Sms | Mail | None = None
    fault: Reason | None = None
    instead_of: str = ""
    probes: bool = False  # it alone goes through a circuit that is open
    promised: int = 0  # 0: nobody knows, for nothing of it could be read

    @property
    def pk(self) -> int:
        """The message's id."""
        return int(self.row["pk"])

    @property
    def cause(self) -> dict[str, str]:
        """The web request that made it ready, for its line; nothing where time did."""
        number = self.row.get("request")
        return {"request": number} if number else {}

    @property
    def channel(self) -> Channel:
        """How it goes."""
        channel: Channel = self.row["channel"]
        return channel

    @property
    def purpose(self) -> Purpose:
        """What for."""
        purpose: Purpose = self.row["purpose"]
        return purpose

    @property
    def voice(self) -> Voice | None:
        """In whose name it speaks; None where the clinic has no sender for the channel."""
        return self.card.voices.get(self.channel) if self.card else None

    @property
    def holidays_from(self) -> datetime | None:
        """Since when public holidays hold it up: aftercare of the first 72 hours may overlook them."""
        treated_at: datetime | None = self.row["treatment__performed_at"]
        return treated_at + EARLY_CARE if treated_at and self.purpose == Purpose.AFTERCARE else None

    @property
    def hours(self) -> Hours:
        """When it may go: the clinic's hours within the law's, on every clock that may be the client's (rule 47)."""
        assert self.card is not None
        clocks = (self.row["zone"], *(self.row["client__other_clocks"] or "").split())
        return hours_of(self.card.clinic, self.channel, self.purpose, *clocks)

    @property
    def cls(self) -> MessageClass:
        """Course, answer or staff."""
        cls: MessageClass = self.row["cls"]
        return cls
