"""Plan an answer to a person's own act: from the fixed list, with an approved text, once per cause (rules 22, 31)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker import sealed
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Approval, Client, Clinic, Contact, Message, Step
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

USEFUL = {
    AnswerKind.OPTIN_QUESTION: timedelta(hours=48),
    AnswerKind.STOP_CONFIRMATION: timedelta(minutes=5),  # later than this it is a message, not a confirmation (rule 22)
    AnswerKind.START_CONFIRMATION: timedelta(minutes=30),
    AnswerKind.HELP: timedelta(minutes=30),
    AnswerKind.SAFETY_REPLY: timedelta(minutes=30),
}


def plan_answer(
    standing: Standing,
    *,
    kind: AnswerKind,
    cause: str,
    address: str,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    to: Contact | None = None,
) -> Message | None:
    """Plan one answer in the caller's transaction; None where no approved text exists, or the cause was answered.

    `since` is when the person wrote (default now): the answer's short useful time runs from there, or goes `until`.
    `to` is whose answer it is, where an address may be several people's; by default its newest client's.
    """
    occasion = f"a:{standing.clinic_id}:{standing.channel}:{kind}:{cause}"
    step = approved_step(standing, kind, now)
    if step is None or Message.objects.filter(occasion=occasion).exists():
        record(
            clinic_id=standing.clinic_id,
            kind="unanswered",
            subject=f"standing:{standing.pk}",
            actor="system",
            at=now,
            code="no_approved_text" if step is None else "answered_already",
            facts={"kind": kind, "cause": cause},
        )
        return None
    contact = to or Contact.objects.filter(standing=standing, valid_to__isnull=True).order_by("-pk").first()
    client = contact.client if contact else None
    message = Message.objects.create(
        clinic_id=standing.clinic_id,
        client=client,
        contact=contact,
        standing=standing,
        address_sealed=None if contact else sealed.seal(address, "contact.address"),
        channel=standing.channel,
        purpose=step.purpose,
        cls=MessageClass.ANSWER,
        kind=kind,
        version_id=step.version_id,
        step=step,
        occasion=occasion,
        language=_language(client, standing.clinic_id),
        zone=client.zone if client else Clinic.objects.values_list("zone", flat=True).get(pk=standing.clinic_id),
        state=State.PLANNED,
        due_at=now,
        expires_at=max(until or (since or now) + USEFUL[kind], now + timedelta(microseconds=1)),
        created_at=now,
    )
    make_ready([message], now=now)
    return message


def approved_step(standing: Standing, kind: AnswerKind, now: datetime) -> Step | None:
    """The step that answers: of a version that this address has messages of, else of any the clinic approved."""
    standing_ones = Approval.objects.filter(
        withdrawn_at__isnull=True, review_by__gt=now, version__protocol__clinic_id=standing.clinic_id
    )
    steps = Step.objects.filter(version__in=standing_ones.values("version"), kind=kind).order_by("-version_id")
    own = steps.filter(version__in=standing.messages.values("version"))
    return own.first() or steps.first()


def _language(client: Client | None, clinic_id: int) -> str:
    return client.language if client else Clinic.objects.values_list("language", flat=True).get(pk=clinic_id)
