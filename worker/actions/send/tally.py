"""Count what a shift does: for Prometheus as it goes, and summed up by the hour at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connection

from worker import clock, meters
from worker.channels.base import Accepted, NotStarted, Outcome, Refused, TryLater
from worker.models.rows import insert_many
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.actions.send.prepared import Prepared
    from worker.actions.send.said import Said
    from worker.rules.gate import Stop
    from worker.rules.names import Channel

log = structlog.get_logger("aftercare.tally")
messages = structlog.get_logger("aftercare.message")
FEW = 5


@dataclass(slots=True)
class Report:
    """What a shift did: for its one log line, the metrics and the hours."""

    channel: Channel
    claimed: int = 0
    called: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    late_seconds: float = 0.0
    latest_seconds: float = 0.0
    requests: set[str] = field(default_factory=set)  # web requests that made any of them ready; a few of many

    def knows(self, batch: Iterable[Prepared]) -> None:
        """Remember what caused these, as far as a line has room."""
        self.requests.update(each.cause["request"] for each in batch if each.cause and len(self.requests) < FEW)

    @property
    def causes(self) -> dict[str, list[str]]:
        """For the shift's line; nothing where time caused it all."""
        return {"requests": sorted(self.requests)} if self.requests else {}

    def calls(self, due_at: datetime, now: datetime) -> None:
        """One message goes; how late it is against its due time, both calendar."""
        late = max(0.0, (now - due_at).total_seconds())
        self.called += 1
        self.late_seconds += late
        self.latest_seconds = max(self.latest_seconds, late)

    def hears(self, outcome: Outcome) -> str:
        """What became of one call; its name."""
        name = type(outcome).__name__.lower()
        self.outcomes[name] = self.outcomes.get(name, 0) + 1
        return name


def tell(said: Said, outcome: str) -> None:
    """The one canonical line of a message's way out, numbers alone (P9); and its parts, for the bill."""
    row = said.of.row
    if isinstance(said.outcome, Accepted):
        late = (clock.now() - row["due_at"]).total_seconds()
        meters.accepted(said.of.channel, said.outcome.segments or said.of.segments, late)
    messages.info(
        "message", message=said.of.pk, attempt=said.of.attempt_id.hex, clinic=row["clinic_id"], channel=said.of.channel,
        cls=said.of.cls, purpose=said.of.purpose, version=row["version_id"], step=row["step__code"], outcome=outcome,
        tries=row["attempts"] + 1, code=getattr(said.outcome, "code", "")[:3], **said.of.cause,
    )  # fmt: skip


def tell_ended(batch: Sequence[tuple[Prepared, Stop]]) -> None:
    """The same for messages that end, or are held, without a call."""
    for each, verdict in batch:
        messages.info(
            "message", message=each.pk, clinic=each.row["clinic_id"], channel=each.channel, cls=each.cls,
            purpose=each.purpose, version=each.row["version_id"], step=each.row["step__code"],
            outcome=verdict.state, reason=verdict.reason, tries=each.row["attempts"], **each.cause,
        )  # fmt: skip


def tell_missed(missed: Iterable[tuple[int, int, str]]) -> None:
    """And for those that nobody could decide in their useful time: (message, clinic, reason)."""
    for message, clinic, reason in missed:
        messages.info("message", message=message, clinic=clinic, outcome=State.MISSED, reason=reason)


def answered(channel: Channel, outcome: Outcome, seconds: float) -> None:
    """One call is over, after `seconds`."""
    meters.answered(channel, type(outcome).__name__.lower(), _class(outcome), seconds)
    if isinstance(outcome, Refused):
        meters.refused(channel, outcome.code, outcome.status)


def _class(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "2xx"
        case Refused():
            return f"{outcome.status // 100}xx"
        case TryLater():
            return "busy"
        case NotStarted():
            return "not_started"
    return "unknown"


def sum_up(report: Report, *, now: datetime) -> None:
    """Add a shift to the hour of `now` (calendar); a database that is away loses a statistic and nothing else."""
    if not report.called:
        return
    said = report.outcomes.get
    try:
        insert_many(
            "aftercare_hour",
            ("hour", "channel", *_SUMS, "latest_seconds", "accepted_at"),
            [
                (
                    now.replace(minute=0, second=0, microsecond=0), report.channel, report.called, said("accepted", 0),
                    said("refused", 0), said("unknown", 0), report.late_seconds, report.latest_seconds,
                    now if said("accepted", 0) else None,
                )
            ],
            _ADD,
        )  # fmt: skip
    except DatabaseError as error:
        log.warning("hour not written", error=type(error).__name__)
        connection.close_if_unusable_or_obsolete()


_SUMS = ("called", "accepted", "refused", "unknown", "late_seconds")
_ADD = (
    "ON CONFLICT (hour, channel) DO UPDATE SET "
    + ", ".join(f"{name} = aftercare_hour.{name} + excluded.{name}" for name in _SUMS)
    + ", latest_seconds = CASE WHEN excluded.latest_seconds > aftercare_hour.latest_seconds "
    "THEN excluded.latest_seconds ELSE aftercare_hour.latest_seconds END, "
    "accepted_at = coalesce(excluded.accepted_at, aftercare_hour.accepted_at)"
)
