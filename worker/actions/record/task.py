"""Open a task for a person, once per cause, and note who did it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker.actions.clients import find
from worker.actions.record.audit import record
from worker.models import Message, StaffTask
from worker.models.store import store
from worker.rules.names import AnswerKind
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DECIDED = "contradiction"


def open_task(
    *,
    clinic_id: int,
    client_id: int | None,
    kind: str,
    cause: str,
    now: datetime,
    facts: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> None:
    """Put one thing before staff, in the caller's transaction; the same cause opens nothing twice."""
    open_tasks(
        [
            StaffTask(
                clinic_id=clinic_id, client_id=client_id, kind=kind, cause=cause[:200], facts=facts or {},
                opened_at=now, due_at=due_at,
            )
        ]
    )  # fmt: skip


def open_tasks(tasks: Sequence[StaffTask]) -> None:
    """The same for several of different causes, in one statement."""
    store(tasks, unless_there="cause")


def optin_failed(message_id: int, *, now: datetime) -> None:
    """Tell staff that an opt-in question or confirmation did not get through: a whole course waits for it (rules 6, 7).

    Does nothing for any other message.
    """
    opens = (AnswerKind.OPTIN_QUESTION, AnswerKind.OPTIN_CONFIRMATION)
    found = Message.objects.filter(pk=message_id, kind__in=opens).values("clinic_id", "client_id")
    for row in found:
        open_task(
            clinic_id=row["clinic_id"],
            client_id=row["client_id"],
            kind="optin_failed",
            cause=f"optin_failed:{message_id}",
            facts={"message": message_id},
            now=now,
        )


@transaction.atomic
def finish(*, task_id: int, by: str, now: datetime) -> bool:
    """One task is done; `by` is the email of one of its clinic's staff. False when it was done before.

    Raises Refusals; then nothing changed. A contradiction is decided by a practitioner, never ticked off: with its task
    gone both texts would wait until they are missed, and nobody would know.
    """
    task = StaffTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()
    if task is None:
        raise Refusals([Refusal("id", "is no task here", "see `aftercare tasks`")])
    staff = find.staff(by, clinic_id=task.clinic_id, roles=find.DESK, field="by")
    if task.done_at is not None:
        return False
    if task.kind == DECIDED:
        mend = "let a practitioner say which treatment counts, by `aftercare settle`"
        raise Refusals([Refusal("id", "is a contradiction, which nobody has decided", mend)])
    task.done_at, task.done_by = now, f"staff:{staff.pk}"
    task.save(update_fields=["done_at", "done_by"])
    record(
        clinic_id=task.clinic_id, kind="task_done", subject=f"task:{task.pk}", actor=f"staff:{staff.pk}", at=now,
        code=task.kind,
    )  # fmt: skip
    return True
