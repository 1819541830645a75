"""It left after all: a receipt, a late answer or the provider's list settles an attempt in doubt (P4, rule 79).

Lock order: standing, attempt, message, as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from worker import meters
from worker.actions.record import verdicts
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.send.fall_back import fall_back
from worker.models import Attempt, Grant, Message, Ready
from worker.models.attempt import MAY_HAVE_LEFT, AttemptState
from worker.rules.names import AnswerKind, Channel
from worker.rules.states import State, after_receipt

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Standing
    from worker.rules.errors import Verdict

WENT = {State.ACCEPTED, State.DELIVERED, State.UNDELIVERED}
RECEIPT_STATUS = 200  # a receipt's code is judged as an answer to a call that was taken
log = structlog.get_logger("aftercare.went")


def locked(attempt_id: uuid.UUID, code: str = "") -> tuple[Attempt, Message, list[Standing]]:
    """An attempt with its message and standing, locked in the order of the house. Raises Attempt.DoesNotExist.

    The standing comes first among the rows that what the provider said (`code`) is about (`verdicts.locked`).
    """
    standing_id, channel = Attempt.objects.values_list("standing_id", "channel").get(pk=attempt_id)
    rows = verdicts.locked(standing_id, _verdict(channel, code))
    # Attempt before message, as our own answer takes them: the other way round the two would wait for each other.
    attempt = Attempt.objects.select_for_update(no_key=True).get(pk=attempt_id)
    message = Message.objects.select_for_update().get(pk=attempt.message_id)
    return attempt, message, rows


@transaction.atomic
def went(*, attempt_id: uuid.UUID, provider_id: str, status: str, code: str, how: str, now: datetime) -> bool:
    """Settle one attempt by a proof other than a receipt; `how` says which, `status` is the provider's word.

    False when another attempt has that id of the provider already: one text proves one attempt.
    """
    attempt, message, rows = locked(attempt_id, code)
    if Attempt.objects.filter(provider_id=provider_id).exclude(pk=attempt_id).exists():
        return False
    merge(attempt, message, rows, status, code, provider_id, now)
    record(
        clinic_id=attempt.clinic_id, kind="reconciled", subject=f"message:{message.pk}", actor="system", at=now,
        code=how, facts={"attempt": attempt_id.hex, "status": status},
    )  # fmt: skip
    return True


def merge(
    attempt: Attempt, message: Message, rows: Sequence[Standing], status: str, code: str, provider_id: str,
    now: datetime,
) -> None:  # fmt: skip
    """Bring attempt and message to what the provider said, never back (rule 98); all three as `locked` gave them."""
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
    if after == State.UNDELIVERED:
        _not_delivered(message, rows, code, now)


def _not_delivered(message: Message, rows: Sequence[Standing], code: str, now: datetime) -> None:
    verdict = _verdict(message.channel, code)
    if verdict is not None:
        verdicts.apply_effect(rows, message, verdict, now=now)
    fall_back(message, verdict, now=now)


def _verdict(channel: str, code: str) -> Verdict | None:
    return verdicts.judge(Channel(channel), code, http_status=RECEIPT_STATUS) if code else None


def _settle(attempt: Attempt, provider_id: str, code: str, now: datetime) -> None:
    """The attempt left, whatever we believed; its code is kept, for some codes count only when they come in a row."""
    attempt.code = code[:40] or attempt.code
    if attempt.state != AttemptState.ACCEPTED:
        others = Attempt.objects.filter(message=attempt.message_id, state__in=MAY_HAVE_LEFT).exclude(pk=attempt.pk)
        if others.exists():
            _rang_twice(attempt, now)
        else:
            attempt.state, attempt.provider_id = AttemptState.ACCEPTED, provider_id[:320]
            attempt.finished_at = attempt.finished_at or now
    attempt.save(update_fields=["state", "provider_id", "code", "finished_at"])


def _rang_twice(attempt: Attempt, now: datetime) -> None:
    """What was proved absent came to light after it had been sent again: it must never happen, and never silently."""
    transaction.on_commit(meters.DUPLICATES.inc)
    log.error("rang_twice", message=attempt.message_id, attempt=attempt.pk.hex)
    open_task(
        clinic_id=attempt.clinic_id, client_id=attempt.message.client_id, kind="rang_twice",
        cause=f"rang_twice:{attempt.pk}", facts={"message": attempt.message_id}, now=now,
    )  # fmt: skip


def confirm_optin(message_ids: Sequence[int], *, now: datetime) -> None:
    """The opt-in confirmation reached the provider: the course may begin on that channel (rule 6)."""
    for standing_id, client_id in Message.objects.filter(pk__in=message_ids).values_list("standing_id", "client_id"):
        waiting = Grant.objects.filter(standing_id=standing_id, client_id=client_id, confirmed_at__isnull=True)
        waiting.update(confirmed_at=now)
