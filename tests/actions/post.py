"""One round of the post with every moment given: promote, claim, prepare, decide, call and record, as a shift does.

`Provider` is the other side of the carrier's contract: it answers each call with the outcome it was told to give,
and keeps what it was handed. Nothing of ours is replaced.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests import builders
from worker.actions.send.claim import Claim, claim
from worker.actions.send.decide import decide
from worker.actions.send.doubt import leave_unresolved
from worker.actions.send.due import promote
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.channels.base import Accepted, Mail, Outcome, Refused, Sms, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from worker.actions.send.prepared import Prepared
    from worker.models import Client, Message

LEASE = timedelta(seconds=60)
_ids = itertools.count(1)


@dataclass(slots=True)
class Provider:
    """Takes everything unless told otherwise: `answers` are given in turn, then it accepts."""

    answers: list[Outcome | Callable[[Any], Outcome]] = field(default_factory=list)
    taken: list[Sms | Mail] = field(default_factory=list)

    def call(self, out: Sms | Mail) -> Outcome:
        """What becomes of one call."""
        self.taken.append(out)
        answer = self.answers.pop(0) if self.answers else Accepted(f"SM{next(_ids):032x}", 1)
        return answer(out) if callable(answer) else answer

    async def reserve(self, wanted: int) -> list[object]:
        """As many connections as wanted."""
        return [object() for _ in range(wanted)]

    def release(self, slots: Iterable[object]) -> None:
        """They cost nothing."""

    async def send(self, slot: object, out: Sms | Mail, started: float) -> Outcome:
        """The shift's own way in."""
        return self.call(out)


def claimed(now: datetime, *, channel: str = "sms", limit: int = 50, machine: datetime | None = None) -> list[Claim]:
    """Promote what is due within the hour, and claim what is due now."""
    promote(now=now)
    return claim(channel=channel, limit=limit, now=now, machine=machine or now, lease=LEASE, worker="tests")


def decided(batch: list[Prepared], now: datetime, *, machine: datetime | None = None) -> list[Prepared]:
    """What of a prepared batch may go."""
    return decide(batch, now=now, machine=machine or now, lease=LEASE, worker="tests")


def round_of_post(now: datetime, provider: Provider | None = None, *, channel: str = "sms") -> list[str]:
    """One whole round at `now`; the steps that were called, in their order."""
    provider = provider or Provider()
    going = decided(prepare(claimed(now, channel=channel), now=now), now)
    record([Said(each, provider.call(each.out)) for each in going], now=now)
    return [each.row["step__code"] for each in going]


def confirmed(now: datetime) -> None:
    """Let the opt-in confirmations leave on both channels, so that the course may begin (rule 6)."""
    for channel in ("sms", "email"):
        round_of_post(now, channel=channel)


def alice_confirmed() -> Client:
    """Alice, enrolled at NOW by SMS alone, and her confirmation has left: her course may begin."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    confirmed(builders.NOW)
    return client


def refused_first(client: Client, code: str, *, at: datetime) -> Message:
    """The client's first text, which the provider refuses with `code` at the moment `at`."""
    round_of_post(at, Provider([Refused(code)]))
    return builders.message(client, "same-day")


def unresolved_first(client: Client, *, at: datetime) -> Message:
    """The client's first text, whose call at the moment `at` got no answer, and which nothing has proved since."""
    round_of_post(at, Provider([Unknown("no answer")]))
    message = builders.message(client, "same-day")
    leave_unresolved(message.tries.get().pk, "its_worker_may_live", at)
    return message
