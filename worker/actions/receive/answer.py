"""Plan an answer to a person's own act: from the fixed list, with an approved text, once per cause (rules 22, 31)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from worker import sealed
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Clinic, Message
from worker.models.rows import among, fetch
from worker.models.store import store
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One answer that is due to a person's own act.

    `since` is when the person wrote (default now): the answer's short useful time runs from there, or goes `until`.
    `to` is whose answer it is, where an address may be several people's; by default its newest client's.
    """

    standing: Standing
    kind: AnswerKind
    cause: str
    address: str
    since: datetime | None = None
    until: datetime | None = None
    to: Contact | None = None


def plan_answer(standing: Standing, *, kind: AnswerKind, cause: str, now: datetime, **more: Any) -> Message | None:
    """Plan one answer in the caller's transaction; None where no approved text exists, or the cause was answered.

    `more` as in `Asked`.
    """
    planned = plan_answers([Asked(standing=standing, kind=kind, cause=cause, **more)], now=now)
    return planned[0] if planned else None


def plan_answers(asked: Sequence[Asked], *, now: datetime) -> list[Message]:
    """The same for several of different causes, in as many statements as for one; those that are planned now."""
    steps = _approved_steps([(each.standing, each.kind) for each in asked], now)
    messages = []
    for each, step, reader in zip(asked, steps, _readers(asked), strict=True):
        if step is None:
            unanswered(each, "no_approved_text", now)
        else:
            messages.append((each, _message(each, step, reader, now)))
    planned = store([message for _, message in messages], unless_there="occasion")
    make_ready(planned, now=now)
    for each, message in messages:
        if message not in planned:
            unanswered(each, "answered_already", now)
    return planned


def _message(asked: Asked, step: ApprovedStep, reader: _Reader, now: datetime) -> Message:
    standing = asked.standing
    useful_until = asked.until or (asked.since or now) + USEFUL[asked.kind]
    return Message(
        clinic_id=standing.clinic_id,
        client_id=reader.client_id,
        contact_id=reader.contact_id,
        standing=standing,
        address_sealed=None if reader.contact_id else sealed.seal(asked.address, "contact.address"),
        channel=standing.channel,
        purpose=step.purpose,
        cls=MessageClass.ANSWER,
        kind=asked.kind,
        version_id=step.version_id,
        step_id=step.pk,
        occasion=f"a:{standing.clinic_id}:{standing.channel}:{asked.kind}:{asked.cause}",
        language=reader.language,
        zone=reader.zone,
        state=State.PLANNED,
        due_at=now,
        expires_at=max(useful_until, now + timedelta(microseconds=1)),
        created_at=now,
    )


def unanswered(asked: Asked, why: str, now: datetime) -> None:
    """Put on record, in the caller's transaction, why an answer will not be given."""
    record(
        clinic_id=asked.standing.clinic_id,
        kind="unanswered",
        subject=f"standing:{asked.standing.pk}",
        actor="system",
        at=now,
        code=why,
        facts={"kind": asked.kind, "cause": asked.cause},
    )


class ApprovedStep(NamedTuple):
    """A step whose words a standing approval covers."""

    pk: int
    version_id: int
    purpose: str


def approved_step(standing: Standing, kind: StepKind, now: datetime) -> ApprovedStep | None:
    """The step that answers at one address."""
    return _approved_steps([(standing, kind)], now)[0]


def _approved_steps(asked: Sequence[tuple[Standing, StepKind]], now: datetime) -> list[ApprovedStep | None]:
    """The step of each answer: of a version that its address has messages of, else of any the clinic approved."""
    known = {key: _approved(*key, now) for key in {(row.clinic_id, kind) for row, kind in asked}}
    choice = {row.pk for row, kind in asked if len(known[row.clinic_id, kind]) > 1}
    hers = _versions_of(choice) if choice else frozenset()
    return [_best(known[row.clinic_id, kind], hers, row.pk) for row, kind in asked]


def _best(steps: Sequence[ApprovedStep], hers: Collection[tuple[Any, ...]], standing_id: int) -> ApprovedStep | None:
    newest = steps[0] if steps else None
    return next((step for step in steps if (standing_id, step.version_id) in hers), newest)


def _approved(clinic_id: int, kind: StepKind, now: datetime) -> list[ApprovedStep]:
    """The newest version's first."""
    found = fetch(
        "SELECT s.id, s.version_id, s.purpose FROM aftercare_step s "
        "JOIN aftercare_approval a ON a.version_id = s.version_id "
        "JOIN aftercare_protocolversion v ON v.id = s.version_id JOIN aftercare_protocol p ON p.id = v.protocol_id "
        "WHERE s.kind = %s AND p.clinic_id = %s AND a.withdrawn_at IS NULL AND a.review_by > %s "
        "ORDER BY s.version_id DESC, s.id",
        [kind, clinic_id, now],
    )
    return [ApprovedStep(*each) for each in found]


def _versions_of(standings: Collection[int]) -> frozenset[tuple[Any, ...]]:
    """(address, version) of all messages there."""
    these, ids = among("standing_id", standings)
    return frozenset(fetch(f"SELECT DISTINCT standing_id, version_id FROM aftercare_message WHERE {these}", ids))


class _Reader(NamedTuple):
    contact_id: int | None
    client_id: int | None
    language: str
    zone: str


def _readers(asked: Sequence[Asked]) -> list[_Reader]:
    """Whose answers they are, and how each is written: her language and zone, the clinic's for a number nobody has."""
    chosen = _people("k.id", [each.to.pk for each in asked if each.to])
    newest = _people("k.standing_id", [each.standing.pk for each in asked if not each.to], "AND k.valid_to IS NULL")
    found = [chosen.get(each.to.pk) if each.to else newest.get(each.standing.pk) for each in asked]
    alone = {each.standing.clinic_id for each, reader in zip(asked, found, strict=True) if reader is None}
    clinics = Clinic.objects.only("language", "zone").in_bulk(alone) if alone else {}
    return [reader or _nobody(clinics[each.standing.clinic_id]) for each, reader in zip(asked, found, strict=True)]


def _nobody(clinic: Clinic) -> _Reader:
    return _Reader(None, None, clinic.language, clinic.zone)


def _people(column: str, ids: Collection[int], more: str = "") -> dict[int, _Reader]:
    """The newest contact for each value of that column."""
    if not ids:
        return {}
    these, given = among(column, ids)
    found = fetch(
        f"SELECT {column}, k.id, k.client_id, c.language, c.zone FROM aftercare_contact k "
        f"JOIN aftercare_client c ON c.id = k.client_id WHERE {these} {more} ORDER BY k.id",
        given,
    )
    return {key: _Reader(*reader) for key, *reader in found}
