"""A clinic's day: who was treated, what still goes out, and what needs a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, F

from worker.models import Message, StaffTask, Treatment
from worker.reading.directory import name_of
from worker.rules.local_time import instant, local, zone
from worker.rules.states import State

if TYPE_CHECKING:
    from worker.models import Clinic

FEW, MANY = 12, 100  # messages shown one by one; people and tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """Somebody who was here today."""

    client: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A message that still goes out today; the client's own clock says when."""

    client: int | None
    name: str
    step: str
    channel: str
    at: datetime
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One thing that needs a person."""

    pk: int
    kind: str
    client: int | None
    name: str
    opened_at: datetime
    due_at: datetime | None
    overdue: bool
    conversation: int | None  # where it is answered; a task alone stops no clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The whole page, in four queries; `going` holds the next few, `by_channel` counts all, `todos` are at most 100."""

    treated: list[Treated]
    going: list[Going]
    by_channel: dict[str, int]
    todos: list[Todo]
    more_todos: bool


def today(clinic: Clinic, *, now: datetime) -> Today:
    """What the clinic's own calendar day holds."""
    place = zone(clinic.zone)
    day = local(now, place).date()
    begins, ends = instant(day, time(0), place), instant(day + timedelta(days=1), time(0), place)
    todos = _todos(clinic, now)
    return Today(
        treated=_treated(clinic, begins, ends),
        going=_going(clinic, ends),
        by_channel=_counted(clinic, ends),
        todos=todos[:MANY],
        more_todos=len(todos) > MANY,
    )


def _treated(clinic: Clinic, begins: datetime, ends: datetime) -> list[Treated]:
    rows = Treatment.objects.filter(
        clinic=clinic, performed_at__gte=begins, performed_at__lt=ends, voided_at__isnull=True
    ).select_related("client")
    return [
        Treated(client=row.client_id, name=name_of(row.client), at=row.performed_at)
        for row in rows.order_by("-performed_at", "pk")[:MANY]
    ]


def _going(clinic: Clinic, ends: datetime) -> list[Going]:
    rows = Message.objects.filter(clinic=clinic, state=State.PLANNED, due_at__lt=ends).select_related("client", "step")
    return [
        Going(
            client=row.client_id, name=name_of(row.client) if row.client else "", step=row.step.code,
            channel=row.channel, at=row.due_at, zone=row.zone,
        )
        for row in rows.order_by("due_at")[:FEW]
    ]  # fmt: skip


def _counted(clinic: Clinic, ends: datetime) -> dict[str, int]:
    rows = Message.objects.filter(clinic=clinic, state=State.PLANNED, due_at__lt=ends).order_by()
    return dict(Counter(dict(rows.values_list("channel").annotate(many=Count("pk")))))


def _todos(clinic: Clinic, now: datetime) -> list[Todo]:
    rows = StaffTask.objects.filter(clinic=clinic, done_at__isnull=True).select_related("client")
    return [
        Todo(
            pk=row.pk, kind=row.kind, client=row.client_id, name=name_of(row.client) if row.client else "",
            opened_at=row.opened_at, due_at=row.due_at, overdue=row.due_at is not None and row.due_at <= now,
            conversation=row.facts.get("conversation"),
        )
        for row in rows.order_by(F("due_at").asc(nulls_last=True), "opened_at", "pk")[: MANY + 1]
    ]  # fmt: skip
