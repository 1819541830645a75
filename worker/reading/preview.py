"""What an enrolment would bring her, before anybody presses: each message with its hour, its words, parts and price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings

from worker import rendering
from worker.intake.wording import WORST_CASE
from worker.models import Appointment, Client, Treatment
from worker.models.appointment import AppointmentStatus
from worker.rendering import CannotRender
from worker.rules.local_time import zone
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.plan import HandOver, Planned
from worker.rules.text import segments
from worker.timeline import Course, lay_out
from worker.values import template_values

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic, ProtocolVersion
    from worker.rules.plan import PlannedMessage


LINKS = (("care", "c"), ("unsubscribe", "u"), ("confirm", "y"))
PRETEND = "A" * 24  # the token of a link that is not made yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form says so far; moments are aware, `consented` what is ticked."""

    clinic: Clinic
    version: ProtocolVersion
    name: str
    language: str
    clocks: tuple[str, ...]  # zones; her days are told on the first
    treated_at: datetime | None
    session_at: datetime | None
    consented: frozenset[tuple[Channel, Purpose]]

    @property
    def zone(self) -> str:
        """The clock that her days and hours are told on."""
        return self.clocks[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message that would be planned, or that a person has to hand over; parts are 0 for an email."""

    step: str
    channel: Channel
    due_at: datetime
    until: datetime
    text: str
    subject: str
    parts: int
    hand_over: bool
    moved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """All of it, in the order of the hours; `cost` is text, None where no price is set."""

    lines: list[Line]
    parts: int
    cost: str | None
    currency: str | None


def preview(asked: Asked, *, now: datetime) -> Preview:
    """Lay the course out without writing anything; what is only planned once she answers is left out."""
    place, *others = asked.clocks
    client = Client(clinic=asked.clinic, zone=place, other_clocks=" ".join(others), language=asked.language)
    course = Course(
        clinic=asked.clinic, client=client, version=asked.version, enrolled_at=now,
        treatment=_treatment(client, asked), appointment=_visit(client, asked),
    )  # fmt: skip
    laid = [each for each in lay_out(course, asked.consented, now) if _shows(each, asked)]
    lines = [_line(each, asked) for each in laid]
    parts = sum(line.parts for line in lines if not line.hand_over)
    price = settings.SMS_PRICE
    cost = f"{(price[0] * parts).quantize(Decimal('0.01'))}" if price else None
    return Preview(lines=lines, parts=parts, cost=cost, currency=price[1] if price else None)


def _shows(each: PlannedMessage, asked: Asked) -> bool:
    if not isinstance(each.outcome, (Planned, HandOver)):
        return False
    if each.rule.cls is MessageClass.ANSWER:  # the confirmation goes to channels that she agreed to, and to no other
        return each.channel in {channel for channel, _ in asked.consented}
    return True


def _treatment(client: Client, asked: Asked) -> Treatment | None:
    if asked.treated_at is None:
        return None
    return Treatment(client=client, version=asked.version, performed_at=asked.treated_at, zone=asked.zone)


def _visit(client: Client, asked: Asked) -> Appointment | None:
    if asked.session_at is None:
        return None
    booked = AppointmentStatus.BOOKED
    return Appointment(client=client, version=asked.version, starts_at=asked.session_at, zone=asked.zone, status=booked)


def _line(each: PlannedMessage, asked: Asked) -> Line:
    subject, text = _words(each, asked)
    outcome = each.outcome
    return Line(
        step=each.rule.code,
        channel=each.channel,
        due_at=outcome.due_at,
        until=outcome.expires_at,
        subject=subject,
        text=shortened(text),
        parts=segments(text).parts if each.channel is Channel.SMS else 0,
        hand_over=isinstance(outcome, HandOver),
        moved=str((outcome.moved if isinstance(outcome, Planned) else outcome.reason) or ""),
    )


def _words(each: PlannedMessage, asked: Asked) -> tuple[str, str]:
    """Subject and text as she would read them; links are as long as real ones."""
    source = rendering.version(asked.version.document).source
    links = {f"{name}_url": f"{settings.PUBLIC_URL}/{kind}/{PRETEND}" for name, kind in LINKS}
    values = WORST_CASE | links | template_values(
        channel=each.channel, language=asked.language, zone=zone(asked.zone), clinic=asked.clinic, name=asked.name,
        messages_promised=source.frequency, interval_days=source.interval_days,
        session_at=asked.session_at, treated_at=asked.treated_at,
    )  # fmt: skip
    try:
        said = rendering.version(asked.version.document).write(
            step=each.rule.code, channel=each.channel, language=asked.language, values=values
        )
    except CannotRender:
        return "", ""
    return said.subject, said.text


def shortened(text: str) -> str:
    """The text with its pretend links as a reader would glance over them."""
    return text.replace(PRETEND, "…")
