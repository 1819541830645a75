"""Receipts of the provider: any number of times, in any order, they settle an attempt (rules 79, 97)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import meters, sealed
from worker.actions.record import verdicts
from worker.actions.send.record import confirm_optin
from worker.models import Attempt, Message, Ready, Receipt, Standing
from worker.models.attempt import MAY_HAVE_LEFT, AttemptState
from worker.rules.names import AnswerKind, Channel
from worker.rules.states import State, after_receipt

if TYPE_CHECKING:
    import uuid
    from datetime import datetime


WENT = {State.ACCEPTED, State.DELIVERED, State.UNDELIVERED}
RECEIPT_STATUS = 200  # a receipt's code is judged as an answer to a call that was taken


@transaction.atomic
def receipt(
    *, attempt_id: uuid.UUID, provider_id: str, status: str, code: str, raw: dict[str, Any], now: datetime
) -> bool:
    """Take one status receipt, in any order, any number of times; False when no such attempt is ours.

    It proves that the message exists at the provider, so it also settles an attempt nobody knew about (rule 79).
    """
    found = Attempt.objects.filter(pk=attempt_id).first()
    if found is None:
        return False
    standing = Standing.objects.select_for_update(no_key=True).get(pk=found.standing_id)
    # Attempt before message, as our own answer takes them: the other way round the two would wait for each other.
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    message = Message.objects.select_for_update().get(pk=attempt.message_id)
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
        meters.receipt(attempt.channel, status, _since_taken(attempt, now))
        _merge(attempt, message, standing, status, code, provider_id, now)
    return True


def _since_taken(attempt: Attempt, now: datetime) -> float | None:
    """Seconds since the provider took it; None while our own record of that is not written."""
    taken = attempt.state == AttemptState.ACCEPTED and attempt.finished_at
    return (now - taken).total_seconds() if taken else None


def _is_erased(message: Message) -> bool:
    """True for one to a client who was erased: what still comes in holds her number (rule 62)."""
    return message.client is not None and message.client.erased_at is not None


def _merge(
    attempt: Attempt, message: Message, standing: Standing, status: str, code: str, provider_id: str, now: datetime
) -> None:
    before = State(message.state)
    after = after_receipt(before, status)
    _settle(attempt, provider_id, code, now)
    if after != before:
        Ready.objects.filter(message=message).delete()  # it was planned again, and had gone all the same
        message.state, message.reason = after, f"code:{code}"[:60] if code else ""
        message.provider_id, message.sent_at = provider_id[:320], message.sent_at or now
        message.save(update_fields=["state", "reason", "provider_id", "sent_at"])
    if after in WENT and message.kind == AnswerKind.OPTIN_CONFIRMATION:
        confirm_optin([message.pk], now=now)
    if code and after == State.UNDELIVERED:
        verdict = verdicts.judge(Channel(message.channel), code, http_status=RECEIPT_STATUS)
        verdicts.apply_effect(standing, message, verdict, now=now)


def _settle(attempt: Attempt, provider_id: str, code: str, now: datetime) -> None:
    """The attempt left, whatever we believed; its code is kept, for some codes count only when they come in a row."""
    attempt.code = code[:40] or attempt.code
    others = Attempt.objects.filter(message=attempt.message_id, state__in=MAY_HAVE_LEFT).exclude(pk=attempt.pk)
    if attempt.state != AttemptState.ACCEPTED and not others.exists():
        attempt.state, attempt.provider_id = AttemptState.ACCEPTED, provider_id[:320]
        attempt.finished_at = attempt.finished_at or now
    attempt.save(update_fields=["state", "provider_id", "code", "finished_at"])
