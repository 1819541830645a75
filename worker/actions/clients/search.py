"""Keyed hashes by which the desk finds a client again: name-token prefixes, whole phone, its end, and email."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker import sealed
from worker.models import ClientSearch
from worker.models.client import SearchKind
from worker.rules.look_up import SHORTEST, normalised
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from worker.models import Client


def tokens_of(name: str, phone: str, email: str) -> Iterator[tuple[SearchKind, str]]:
    """Every thing a client may be looked up by, normalised."""
    for word in normalised(name).split():
        for end in range(SHORTEST, len(word) + 1):
            yield SearchKind.NAME, word[:end]
    if phone:
        yield SearchKind.PHONE, phone
        yield SearchKind.LAST4, phone[-4:]
    if email:
        yield SearchKind.EMAIL, email


def index(client: Client, *, name: str, phone: str, email: str) -> None:
    """Write the hashes of a client, in the caller's transaction."""
    _write(client, tokens_of(name, phone, email))


def readdress(client: Client, *, channel: Channel, address: str) -> None:
    """Find a client by her new phone or mailbox, and no longer by the old one, in the caller's transaction."""
    phone, email = (address, "") if channel == Channel.SMS else ("", address)
    tokens = list(tokens_of("", phone, email))
    ClientSearch.objects.filter(client=client, kind__in={kind for kind, _ in tokens}).delete()
    _write(client, tokens)


def _write(client: Client, tokens: Iterable[tuple[SearchKind, str]]) -> None:
    ClientSearch.objects.bulk_create(
        ClientSearch(client=client, clinic_id=client.clinic_id, kind=kind, key_id=made.key_id, digest=made.digest)
        for kind, made in {
            (kind, sealed.fingerprint(client.clinic_id, f"search.{kind}", value)) for kind, value in tokens
        }
    )
