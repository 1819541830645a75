"""One click, or the button of the page behind a link: every purpose at that address ends (rules 109-114)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from worker import sealed
from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_once
from worker.actions.receive.confirm_stop import confirm_stop
from worker.actions.receive.follow_up import follow_up
from worker.models import Contact
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing


@transaction.atomic
def unsubscribe(*, link_key: int, method: str, now: datetime) -> bool:
    """One click, or the page's button: end every purpose at that address; False when no contact has such a link.

    After an erasure too: enrolled anew she gets mail at the same address, and a mail of before is as good as any.
    """
    contact = Contact.objects.filter(link_key=link_key).select_related("client").first()
    if contact is None:
        return False
    said = Revocation(
        reason=SuppressionReason.LINK, method=method, by="client", received_at=now, source=f"contact:{contact.pk}"
    )
    rows = standings.lock_addresses([contact.standing_id])
    follow_up(rows, now=now)
    row = next(row for row in rows if row.pk == contact.standing_id)
    first = row.suppressed_at is None
    revoke_once(rows, said=said, now=now)
    if first and contact.channel == Channel.EMAIL:
        _confirm_by_mail(row, contact, now)
    return True


def _confirm_by_mail(row: Standing, contact: Contact, now: datetime) -> None:
    """Erased, or without its key, the address can't be written to, which is no reason to undo the stop."""
    if contact.address_sealed is None:
        return
    try:
        address = sealed.unseal(contact.address_sealed, "contact.address")
    except sealed.Unreadable:
        return
    hers = contact if contact.valid_to is None else None  # on a shared mailbox it is hers, not the newest client's
    confirm_stop(row, cause=f"link:{contact.pk}", address=address, since=now, now=now, to=hers)
