"""A reply with a red-flag word: before staff at once, and the fixed safety reply, which concludes nothing (rule 41)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.converse.hear import heard, red_flag
from worker.actions.receive.answer import plan_answer
from worker.actions.receive.ask_staff import whose
from worker.actions.record.task import open_task
from worker.models import Clinic
from worker.rules.names import AnswerKind
from worker.rules.red_flags import is_red_flag
from worker.rules.words import Word

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Inbound, Standing
    from worker.rules.words import Reading


def raise_alarm(reading: Reading, body: str, *, row: Standing, stored: Inbound, address: str, now: datetime) -> bool:
    """Open an urgent task for a reply that names a red flag, in the caller's transaction; False for any other reply.

    "No fever, no bleeding" is read as harmless before, and stays so. The safety reply leaves once a day for each
    phone, as HELP does; none beside a STOP, which gets its one confirmation and nothing else.
    """
    if reading.kind is Word.NONE or not is_red_flag(body):
        return False
    call_for_help(row, stored, now=now)
    if not reading.kind.revokes:
        once_a_day = f"safety:{row.pk}:{now:%Y-%m-%d}"
        plan_answer(
            row, kind=AnswerKind.SAFETY_REPLY, cause=once_a_day, address=address, now=now, since=stored.received_at
        )
    return True


def call_for_help(row: Standing, stored: Inbound, *, now: datetime) -> None:
    """An urgent task, a conversation that holds the automated texts, its clock, and the practitioner called at once.

    In the caller's transaction, who holds the lock of `row`; for a text as for a mail.
    """
    client_id = whose(row)
    conversation = heard(row.clinic_id, client_id=client_id, row=row, holds=True, now=now)
    facts = {"inbound": stored.pk, "urgent": True}
    open_task(
        clinic_id=row.clinic_id,
        client_id=client_id,
        kind="red_flag_reply",
        cause=f"red_flag:{stored.pk}",
        facts=facts | ({"conversation": conversation.pk} if conversation else {}),
        due_at=now,
        now=now,
    )
    if conversation is not None:
        clinic = Clinic.objects.only("red_flag_minutes").get(pk=row.clinic_id)
        red_flag(conversation, clinic=clinic, cause=f"inbound:{stored.pk}", now=now)
