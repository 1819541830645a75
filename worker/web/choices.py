"""What one client gets at which address today: what her preference page shows, and what it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worker import sealed
from worker.models import Contact, Grant
from worker.models.standing import GrantState
from worker.rules.address import masked_email
from worker.rules.names import Channel, Purpose
from worker.rules.phone import masked

if TYPE_CHECKING:
    from worker.models import Standing

COULD_COME = (GrantState.ACTIVE, GrantState.PENDING, GrantState.NEEDS_RECONFIRMATION)


class Status(StrEnum):
    """Waiting: she agreed, but something has to be asked first, so nothing comes for now."""

    ON = "on"
    OFF = "off"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One purpose at one address."""

    purpose: Purpose
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One address, as far as a passer-by may see it ("" when it can't be read), and what comes to it."""

    channel: Channel
    address: str
    choices: tuple[Choice, ...]

    @property
    def comes(self) -> tuple[Choice, ...]:
        """What is not off."""
        return tuple(each for each in self.choices if each.status is not Status.OFF)


def ways(contact: Contact) -> tuple[Way, ...]:
    """The addresses of the link's client, the link's own first; never those of others who share one (rule 134).

    Empty for the link of an address that she gave up: whoever reads there now may learn nothing of her (P9).
    """
    if contact.valid_to is not None:
        return ()
    current = Contact.objects.filter(client=contact.client_id, valid_to__isnull=True, address_sealed__isnull=False)
    own_first = sorted(current.select_related("standing"), key=lambda each: (each.pk != contact.pk, each.pk))
    return tuple(_way(each) for each in own_first)


def _way(contact: Contact) -> Way:
    given = Grant.objects.filter(client=contact.client_id, standing=contact.standing_id)
    states = dict(given.values_list("purpose", "state"))
    # Marketing that she was never asked about is not even named: naming it would be advertising it (rule 13).
    shown = [each for each in Purpose if each is not Purpose.MARKETING or each in states]
    return Way(
        channel=Channel(contact.channel),
        address=masked_address(contact),
        choices=tuple(Choice(purpose=each, status=_status(states.get(each), contact.standing)) for each in shown),
    )


def _status(state: str | None, standing: Standing) -> Status:
    if state not in COULD_COME or standing.suppressed_at is not None:
        return Status.OFF
    return Status.ON if state == GrantState.ACTIVE and standing.held_at is None else Status.WAITING


def masked_address(contact: Contact) -> str:
    """The address as far as a passer-by may see it; "" when its key is lost, for the way out must not need it."""
    if contact.address_sealed is None:
        return ""
    try:
        address = sealed.unseal(contact.address_sealed, "contact.address")
    except sealed.Unreadable:
        return ""
    return masked_email(address) if contact.channel == Channel.EMAIL else masked(address)
