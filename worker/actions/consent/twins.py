"""Every row of one address: the one place that knows that there may be several (P2).

Where processes ran with different FINGERPRINT_KEYS an address has a row under each key. What is said of it is said of
all of them: a row that a stop passed over would still be sent to, and one that a hold passed over as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.models import Contact, Message, StaffContact, Standing
from worker.rules.address import normalise_email
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def rows_of(clinic_id: int, channel: str, address: str) -> list[int]:
    """The ids of a normalised address's rows under every key, in id order, not locked; none when it is unknown."""
    digests = [each.digest for each in sealed.fingerprints(clinic_id, channel, address)]
    there = Standing.objects.filter(clinic_id=clinic_id, channel=channel, fingerprint__in=digests)
    return list(there.order_by("pk").values_list("pk", flat=True))


def twins_of(ids: Iterable[int]) -> list[int]:
    """The ids of the other rows of these rows' addresses, not locked: for whoever names a row and not an address.

    With a single key there can be none, and nothing is looked up; with more it costs some three short queries for each
    row. A row whose address is erased, or can't be read, tells of none.
    """
    rows = set(ids)
    if not rows or len(sealed.fingerprints(0, "", "")) == 1:
        return []
    found: set[int] = set()
    for row in Standing.objects.filter(pk__in=rows):
        if (address := address_of(row)) is not None:
            found.update(rows_of(row.clinic_id, row.channel, address))
    return sorted(found - rows)


def address_of(row: Standing) -> str | None:
    """What a row was made of, normalised; None when it is stored nowhere any more, or can't be read.

    Believed only where the row's own fingerprint says the same: a mistake here would forget a stop, or end a stranger's
    consents.
    """
    for address in _written(row):
        prints = sealed.fingerprints(row.clinic_id, row.channel, address)
        if bytes(row.fingerprint) in {made.digest for made in prints}:
            return address
    return None


def _written(row: Standing) -> Iterator[str]:
    """Every address that is stored beside a row, each looked up only when those before were of no use."""
    filled = {"standing": row, "address_sealed__isnull": False}
    contacts = Contact.objects.filter(**filled).order_by("-pk").values_list("address_sealed", flat=True)
    staff = StaffContact.objects.filter(**filled).order_by("-pk").values_list("address_sealed", flat=True)
    answers = Message.objects.filter(**filled).order_by("-pk").values_list("address_sealed", flat=True)[:1]
    for stored in (contacts, staff, answers):
        for each in stored:
            if address := _opened(each):
                yield normalise_email(address)[1] if row.channel == Channel.EMAIL else address


def _opened(stored: bytes | memoryview | None) -> str:
    try:
        return sealed.unseal(stored, "contact.address") if stored else ""
    except sealed.Unreadable:
        return ""
