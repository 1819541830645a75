"""Find a client again by what the desk has in hand: a name, a phone, its last four digits, a mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, OuterRef

from worker import sealed
from worker.models import Client, ClientSearch, Contact
from worker.models.client import SearchKind
from worker.rules.address import normalise_email
from worker.rules.look_up import SHORTEST, normalised
from worker.rules.names import Channel
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Clinic

LAST = 4  # digits of a phone's end
MOST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A client as a list shows her; the phone is masked but for its end (rule 67)."""

    pk: int
    name: str
    phone_end: str
    has_email: bool
    enrolled_at: datetime
    erased: bool


def find(clinic: Clinic, text: str) -> list[Found]:
    """The newest clients that every word of `text` fits, at most 30; nothing for a text too short to look for."""
    wanted = list(_wanted(clinic, text))
    if not wanted:
        return []
    found = Client.objects.filter(clinic=clinic, erased_at__isnull=True)
    for kind, value in wanted:
        found = found.filter(Exists(_hashes(clinic, kind, value).filter(client=OuterRef("pk"))))
    return listed(found.order_by("-pk")[:MOST])


def newest(clinic: Clinic, many: int = MOST) -> list[Found]:
    """Whom the desk enrolled last."""
    return listed(Client.objects.filter(clinic=clinic).order_by("-pk")[:many])


def with_address(clinic: Clinic, *, phone: str, email: str) -> list[Found]:
    """Clients who have this phone or mailbox today: the same person a second time, or her family (rule 134)."""
    kinds = [(kind, value) for kind, value in ((SearchKind.PHONE, phone), (SearchKind.EMAIL, email)) if value]
    ids: set[int] = set()
    for kind, value in kinds:
        ids |= set(_hashes(clinic, kind, value).values_list("client_id", flat=True)[:MOST])
    return listed(Client.objects.filter(pk__in=ids).order_by("-pk")) if ids else []


def listed(clients: Iterable[Client]) -> list[Found]:
    """Clients with what may be shown of their addresses; one query for all of them."""
    rows = list(clients)
    ends: dict[int, dict[str, str]] = {}
    current = Contact.objects.filter(client__in=rows, valid_to__isnull=True, address_sealed__isnull=False)
    for contact in current:
        ends.setdefault(contact.client_id, {})[contact.channel] = sealed.unseal(
            bytes(contact.address_sealed or b""), "contact.address"
        )
    return [_found(row, ends.get(row.pk, {})) for row in rows]


def name_of(client: Client) -> str:
    """A client's name, or "" once it was erased."""
    return sealed.unseal(client.name_sealed, "client.name") if client.name_sealed else ""


def _found(row: Client, reach: dict[str, str]) -> Found:
    return Found(
        pk=row.pk,
        name=name_of(row),
        phone_end=reach.get(Channel.SMS, "")[-LAST:],
        has_email=Channel.EMAIL in reach,
        enrolled_at=row.created_at,
        erased=row.erased_at is not None,
    )


def _wanted(clinic: Clinic, text: str) -> Iterable[tuple[SearchKind, str]]:
    said = text.strip()[:120]
    if "@" in said:
        try:
            yield SearchKind.EMAIL, normalise_email(said)[1]
        except Refusal:
            yield SearchKind.EMAIL, said
        return
    digits = "".join(letter for letter in said if letter.isdigit())
    if digits and not any(letter.isalpha() for letter in said):
        yield from _number(clinic, said, digits)
        return
    for word in normalised(said).split():
        if len(word) >= SHORTEST:
            yield SearchKind.NAME, word


def _number(clinic: Clinic, said: str, digits: str) -> Iterable[tuple[SearchKind, str]]:
    if len(digits) == LAST:
        yield SearchKind.LAST4, digits
        return
    try:
        yield (
            SearchKind.PHONE,
            parse_phone(said, clinic.country, allow_fiction=settings.ALLOW_FICTION_NUMBERS, field="phone").e164,
        )
    except Refusal:
        yield SearchKind.PHONE, digits


def _hashes(clinic: Clinic, kind: SearchKind, value: str) -> QuerySet[ClientSearch]:
    made = [each.digest for each in sealed.fingerprints(clinic.pk, f"search.{kind}", value)]
    return ClientSearch.objects.filter(clinic=clinic, kind=kind, digest__in=made)
