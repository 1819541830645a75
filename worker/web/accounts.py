"""Which provider account a webhook comes from, which clinic it is for, and which tokens may have signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from worker import sealed
from worker.models import Sender
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping


def tokens_of(account_sid: str) -> list[str] | None:
    """Every auth token that may sign for an account, newest first; None when nobody here has that account.

    Empty when the account is ours and no token is readable: then nothing may be believed (rule 91).
    """
    if not account_sid:
        return None
    owned = Sender.objects.filter(channel=Channel.SMS, account_sid=account_sid)
    stored = list(owned.order_by("-pk").values_list("credentials_sealed", flat=True))
    own = [token for each in stored if each for token in _readable(each)]
    if account_sid == settings.TWILIO_ACCOUNT_SID:
        own += [token for token in (settings.TWILIO_AUTH_TOKEN, *settings.TWILIO_AUTH_TOKEN_FALLBACKS) if token]
    elif not stored:
        return None
    return own


def sender_of(said: Mapping[str, str]) -> Sender | None:
    """The sender that was written to: its number, else its messaging service; retired ones too, for STOP's sake.

    None as well when it belongs to another account than the one that signed (rules 26, 100).
    """
    for name in ("To", "MessagingServiceSid"):
        found = Sender.objects.filter(channel=Channel.SMS, identity=said.get(name, "")).first()
        if found is not None and account_of(found) == said.get("AccountSid"):
            return found
    return None


def account_of(sender: Sender) -> str:
    """The account a sender belongs to."""
    return sender.account_sid or str(settings.TWILIO_ACCOUNT_SID)


def belongs(account_sid: str, clinic_id: int) -> bool:
    """True when one of the clinic's senders has that account: another's receipt is none (rule 100)."""
    senders = Sender.objects.filter(channel=Channel.SMS, clinic_id=clinic_id)
    return any(account_of(sender) == account_sid for sender in senders)


def _readable(credentials: bytes | memoryview) -> list[str]:
    try:
        return [str(token) for token in sealed.unseal_json(credentials, "sender.credentials")]
    except sealed.Unreadable:
        return []  # fail closed: without its token no request of this account is believed
