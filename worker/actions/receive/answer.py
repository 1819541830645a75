"""Plan an answer to a person's own act: from the fixed list, with an approved text, once per cause (rules 22, 31)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from worker import sealed
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Clinic, Message
from worker.models.rows import fetch
from worker.models.store import store
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Contact, Standing
    from worker.rules.names import StepKind

USEFUL = {
    AnswerKind.OPTIN_QUESTION: timedelta(hours=48),
    AnswerKind.STOP_CONFIRMATION: timedelta(minutes=5),  # later than this it is a message, not a confirmation (rule 22)
    AnswerKind.START_CONFIRMATION: timedelta(minutes=30),
    AnswerKind.HELP: timedelta(minutes=30),
    AnswerKind.SAFETY_REPLY: timedelta(minutes=30),
    AnswerKind.STAFF_REPLY: timedelta(hours=12),
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
    step = approved_step(standing, kind, now)
    if step is None:
        _unanswered(standing, kind, cause, "no_approved_text", now)
        return None
    reader = _reader(standing, to)
    message = Message(
        clinic_id=standing.clinic_id,
        client_id=reader.client_id,
        contact_id=reader.contact_id,
        standing=standing,
        address_sealed=None if reader.contact_id else sealed.seal(address, "contact.address"),
        channel=standing.channel,
        purpose=step.purpose,
        cls=MessageClass.ANSWER,
        kind=kind,
        version_id=step.version_id,
        step_id=step.pk,
        occasion=f"a:{standing.clinic_id}:{standing.channel}:{kind}:{cause}",
        language=reader.language,
        zone=reader.zone,
        state=State.PLANNED,
        due_at=now,
        expires_at=max(until or (since or now) + USEFUL[kind], now + timedelta(microseconds=1)),
        created_at=now,
    )
    if store([message], unless_there=True):
        make_ready([message], now=now)
        return message
    _unanswered(standing, kind, cause, "answered_already", now)
    return None


def _unanswered(standing: Standing, kind: AnswerKind, cause: str, why: str, now: datetime) -> None:
    record(
        clinic_id=standing.clinic_id,
        kind="unanswered",
        subject=f"standing:{standing.pk}",
        actor="system",
        at=now,
        code=why,
        facts={"kind": kind, "cause": cause},
    )


class ApprovedStep(NamedTuple):
    """A step whose words a standing approval covers."""

    pk: int
    version_id: int
    purpose: str


def approved_step(standing: Standing, kind: StepKind, now: datetime) -> ApprovedStep | None:
    """The step that answers: of a version that this address has messages of, else of any the clinic approved."""
    found = fetch(
        "SELECT s.id, s.version_id, s.purpose FROM aftercare_step s "
        "JOIN aftercare_approval a ON a.version_id = s.version_id "
        "JOIN aftercare_protocolversion v ON v.id = s.version_id JOIN aftercare_protocol p ON p.id = v.protocol_id "
        "WHERE s.kind = %s AND p.clinic_id = %s AND a.withdrawn_at IS NULL AND a.review_by > %s ORDER BY "
        "EXISTS(SELECT 1 FROM aftercare_message m WHERE m.standing_id = %s AND m.version_id = s.version_id) DESC, "
        "s.version_id DESC, s.id LIMIT 1",
        [kind, standing.clinic_id, now, standing.pk],
    )
    return ApprovedStep(*found[0]) if found else None


class _Reader(NamedTuple):
    contact_id: int | None
    client_id: int | None
    language: str
    zone: str


def _reader(standing: Standing, to: Contact | None) -> _Reader:
    """Whose answer it is, and how it is written: her language and zone, the clinic's own for a number nobody has."""
    which, key = ("id", to.pk) if to else ("standing_id", standing.pk)
    known = fetch(
        "SELECT k.id, k.client_id, c.language, c.zone FROM aftercare_contact k "
        f"JOIN aftercare_client c ON c.id = k.client_id WHERE k.{which} = %s "
        f"{'' if to else 'AND k.valid_to IS NULL'} ORDER BY k.id DESC LIMIT 1",
        [key],
    )
    if known:
        return _Reader(*known[0])
    clinic = Clinic.objects.only("language", "zone").get(pk=standing.clinic_id)
    return _Reader(None, None, clinic.language, clinic.zone)
