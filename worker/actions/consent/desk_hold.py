"""The desk pauses one client, or takes its pause back: nothing automatic reaches her meanwhile (rules 17, 58)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.release import release_row
from worker.models import Contact, Hold
from worker.rules.refusal import Refusal, Refusals
from worker.rules.release import ReleaseReason

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

WHY = "desk"


@transaction.atomic
def hold_client(*, client_id: int, by: str, now: datetime) -> int:
    """Hold every address of a client; how many. `by` is "staff:12". Raises Refusals; then nothing changed.

    One that is held already is held for the desk as well: else it would be free as soon as the other hold ends.
    """
    ids = _addresses(client_id)
    rows = [row for row in standings.lock_addresses(ids) if WHY not in _causes(row)]
    if not rows:
        raise Refusals([Refusal("client", "has no address, or is paused already", "nothing to do")])
    for row in rows:
        hold_standing(row, why=WHY, source=by, now=now)
    return sum(row.pk in ids for row in rows)


@transaction.atomic
def undo_hold(*, client_id: int, by: str, now: datetime) -> int:
    """Take the desk's own pause back; how many messages are planned again. Raises Refusals; then nothing changed.

    What else held an address of hers before stays. Where something came on top of the pause, an unclear reply for
    example, nobody has read it: nothing ends until somebody says what she found out (rule 17).
    """
    rows = standings.lock_addresses(_addresses(client_id))
    causes = {row: _causes(row) for row in rows if row.held_at is not None}
    paused = [row for row, whys in causes.items() if WHY in whys]
    if not paused:
        raise Refusals([Refusal("client", "is not paused any more", "nothing to do")])
    if any(set(causes[row][causes[row].index(WHY) :]) != {WHY} for row in paused):
        mend = "read what came in, then say what you found out"
        raise Refusals([Refusal("reason", "is needed: she was put on hold again meanwhile", mend)])
    return sum(release_row(row, actor=by, reason=ReleaseReason.MISTAKE, now=now, only=WHY) for row in paused)


def _addresses(client_id: int) -> set[int]:
    hers = Contact.objects.filter(client=client_id, valid_to__isnull=True)
    return set(hers.values_list("standing_id", flat=True))


def _causes(row: Standing) -> list[str]:
    """Why it is held, in the order in which it came."""
    living = Hold.objects.filter(standing=row, released_at__isnull=True).order_by("pk")
    return list(living.values_list("why", flat=True))
