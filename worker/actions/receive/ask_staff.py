"""A reply that only a person can judge is put before one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.record.task import open_task
from worker.models import Contact

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Conversation, Inbound, Standing


def ask_staff(
    kind: str, row: Standing, stored: Inbound, now: datetime, *, talk: Conversation | None = None
) -> None:  # fmt: skip
    """Open a task about one reply, once, in the caller's transaction; `talk` is where it is answered."""
    open_task(
        clinic_id=row.clinic_id,
        client_id=whose(row),
        kind=kind,
        cause=f"inbound:{stored.pk}",
        facts={"inbound": stored.pk} | ({"conversation": talk.pk} if talk else {}),
        now=now,
    )


def whose(row: Standing) -> int | None:
    """The id of the client whose address that is today; of the first of several, None for an address of nobody."""
    return Contact.objects.filter(standing=row, valid_to__isnull=True).values_list("client_id", flat=True).first()
