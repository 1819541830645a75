"""What web and workers count as they go, for Prometheus; no label names a clinic, a person or a message (P9).

Names follow Prometheus (base units, `_total`) and, where there is one, OpenTelemetry's messaging conventions: what it
calls messaging.client.operation.duration is `aftercare_provider_request_seconds` here (docs/operate.md lists them).
What can be asked of the database is not counted here, but read at each scrape: see `worker.reading.metrics`.
"""

from __future__ import annotations

import re
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.db import transaction
from prometheus_client import Counter, Histogram

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.rules.names import Channel

LATE = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)
LOGIN_REFUSED = {"sms": ("20003", "20005", "http_401", "http_403"), "email": ("530", "534", "535")}
STOPS = ("keyword", "link", "desk", "carrier", "bounce", "complaint", "invalid", "wrong_number", "legal")
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

LATENESS = Histogram(
    "aftercare_message_lateness_seconds",
    "From due to the provider's yes, of messages that it took.",
    ["channel"],
    buckets=LATE,
)
DECISIONS = Counter("aftercare_decisions", "Decisions by their reason; `sent` is a go.", ["channel", "reason"])
MESSAGES = Counter("aftercare_messages", "Calls to a provider by their outcome.", ["channel", "outcome"])
SEGMENTS = Counter("aftercare_segments", "Parts of SMS that were accepted: what the provider bills.", ["channel"])
PROVIDER = Histogram(
    "aftercare_provider_request_seconds", "One call to a provider.", ["channel", "code_class"], buckets=QUICK
)
ERRORS = Counter(
    "aftercare_provider_errors",
    "Refusals, at once or by receipt, by the provider's own code.",
    ["channel", "error_code"],
)
SHIFTS = Histogram("aftercare_shift_seconds", "One shift.", ["channel"], buckets=(0.05, 0.25, 1, 2.5, 5, 10, 20, 40))
RECEIPTS = Counter("aftercare_delivery_receipts", "Receipts by what they say.", ["channel", "status"])
RECEIPT_DELAY = Histogram(
    "aftercare_receipt_delay_seconds", "From the provider's yes to a receipt.", ["channel"], buckets=LATE
)
OPTOUTS = Counter("aftercare_optout_events", "Revocations that were obeyed.", ["reason"])
OPTOUT_SECONDS = Histogram(
    "aftercare_optout_effect_seconds", "From a request that says stop to the commit that obeys it.", buckets=QUICK
)
DUPLICATES = Counter("aftercare_duplicate_sends", "Steps that a phone got twice; must stay 0 for ever.")
DOUBTED = Counter("aftercare_doubted", "Attempts whose worker fell silent.")
REQUESTS = Histogram("aftercare_http_request_seconds", "One request.", ["view", "code_class"], buckets=QUICK)
WAITS = Histogram(
    "aftercare_ratelimit_wait_seconds", "How long a limit made messages wait.", ["channel", "scope"], buckets=LATE
)
SLOWED = Counter("aftercare_slowed", "Answers of a provider that say we are too fast.", ["channel"])
# Each at 0 from the start, or the first of a process would be nobody's increase, and its alert silent.
for _reason in STOPS:
    OPTOUTS.labels(_reason)
for _view in ("twilio_inbound", "inbound", "leave"):  # a STOP comes by these
    REQUESTS.labels(_view, "5xx")
for _view in ("twilio_inbound", "twilio_status"):
    REQUESTS.labels(_view, "4xx")
for _channel, _codes in LOGIN_REFUSED.items():
    SLOWED.labels(_channel)
    LATENESS.labels(_channel)
    for _why in ("rate", "calls", "rest"):
        WAITS.labels(_channel, _why)
    for _status in ("delivered", "undelivered", "failed", "bounced"):
        RECEIPTS.labels(_channel, _status)
    for _code in _codes:
        ERRORS.labels(_channel, _code)
    for _outcome in ("accepted", "refused", "trylater", "unknown", "notstarted"):
        MESSAGES.labels(_channel, _outcome)

_WORDS = re.compile(r"[a-z_]{1,24}")


def decided(channel: Channel, reasons: Mapping[str, int]) -> None:
    """What a batch came to, once it is committed: how many of each reason."""

    def count() -> None:
        for reason, many in reasons.items():
            DECISIONS.labels(channel, reason).inc(many)

    transaction.on_commit(count)


def answered(channel: Channel, outcome: str, code_class: str, seconds: float) -> None:
    """One call is over."""
    MESSAGES.labels(channel, outcome).inc()
    PROVIDER.labels(channel, code_class).observe(seconds)


def accepted(channel: Channel, segments: int, late_seconds: float) -> None:
    """The provider took a message so long after it was due (calendar); so many parts go on the bill."""
    LATENESS.labels(channel).observe(max(0.0, late_seconds))
    if segments:
        SEGMENTS.labels(channel).inc(segments)


def refused(channel: Channel, code: str, status: int) -> None:
    """The provider's code: a number, or else the HTTP status; never its words, which may quote an address."""
    number = code if code.isdecimal() else code[:3]
    known = number if number.isdecimal() and len(number) <= 5 else f"http_{status}"  # noqa: PLR2004 - Twilio's longest
    ERRORS.labels(channel, known).inc()


def receipt(channel: Channel, status: str, seconds: float | None, code: str) -> None:
    """A receipt that we had not seen; `seconds` after the provider took the message, None where that is not known.

    Its `code` counts as a refusal's does: a carrier's filter (30007) shows itself here alone (rule 148).
    """
    if code.isdecimal():
        refused(channel, code, 0)
    RECEIPTS.labels(channel, status if _WORDS.fullmatch(status) else "other").inc()
    if seconds is not None:
        RECEIPT_DELAY.labels(channel).observe(max(0.0, seconds))


def revoked(reason: str) -> None:
    """A revocation, once it is committed, and how long after its request came, where a request brought it."""

    def count() -> None:
        OPTOUTS.labels(reason).inc()
        stop_holds()

    transaction.on_commit(count)


def stop_holds() -> None:
    """Somebody's stop is committed: how long after its request came, where a request brought it."""
    if (began := request_began.get()) is not None:
        OPTOUT_SECONDS.observe(time.monotonic() - began)


request_began: ContextVar[float | None] = ContextVar("request_began", default=None)
"""time.monotonic() when the request that is being answered came in."""
