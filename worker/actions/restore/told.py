"""The acts of a restore on the record of every clinic: declared or found, compared, released, by whom (rule 142)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.actions.record.audit import chained_at_the_end, record
from worker.models import Clinic

if TYPE_CHECKING:
    from datetime import datetime


def tell(kind: str, *, by: str, now: datetime, code: str = "", facts: dict[str, Any] | None = None) -> None:
    """One event a clinic, in the caller's transaction: each must be able to say why its clients heard nothing (P8)."""
    with chained_at_the_end():  # in one statement, however many clinics there are
        for clinic_id in Clinic.objects.order_by("pk").values_list("pk", flat=True):
            record(clinic_id=clinic_id, kind=kind, subject="database", actor=by, at=now, code=code, facts=facts)
