"""Every address that is still held leads to the standing row it is kept with: nobody gave one's stop to another (P2).

A fingerprint changes with its key, so it is no part of the chain; the sealed addresses beside it tell what it must be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.models import Contact, Message
from worker.rules.address import normalise_email
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.models import Standing

PAGE = 1000


def misplaced(clinic_id: int) -> Iterator[str]:
    """Each standing row of a clinic whose fingerprint is not that of its own contact or answer, once.

    An address that can't be read, or that was erased, tells nothing; `doctor` names a key that is missing.
    """
    told: set[int] = set()
    for row, address in _kept(clinic_id):
        prints = {made.digest for made in sealed.fingerprints(row.clinic_id, row.channel, address)}
        if bytes(row.fingerprint) not in prints and row.pk not in told:
            told.add(row.pk)
            yield f"standing {row.pk} is not that of the address kept with it: its fingerprint was changed"


def _kept(clinic_id: int) -> Iterator[tuple[Standing, str]]:
    known = {made.key_id for made in sealed.fingerprints(0, "", "")}
    for table in (Contact, Message):
        rows = table._default_manager.filter(clinic_id=clinic_id, address_sealed__isnull=False)  # noqa: SLF001 - Django documents it as public
        for each in rows.filter(standing__key_id__in=known).select_related("standing").order_by("pk").iterator(PAGE):
            address = _opened(each.address_sealed)
            if address:
                yield each.standing, normalise_email(address)[1] if each.channel == Channel.EMAIL else address


def _opened(stored: bytes | memoryview | None) -> str:
    try:
        return sealed.unseal(stored, "contact.address") if stored else ""
    except sealed.Unreadable:
        return ""
