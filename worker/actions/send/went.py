"""It left after all: a receipt, a late answer or the provider's list settles an attempt in doubt (P4, rule 79).

Lock order: standing, attempt, message and its later numbers, as everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.record import verdicts
from worker.actions.record.audit import record
from worker.actions.send import repeats
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
    """Bring attempt and message to what the provider said, never back (rule 98); all three as `locked` gave them.

    When it is news that it left, what would go once more is stopped: `repeats`.
    """
    before = State(message.state)
    after = after_receipt(before, status)
    news = _settle(attempt, provider_id, code, now) or (before, after) == (State.UNDELIVERED, State.DELIVERED)
    if after != before:
        Ready.objects.filter(message=message).delete()  # it was planned again, and had gone all the same
        message.state, message.reason = after, f"code:{code}"[:60] if code else ""
        message.provider_id, message.sent_at = provider_id[:320], message.sent_at or now
        message.save(update_fields=["state", "reason", "provider_id", "sent_at"])
    if news and after_receipt(State.SENDING, status) in (State.ACCEPTED, State.DELIVERED):
        repeats.left_after_all(attempt, message, now=now)
    if after in WENT and message.kind == AnswerKind.OPTIN_CONFIRMATION:
        confirm_optin([message.pk], now=now)
    if after == State.UNDELIVERED:
        _not_delivered(message, rows, code, now)


def _not_delivered(message: Message, rows: Sequence[Standing], code: str, now: datetime) -> None:
    verdict = _verdict(message.channel, code)
    if verdict is not None:
        verdicts.apply_effect(rows, message, verdict, now=now)
    if fall_back(message, verdict, now=now) is None:
        repeats.hand_over(message, now=now)


def _verdict(channel: str, code: str) -> Verdict | None:
    return verdicts.judge(Channel(channel), code, http_status=RECEIPT_STATUS) if code else None


def _settle(attempt: Attempt, provider_id: str, code: str, now: datetime) -> bool:
    """The attempt left, whatever we believed; True when that is news.

    Its code is kept, for some codes count only when they come in a row.
    """
    attempt.code = code[:40] or attempt.code
    news = attempt.state != AttemptState.ACCEPTED
    if news:
        others = Attempt.objects.filter(message=attempt.message_id, state__in=MAY_HAVE_LEFT).exclude(pk=attempt.pk)
        if others.exists():
            repeats.rang_twice(attempt, now)
        else:
            attempt.state, attempt.provider_id = AttemptState.ACCEPTED, provider_id[:320]
            attempt.finished_at = attempt.finished_at or now
    attempt.save(update_fields=["state", "provider_id", "code", "finished_at"])
    return news


def confirm_optin(message_ids: Sequence[int], *, now: datetime) -> None:
    """The opt-in confirmation reached the provider: the course may begin on that channel (rule 6)."""
    for standing_id, client_id in Message.objects.filter(pk__in=message_ids).values_list("standing_id", "client_id"):
        waiting = Grant.objects.filter(standing_id=standing_id, client_id=client_id, confirmed_at__isnull=True)
        waiting.update(confirmed_at=now)
