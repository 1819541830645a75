"""The desk pauses one client: nothing automatic reaches her until a person ends it (rules 17, 58)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.models import Contact
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

WHY = "desk"


@transaction.atomic
def hold_client(*, client_id: int, by: str, now: datetime) -> int:
    """Hold every address of a client; how many. `by` is "staff:12". Raises Refusals; then nothing changed."""
    ids = Contact.objects.filter(client=client_id, valid_to__isnull=True).values_list("standing_id", flat=True)
    rows = [row for row in standings.lock(ids) if row.held_at is None]
    if not rows:
        raise Refusals([Refusal("client", "has no address, or is paused already", "nothing to do")])
    for row in rows:
        hold_standing(row, why=WHY, source=by, now=now)
    return len(rows)
