"""Which provider account a webhook comes from, which clinic it is for, and which tokens may have signed it.

What was found is remembered for FRESH seconds, for two look-ups and a decryption are a fifth of what a STOP costs. What
was not found is looked up each time: a number or an account that was just added counts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from worker import clock, sealed
from worker.models import Sender
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FRESH = 2.0  # seconds that a token which was taken out may still sign
MOST = 1000  # numbers and accounts remembered


def tokens_of(account_sid: str) -> list[str] | None:
    """Every auth token that may sign for an account, newest first; None when nobody here has that account.

    Empty when the account is ours and no token is readable: then nothing may be believed (rule 91).
    """
    if not account_sid:
        return None
    ours = account_sid == settings.TWILIO_ACCOUNT_SID
    stored = _remembered("tokens", account_sid, _stored_tokens, even_none=ours)
    own = list(stored or ())
    if ours:
        own += [token for token in (settings.TWILIO_AUTH_TOKEN, *settings.TWILIO_AUTH_TOKEN_FALLBACKS) if token]
    elif stored is None:
        return None
    return own


def forget(account_sid: str = "") -> None:
    """Look up again: an account's tokens, before its signature is refused; or everything."""
    if account_sid:
        _known.pop(("tokens", account_sid), None)
    else:
        _known.clear()


def sender_of(said: Mapping[str, str]) -> Sender | None:
    """The sender that was written to: its number, else its messaging service; retired ones too, for STOP's sake.

    None as well when it belongs to another account than the one that signed (rules 26, 100).
    """
    for name in ("To", "MessagingServiceSid"):
        found: Sender | None = _remembered("sender", said.get(name, ""), _sender)
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


def _stored_tokens(account_sid: str) -> tuple[str, ...] | None:
    owned = Sender.objects.filter(channel=Channel.SMS, account_sid=account_sid)
    stored = list(owned.order_by("-pk").values_list("credentials_sealed", flat=True))
    return tuple(token for each in stored if each for token in _readable(each)) if stored else None


def _sender(identity: str) -> Sender | None:
    return Sender.objects.filter(channel=Channel.SMS, identity=identity).first()


def _remembered(kind: str, key: str, look_up: Callable[[str], Any], *, even_none: bool = False) -> Any:
    seen = _known.get((kind, key))
    if seen is not None and clock.running() - seen[0] < FRESH:
        return seen[1]
    if len(_known) >= MOST:
        _known.clear()
    found = look_up(key)
    if found or even_none:
        _known[kind, key] = clock.running(), found
    return found


_known: dict[tuple[str, str], tuple[float, Any]] = {}


def _readable(credentials: bytes | memoryview) -> list[str]:
    try:
        return [str(token) for token in sealed.unseal_json(credentials, "sender.credentials")]
    except sealed.Unreadable:
        return []  # fail closed: without its token no request of this account is believed
