"""The client answers a reminder: her visit knows it, the last answer counts, another time is a task for staff (P7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q

from worker.actions.receive.ask_staff import whose
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Appointment, Message, StaffTask
from worker.models.appointment import Answer, AppointmentStatus
from worker.rules.states import State
from worker.rules.visit_question import ask_by
from worker.rules.visit_words import VisitWord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Inbound, Standing

WENT = (State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNDELIVERED, State.UNKNOWN, State.UNRESOLVED)
ANSWERS = {VisitWord.CONFIRM: Answer.CONFIRMED, VisitWord.ANOTHER_TIME: Answer.ANOTHER_TIME}


def answer_visit(rows: Sequence[Standing], *, word: VisitWord, stored: Inbound, now: datetime) -> None:
    """Note what she says of the visit she was reminded of there, in the caller's transaction, who holds the locks.

    `rows` are all rows of the phone or mailbox (`consent.twins`), for the reminder may have gone by any; the first
    speaks for it. Her wish for another time is never lost: without a reminded visit, or with those of several people
    behind one phone, staff are asked. The visit itself stays where it is until somebody moves it.
    """
    row = rows[0]
    visits = _reminded(rows, stored.received_at)
    if len({each.client_id for each in visits}) > 1:
        _ask(row, visits[0].client_id, "whose_visit", None, stored, now)
    elif visits:
        _note(row, visits[0], word, stored, now)
    elif word is VisitWord.ANOTHER_TIME:
        _ask(row, whose(row), "another_time", None, stored, now)


def _reminded(rows: Sequence[Standing], at: datetime) -> list[Appointment]:
    """The visits to come of whose present time a reminder went to that address, the nearest first."""
    reminder = Message.objects.filter(
        standing__in=rows, appointment=OuterRef("pk"), generation=OuterRef("generation"), state__in=WENT
    )
    booked = Appointment.objects.filter(
        Exists(reminder), clinic_id=rows[0].clinic_id, status=AppointmentStatus.BOOKED, starts_at__gt=at
    )
    return list(booked.order_by("starts_at", "pk"))


def _note(row: Standing, visit: Appointment, word: VisitWord, stored: Inbound, now: datetime) -> None:
    unsaid = Q(answered_at__isnull=True) | Q(answered_at__lte=stored.received_at)
    fresh = Appointment.objects.filter(unsaid, pk=visit.pk, generation=F("generation")).update(
        answer=ANSWERS[word], answered_at=stored.received_at
    )
    if not fresh:  # heard of late, and she has said something else since
        return
    record(
        clinic_id=row.clinic_id, kind="visit_answered", subject=f"appointment:{visit.pk}", actor="client", at=now,
        code=ANSWERS[word], facts={"inbound": stored.pk, "generation": visit.generation},
    )  # fmt: skip
    asked = StaffTask.objects.filter(
        clinic_id=row.clinic_id, client_id=visit.client_id, kind="another_time", done_at__isnull=True
    )
    if word is VisitWord.ANOTHER_TIME:
        _ask(row, visit.client_id, "another_time", visit, stored, now)
    else:
        asked.filter(facts__appointment=visit.pk).update(done_at=now, done_by="client")


def _ask(
    row: Standing, client_id: int | None, kind: str, visit: Appointment | None, stored: Inbound, now: datetime
) -> None:
    open_task(
        clinic_id=row.clinic_id, client_id=client_id, kind=kind, cause=f"{kind}:inbound:{stored.pk}",
        facts={"inbound": stored.pk, **({"appointment": visit.pk} if visit else {})},
        due_at=ask_by(visit.starts_at, now) if visit else None, now=now,
    )  # fmt: skip
