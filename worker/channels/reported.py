"""What an email provider reports about one mail, in our own terms; light, for those who never load a provider."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.channels.email import ANYMAIL

if TYPE_CHECKING:
    import uuid


class What(StrEnum):
    """What became of a mail."""

    DELIVERED = "delivered"
    RETURNED = "returned"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One event: of which attempt, or of which of the provider's ids; `code` as rules/errors knows it."""

    attempt_id: uuid.UUID | None
    provider_id: str
    what: What
    code: str


def provider_of(email_url: str) -> str:
    """The provider's name in EMAIL_URL; "" for a relay and for the sandbox."""
    name, found, _ = email_url.removeprefix(ANYMAIL).partition("://")
    return name if found and email_url.startswith(ANYMAIL) else ""
