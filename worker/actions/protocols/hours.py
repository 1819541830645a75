"""Other hours for a clinic: somebody answers for what they do to running courses, and is told whom to call (P5, P6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.clients import find
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Clinic
from worker.models.staff import Role
from worker.new_hours import TOO_LATE, changes, with_hours_of
from worker.opening import refuse_wider_than_law
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.clinic import ClinicShape


def follow_hours(shape: ClinicShape, *, hours_by: str, now: datetime) -> None:
    """Refuse hours that hold up planned messages unless `hours_by` looked at it; a call for each that comes too late.

    In the caller's transaction, before the clinic is changed. Nothing is moved: the gate asks the hours of the day.
    Raises Refusals.
    """
    clinic = Clinic.objects.select_for_update(no_key=True).filter(slug=shape.slug).first()
    if clinic is None:
        return
    changed = with_hours_of(clinic, shape)
    refuse_wider_than_law(changed)
    found = list(changes(clinic, changed, now=now))
    if not found:
        return
    late = [each.message for each in found if each.what == TOO_LATE]
    if not hours_by:
        problem = f"would hold up {len(found)} planned messages, {len(late)} of them until they are no longer true"
        mend = "look at it with --preview, then add --hours-by EMAIL of a practitioner or owner"
        raise Refusals([Refusal("clinic.hours", problem, mend)])
    person = find.staff(hours_by, clinic_id=clinic.pk, roles=(Role.PRACTITIONER, Role.OWNER), field="hours_by")
    for message in late:
        open_task(
            clinic_id=clinic.pk, client_id=message.client_id, kind="hand_over", cause=f"hand_over:{message.occasion}",
            facts={"step": message.step.code, "channel": message.channel, "version": message.version_id},
            due_at=message.expires_at, now=now,
        )  # fmt: skip
    record(
        clinic_id=clinic.pk, kind="hours_changed", subject=f"clinic:{clinic.pk}", actor=f"staff:{person.pk}", at=now,
        facts={"held_up": len(found), "too_late": len(late)},
    )  # fmt: skip
