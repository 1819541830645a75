"""One client's data, decrypted, for herself (GDPR 15 and 20); that it was taken out is itself on record (rule 67)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker import sealed
from worker.actions.clients import find
from worker.actions.privacy.copybook import copied
from worker.actions.privacy.erase import known
from worker.actions.record.audit import record
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

FORMAT = "aftercare client export 1"


@transaction.atomic
def export(*, client_id: int, by: str, now: datetime) -> dict[str, Any]:
    """Everything we hold about one client as JSON types; `by` is the email of one of her clinic's staff, or "".

    Raises Refusals for an unknown client, and where a key is missing: a copy with gaps would be a false answer.
    """
    client = known(client_id)
    staff = find.staff(by, clinic_id=client.clinic_id, roles=find.DESK, field="by") if by else None
    try:
        said = copied(client)
    except sealed.Unreadable as error:
        mend = "put the missing key back at the end of FIELD_KEYS"
        raise Refusals([Refusal("client", f"can't be read: {error}", mend)]) from None
    counts = {name: len(rows) for name, rows in said.items() if isinstance(rows, list)}
    record(
        clinic_id=client.clinic_id, kind="exported", subject=f"client:{client.pk}", at=now, facts=counts,
        actor=f"staff:{staff.pk}" if staff else "command", sealed=True,
    )  # fmt: skip
    return {"format": FORMAT, "exported_at": now.isoformat(), **said}
