"""CANCEL ended the texts; whether it meant a visit, only a person can ask (rule 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.record.task import open_task
from worker.models import Appointment, Contact
from worker.models.appointment import AppointmentStatus
from worker.rules.visit_question import NEAR, ask_by, is_near

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing


def ask_about_visits(row: Standing, *, source: str, now: datetime) -> None:
    """Open a task for each near visit of whoever is reached there; the visit itself stays as it is.

    In the caller's transaction. `source` names what was written, "inbound:12".
    """
    clients = Contact.objects.filter(standing=row, valid_to__isnull=True).values("client_id")
    booked = Appointment.objects.filter(
        client_id__in=clients, status=AppointmentStatus.BOOKED, starts_at__gt=now, starts_at__lte=now + NEAR
    )
    for visit in booked.order_by("starts_at", "pk"):
        if is_near(visit.starts_at, now):
            open_task(
                clinic_id=row.clinic_id,
                client_id=visit.client_id,
                kind="cancel_or_stop",
                cause=f"cancel_or_stop:{source}:{visit.pk}",
                facts={"source": source, "appointment": visit.pk, "starts_at": visit.starts_at.isoformat()},
                due_at=ask_by(visit.starts_at, now),
                now=now,
            )
