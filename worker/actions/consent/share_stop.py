"""A stop that one row of an address has heard becomes a stop of all its rows (P2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import Ended, revoke_standings
from worker.models.suppression import SuppressionReason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Standing

METHOD = "rotation"


def share_stop(rows: Sequence[Standing], *, now: datetime) -> bool:
    """Stop every row of an address as the first that is stopped; False, and nothing changed, when none is.

    The caller holds their locks; `now` aware UTC. For rows that were made while processes knew different keys, as long
    as the address can still be read: later nobody could tell that they are one.
    """
    reasons = {row.pk: SuppressionReason(row.suppressed_why) for row in rows if row.suppressed_why}
    if not reasons:
        return False
    first, reason = next(iter(reasons.items()))
    said = Revocation(reason=reason, method=METHOD, by="system", received_at=now, source=f"standing:{first}")
    if left := [row for row in rows if row.suppressed_at is None]:
        revoke_standings([Ended(row, said, already=False) for row in left], now=now)
    return True
