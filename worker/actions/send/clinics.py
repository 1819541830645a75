"""What a worker remembers of a clinic while it sends: name, phone, hours and the sender of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from worker.models import Clinic, Sender
from worker.rules.names import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """In whose name a channel speaks: the number or mailbox, and the account it belongs to."""

    sender_id: int
    identity: str
    account_sid: str
    auth_token: str
    per_second: float | None = None  # what its carrier allows, where the clinic says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One clinic at one revision."""

    clinic: Clinic
    voices: dict[Channel, Voice]


@lru_cache(maxsize=2048)
def card(clinic_id: int, revision: int) -> Card:  # noqa: ARG001 - a new revision is a new entry, read afresh
    """The clinic as of this revision; any change to clinic or senders raises the revision."""
    senders = Sender.objects.filter(clinic_id=clinic_id, is_active=True).order_by("-pk")
    return Card(
        clinic=Clinic.objects.get(pk=clinic_id),
        voices={Channel(sender.channel): _voice(sender) for sender in senders},
    )


def _voice(sender: Sender) -> Voice:
    account_sid, auth_token = sender.account()
    return Voice(
        sender_id=sender.pk, identity=sender.identity, account_sid=account_sid, auth_token=auth_token,
        per_second=sender.per_second,
    )  # fmt: skip
