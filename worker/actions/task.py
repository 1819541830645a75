"""Open a task for a person, once per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models import Message, StaffTask
from worker.rules.names import AnswerKind

if TYPE_CHECKING:
    from datetime import datetime


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
    StaffTask.objects.bulk_create(
        [
            StaffTask(
                clinic_id=clinic_id,
                client_id=client_id,
                kind=kind,
                cause=cause[:200],
                facts=facts or {},
                opened_at=now,
                due_at=due_at,
            )
        ],
        ignore_conflicts=True,
    )


def optin_failed(message_id: int, *, now: datetime) -> None:
    """Tell staff that a client's opt-in confirmation did not get through: her whole course waits for it (rule 6).

    Does nothing for any other message.
    """
    found = Message.objects.filter(pk=message_id, kind=AnswerKind.OPTIN_CONFIRMATION).values("clinic_id", "client_id")
    for row in found:
        open_task(
            clinic_id=row["clinic_id"],
            client_id=row["client_id"],
            kind="optin_failed",
            cause=f"optin_failed:{message_id}",
            facts={"message": message_id},
            now=now,
        )
