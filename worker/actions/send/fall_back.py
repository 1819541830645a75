"""What could not be delivered goes by the other channel, where the approved protocol says so: once, through every gate.

Off unless a step names `fallback` channels, and then only to an address that the client agreed to for that purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import rendering
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Contact, Grant, Message
from worker.models.standing import GrantState
from worker.rules.fallback import may_fall_back
from worker.rules.gate import Reason
from worker.rules.names import Channel, MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.rules.errors import Verdict

ENDED = (State.UNDELIVERED, State.REFUSED)  # surely not there; of what is unknown nobody may say that
SAME = ("clinic_id", "client_id", "purpose", "cls", "version_id", "step_id", "treatment_id", "appointment_id",
        "care_id", "generation", "language", "zone", "wall_time", "expires_at")  # fmt: skip


def fall_back(message: Message, verdict: Verdict | None, *, now: datetime) -> Message | None:
    """Plan the step once on its other channel, in the caller's transaction; None where that may not be.

    No lock of the other address is taken: the caller holds one already, and what a revocation passes by is withheld at
    the gate. A second time plans nothing: its occasion is that of the step, whatever was sent again by hand (P4).
    """
    if message.cls != MessageClass.COURSE or message.state not in ENDED or message.expires_at <= now:
        return None
    channel = _other_channel(message)
    if channel is None or not may_fall_back(Channel(message.channel), verdict):
        return None
    contact = _agreed(message, channel)
    return _planned(message, channel, contact, now) if contact else None


def _other_channel(message: Message) -> Channel | None:
    """None where the step names none, and for what is itself a fallback."""
    rule = rendering.version(message.version.document).source.step(message.step.code).rule
    return next(iter(rule.fallback), None) if message.channel in rule.channels else None


def _agreed(message: Message, channel: Channel) -> Contact | None:
    """Her address there, when her consent for this purpose stands; the gate asks once more before it leaves."""
    contact = Contact.objects.filter(client=message.client_id, channel=channel, valid_to__isnull=True).first()
    if contact is None:
        return None
    given = Grant.objects.filter(
        client=message.client_id, standing=contact.standing_id, purpose=message.purpose, state=GrantState.ACTIVE,
        standing__suppressed_at__isnull=True,
    )  # fmt: skip
    return contact if given.exists() else None


def _planned(message: Message, channel: Channel, contact: Contact, now: datetime) -> Message | None:
    stem = message.occasion.rpartition(":r")[0]
    made = Message(
        **{name: getattr(message, name) for name in SAME}, channel=channel, contact=contact,
        standing_id=contact.standing_id, occasion=f"{stem}:f-{channel}:r0", fallback_of=message.pk, state=State.PLANNED,
        reason=Reason.STANDS_IN, due_at=now, created_at=now,
    )  # fmt: skip
    if Message.objects.filter(occasion=made.occasion).exists():
        return None
    made.save()
    make_ready([made], now=now)
    for pk, code, other in ((message.pk, "fell_back", made.pk), (made.pk, Reason.STANDS_IN, message.pk)):
        record(
            clinic_id=made.clinic_id, kind="fallback", subject=f"message:{pk}", actor="system", at=now, code=code,
            facts={"message": other},
        )  # fmt: skip
    return made
