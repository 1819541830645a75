"""Other rows of the same address, which exist where processes ran with different FINGERPRINT_KEYS (P2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.models import Contact, Standing
from worker.rules.address import normalise_email
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable


def twins_of(ids: Iterable[int]) -> list[int]:
    """The ids of these standing rows' twins, not locked: a stop that names a row, not an address, means them too.

    With a single key there can be none, and nothing is looked up. An address that can't be read tells of none.
    """
    rows = set(ids)
    if len(sealed.fingerprints(0, "", "")) == 1:
        return []
    found: set[int] = set()
    for contact in Contact.objects.filter(standing__in=rows, address_sealed__isnull=False):
        if (address := _address(contact)) is not None:
            digests = [each.digest for each in sealed.fingerprints(contact.clinic_id, contact.channel, address)]
            there = Standing.objects.filter(clinic=contact.clinic_id, channel=contact.channel, fingerprint__in=digests)
            found |= set(there.values_list("pk", flat=True))
    return sorted(found - rows)


def _address(contact: Contact) -> str | None:
    """As the fingerprint was made of it."""
    try:
        written = sealed.unseal(contact.address_sealed or b"", "contact.address")
    except sealed.Unreadable:
        return None
    return normalise_email(written)[1] if contact.channel == Channel.EMAIL else written
