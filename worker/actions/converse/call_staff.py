"""Tell staff on call that somebody needs a person: their own approved texts, to who agreed, naming no client (P9)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.receive.answer import approved_step
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.send.due import make_ready
from worker.models import Conversation, Message, StaffContact
from worker.models.staff import Role
from worker.models.store import store
from worker.rules.names import MessageClass, StaffKind
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

USEFUL = timedelta(hours=2)
MOST_REMINDERS = 3
BATCH = 200


def call_staff(conversation: Conversation, *, cause: str, everyone: bool, now: datetime) -> int:
    """Plan one alert to each practitioner on call (to all on call with `everyone`), once per cause; how many.

    In the caller's transaction. Where nobody can be called, a task says so: the warning sign has its own anyway.
    """
    planned = [
        message
        for contact in _on_call(conversation.clinic_id, everyone=everyone)
        if (message := _alert(contact, conversation, cause, now)) is not None
    ]
    make_ready(planned, now=now)
    if not planned:
        open_task(
            clinic_id=conversation.clinic_id, client_id=conversation.client_id, kind="nobody_on_call",
            cause=f"nobody_on_call:{conversation.pk}:{cause}", facts={"conversation": conversation.pk}, due_at=now,
            now=now,
        )  # fmt: skip
    record(
        clinic_id=conversation.clinic_id, kind="staff_called", subject=f"conversation:{conversation.pk}",
        actor="system", at=now, code="everyone" if everyone else "practitioner",
        facts={"cause": cause, "alerts": [each.pk for each in planned]},
    )  # fmt: skip
    return len(planned)


def _on_call(clinic_id: int, *, everyone: bool) -> list[StaffContact]:
    """Who agreed to be called and can be; the practitioners first, and all where none of them did."""
    there = StaffContact.objects.filter(clinic_id=clinic_id, ended_at__isnull=True, staff__is_active=True)
    there = there.filter(standing__suppressed_at__isnull=True, standing__held_at__isnull=True)
    there = there.select_related("standing", "clinic").order_by("pk")
    practitioners = there.filter(staff__roles__role=Role.PRACTITIONER).distinct()
    return list(there if everyone or not practitioners.exists() else practitioners)


def _alert(contact: StaffContact, conversation: Conversation, cause: str, now: datetime) -> Message | None:
    step = approved_step(contact.standing, StaffKind.STAFF_ALERT, now)
    if step is None:
        return None
    message = Message(
        clinic_id=contact.clinic_id,
        standing=contact.standing,
        address_sealed=contact.address_sealed,
        channel=contact.channel,
        purpose=step.purpose,
        cls=MessageClass.STAFF,
        kind=StaffKind.STAFF_ALERT,
        version_id=step.version_id,
        step_id=step.pk,
        occasion=f"s:{contact.clinic_id}:{contact.channel}:{contact.pk}:{conversation.pk}:{cause}",
        language=contact.clinic.language,
        zone=contact.clinic.zone,
        state=State.PLANNED,
        due_at=now,
        expires_at=now + USEFUL,
        created_at=now,
    )
    return message if store([message], unless_there="occasion") else None


def escalate(*, now: datetime) -> int:
    """Call all on call about each red flag whose clock ran out unanswered, three times, a clock apart; how many.

    A task of its own says that it is late; `reading.red_flags` is the alarm that stays until somebody answers.
    """
    late = Conversation.objects.filter(closed_at__isnull=True, answered_at__isnull=True, remind_at__lte=now)
    return sum(_remind(pk, now) for pk in late.order_by("remind_at").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _remind(pk: int, now: datetime) -> int:
    waiting = Conversation.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    late = waiting.select_related("clinic").filter(pk=pk, closed_at__isnull=True, answered_at__isnull=True)
    conversation = late.filter(remind_at__lte=now).first()
    if conversation is None or conversation.answer_by is None:
        return 0
    conversation.reminded += 1
    again = now + timedelta(minutes=conversation.clinic.red_flag_minutes)
    conversation.remind_at = again if conversation.reminded < MOST_REMINDERS else None
    conversation.save(update_fields=["reminded", "remind_at"])
    cause = f"late:{conversation.answer_by:%Y%m%d%H%M%S}:{conversation.reminded}"
    call_staff(conversation, cause=cause, everyone=True, now=now)
    open_task(
        clinic_id=conversation.clinic_id, client_id=conversation.client_id, kind="red_flag_unanswered",
        cause=f"red_flag_unanswered:{conversation.pk}:{conversation.answer_by:%Y%m%d%H%M%S}",
        facts={"conversation": conversation.pk, "urgent": True}, due_at=conversation.answer_by, now=now,
    )  # fmt: skip
    return 1
