"""A practitioner says which of two sessions counts where what they ask of a client contradicts (anchors C8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.clients import find
from worker.actions.course.agree import KIND, agree
from worker.actions.course.visit import lock_client
from worker.actions.record.audit import record
from worker.models import StaffTask
from worker.models.staff import Role
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime


@transaction.atomic
def settle(*, task_id: int, keep: int | str, by: str, now: datetime) -> None:
    """A practitioner says which session counts: its messages go on, those of the other on that topic end.

    `keep` is a treatment's id, or "visit:7", as the task names them. Raises Refusals.
    """
    task = StaffTask.objects.select_related("client__clinic").filter(pk=task_id, kind=KIND).first()
    if task is None or task.client is None:
        raise Refusals([Refusal("id", "is no contradiction here", "see `aftercare tasks`")])
    lock_client(task.client.pk)
    person = find.staff(by, clinic_id=task.clinic_id, roles=(Role.PRACTITIONER,), field="by")
    if keep not in task.facts["treatments"]:
        listed = " or ".join(map(str, task.facts["treatments"]))
        raise Refusals([Refusal("keep", "is none of the two treatments", f"name {listed}")])
    task.facts, task.done_at, task.done_by = task.facts | {"keep": keep}, now, f"staff:{person.pk}"
    task.save(update_fields=["facts", "done_at", "done_by"])
    record(
        clinic_id=task.clinic_id, kind="contradiction_settled", subject=f"task:{task.pk}", actor=f"staff:{person.pk}",
        at=now, facts={"keep": keep, "topic": task.facts["topic"]},
    )  # fmt: skip
    agree(task.client, by=f"staff:{person.pk}", now=now)
