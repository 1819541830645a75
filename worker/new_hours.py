"""What other hours would do to messages that are planned already: a comparison, without writing anything."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.models import Message
from worker.opening import hours_of
from worker.rules.hours import next_opening
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import EARLY_CARE
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from worker.intake.clinic import ClinicShape
    from worker.models import Clinic

OF_HOURS = ("country", "state", "hours")
"""What of a clinic decides when it may write: its own hours, and by its place the law's hours and the holidays."""
WAITS, TOO_LATE = "waits", "too late"


@dataclass(frozen=True, slots=True)
class Change:
    """One planned message that the new hours hold up: until when (UTC), or past its useful time (None)."""

    message: Message
    opens_at: datetime | None

    @property
    def what(self) -> str:
        """In a word."""
        return TOO_LATE if self.opens_at is None else WAITS


def with_hours_of(clinic: Clinic, shape: ClinicShape) -> Clinic:
    """The clinic as the file has its hours and place; not stored."""
    changed, said = copy.copy(clinic), shape.model_dump(mode="json")
    for name in OF_HOURS:
        setattr(changed, name, said[name])
    return changed


def changes(clinic: Clinic, changed: Clinic, *, now: datetime) -> Iterator[Change]:
    """The planned messages that could go at their hour under `clinic`'s hours, and not under those of `changed`.

    Wider hours change nothing: what is planned keeps its hour. `now` is calendar time.
    """
    if all(getattr(clinic, name) == getattr(changed, name) for name in OF_HOURS):
        return
    found = Message.objects.filter(clinic=clinic, cls=MessageClass.COURSE, state__in=OPEN, expires_at__gt=now)
    for message in found.select_related("client", "step", "treatment").order_by("pk").iterator(chunk_size=1000):
        at = max(message.due_at, now)
        before, after = _opening(clinic, message, at), _opening(changed, message, at)
        late = after is None or after >= message.expires_at
        if before is not None and before < message.expires_at and (late or after != before):
            yield Change(message, None if late else after)


def _opening(clinic: Clinic, message: Message, at: datetime) -> datetime | None:
    """As the gate asks it when the message is decided."""
    others = message.client.other_clocks.split() if message.client else ()
    purpose = Purpose(message.purpose)
    hours = hours_of(clinic, Channel(message.channel), purpose, message.zone, *others)
    early = message.treatment is not None and purpose is Purpose.AFTERCARE
    count_from = message.treatment.performed_at + EARLY_CARE if early and message.treatment else None
    return next_opening(at, hours.windows, *hours.zones, holidays_from=count_from)


def counted(found: Sequence[Change]) -> list[dict[str, Any]]:
    """Step by step, how many messages of a channel wait for another hour, and how many would come too late."""
    many = Counter((each.message.step.code, each.message.channel, each.what) for each in found)
    return [
        {"step": step, "channel": channel, "change": what, "messages": count}
        for (step, channel, what), count in sorted(many.items())
    ]
