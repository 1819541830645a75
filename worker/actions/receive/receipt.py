"""Receipts of the provider: any number of times, in any order, they settle an attempt (rules 79, 97)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import meters, sealed, traces
from worker.actions.send.went import locked, merge
from worker.models import Attempt, Message, Receipt
from worker.models.attempt import AttemptState
from worker.rules.names import Channel

if TYPE_CHECKING:
    import uuid
    from datetime import datetime


@transaction.atomic
def receipt(
    *, attempt_id: uuid.UUID, provider_id: str, status: str, code: str, raw: dict[str, Any], now: datetime
) -> bool:
    """Take one status receipt, in any order, any number of times; False when no such attempt is ours.

    It proves that the message exists at the provider, so it also settles an attempt nobody knew about (rule 79).
    """
    try:
        attempt, message, rows = locked(attempt_id, code)
    except Attempt.DoesNotExist:
        return False
    _, fresh = Receipt.objects.get_or_create(
        attempt=attempt,
        status=status[:24],
        code=code[:40],
        defaults={
            "clinic_id": attempt.clinic_id,
            "provider_id": provider_id[:320],
            "raw_sealed": None if _is_erased(message) else sealed.seal_json(raw, "receipt.raw"),
            "received_at": now,
        },
    )
    if fresh:
        meters.receipt(Channel(attempt.channel), status, _since_taken(attempt, now), code)
        with traces.handled("receipt", message.pk, status=status[:24]):
            merge(attempt, message, rows, status, code, provider_id, now)
    return True


def _since_taken(attempt: Attempt, now: datetime) -> float | None:
    """Seconds since the provider took it; None while our own record of that is not written."""
    taken = attempt.state == AttemptState.ACCEPTED and attempt.finished_at
    return (now - taken).total_seconds() if taken else None


def _is_erased(message: Message) -> bool:
    """True for one to a client who was erased: what still comes in holds her number (rule 62)."""
    return message.client is not None and message.client.erased_at is not None
