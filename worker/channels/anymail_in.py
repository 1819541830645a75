"""What an email provider tells us by webhook, in our own terms: anymail checks who speaks and reads the dialect."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.utils.module_loading import import_string

from worker.channels.bounces import failure_code
from worker.channels.reported import Reported, What

if TYPE_CHECKING:
    from django.http import HttpRequest

_SIGNED_BY_KEY = "mailgun"  # the others know user and password of the webhook's address alone
_VIEWS = {
    "mailgun": "anymail.webhooks.mailgun.Mailgun{}WebhookView",
    "postmark": "anymail.webhooks.postmark.Postmark{}WebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPost{}WebhookView",
}
# Where anymail's one word hides two meanings: what will pass, and what is our reputation, is no dead address and no
# complaint (rule 125). Postmark's Type, SparkPost's bounce class.
_SOFT = frozenset({"SoftBounce", "Transient", "DnsError", "1", "20", "21", "22", "23", "24", "40", "70"})
_POLICY = frozenset({"SpamNotification", "Blocked", "DMARCPolicy", "25", "50", "51", "52", "53", "54"})
_READERS_FAULTS = (AnymailError, KeyError, TypeError, ValueError, AttributeError, LookupError, RecursionError)
_HEX = re.compile("[0-9a-f]{32}")


_WHAT = {
    "delivered": What.DELIVERED,
    "bounced": What.RETURNED,
    "rejected": What.RETURNED,
    "failed": What.RETURNED,
    "complained": What.COMPLAINT,
    "unsubscribed": What.UNSUBSCRIBE,
}


class Forged(Exception):
    """The webhook does not prove that the provider speaks."""


class Unreadable(Exception):
    """The provider speaks, and not in a way that we know; `too_large` when it says more than we take."""

    def __init__(self, *, too_large: bool = False) -> None:
        super().__init__(too_large)
        self.too_large = too_large


def events(provider: str, secret: str, request: HttpRequest) -> list[Reported]:
    """What one webhook reports, once it has proved the secret (not empty). Raises Forged, Unreadable."""
    return [_reported(event) for event in _parsed(provider, "Tracking", secret, request)]


def mails(provider: str, secret: str, request: HttpRequest) -> list[bytes]:
    """The mails that one webhook brings, once it has proved the secret (not empty). Raises Forged, Unreadable."""
    try:
        return [event.message.as_bytes() for event in _parsed(provider, "Inbound", secret, request)]
    except _READERS_FAULTS:
        raise Unreadable from None


def _parsed(provider: str, kind: str, secret: str, request: HttpRequest) -> list[Any]:
    if provider not in _VIEWS or not secret:
        raise Forged
    proof: dict[str, Any] = {"webhook_secret": [secret]}
    if provider == _SIGNED_BY_KEY:
        proof = {"webhook_secret": [], "webhook_signing_key": secret, "api_key": secret}
    view = import_string(_VIEWS[provider].format(kind))(**proof)
    try:
        view.run_validators(request)
    except RequestDataTooBig:
        raise Unreadable(too_large=True) from None
    except (AnymailWebhookValidationFailure, SuspiciousOperation, *_READERS_FAULTS):
        raise Forged from None
    try:
        parsed: list[Any] = view.parse_events(request)
    except RequestDataTooBig:
        raise Unreadable(too_large=True) from None
    except (SuspiciousOperation, *_READERS_FAULTS):
        raise Unreadable from None
    return parsed


def _reported(event: Any) -> Reported:
    named = event.metadata.get("attempt_id", "") if isinstance(event.metadata, dict) else ""
    return Reported(
        attempt_id=uuid.UUID(named) if isinstance(named, str) and _HEX.fullmatch(named) else None,
        provider_id=str(event.message_id or "")[:320],
        what=What.RETURNED if _kinds(event) & _POLICY else _WHAT.get(event.event_type, What.NOTHING),
        code=_code(event),
    )


def _code(event: Any) -> str:
    """The receiving server's own code where it is told in full, else the provider's words (rule 125)."""
    answer = str(event.mta_response or "")[:2000]
    told = failure_code(answer, answer)
    if "." in told:
        return told
    kinds = _kinds(event)
    if kinds & _POLICY:
        return "bounced blocked"
    if kinds & _SOFT:
        return "bounced timed_out"
    return f"{event.event_type} {event.reject_reason or ''}".strip()[:40]


def _kinds(event: Any) -> set[str]:
    """The provider's own words for the kind of a bounce; empty when it uses none."""
    raw: Any = event.esp_event
    if not isinstance(raw, dict):
        return set()
    inner = next(iter(raw["msys"].values()), {}) if isinstance(raw.get("msys"), dict) and raw["msys"] else raw
    given = (inner.get(name) for name in ("Type", "bounce_class")) if isinstance(inner, dict) else ()
    return {str(each) for each in given if each is not None}
