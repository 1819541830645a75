"""How fast a client's whole plan is worked out, in the rules alone, and written into PostgreSQL."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from worker.rules.hours import load_holidays
from worker.rules.jurisdictions import hours_for, jurisdiction
from worker.rules.local_time import zone
from worker.rules.names import Channel, Purpose
from worker.rules.plan import Anchor, plan_course

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from worker.models import Link, ProtocolVersion
    from worker.rules.steps import StepRule

LEAST_RULES = 2000  # clients a second of one core
LEAST_ROWS = 300  # clients a second into PostgreSQL
YEAR = datetime(2027, 1, 1, tzinfo=UTC)
TEXTS = frozenset({(Channel.SMS, Purpose.AFTERCARE), (Channel.SMS, Purpose.REMINDERS)})
AT_ONCE = 100  # clients a transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigures:
    """Clients a second, and how many messages each of them got."""

    rules_per_second: float
    rows_per_second: float
    messages: float

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "plans_in_rules_per_second": round(self.rules_per_second),
            "plans_into_postgresql_per_second": round(self.rows_per_second),
            "messages_a_plan": round(self.messages, 1),
            "least": {"rules": LEAST_RULES, "postgresql": LEAST_ROWS},
        }


def rules(steps: Sequence[StepRule], count: int) -> tuple[float, float]:
    """(plans a second of CPU, messages a plan): clients of 18 zones, treated at any hour of a year, with a visit."""
    from tests.bench.crowd import ZONES  # late: it needs Django set up

    crowd = list(_clients(count, ZONES))
    place = jurisdiction("US", "NY")
    hours = {name: hours_for(place, Channel.SMS, Purpose.AFTERCARE, (zone(name),)) for name in ZONES}
    for each in hours.values():
        load_holidays(each.windows, YEAR.year)
    made, began = 0, time.process_time()
    for name, treated_at, visit_at in crowd:
        anchors = {Anchor.ENROLMENT: treated_at, Anchor.TREATMENT: treated_at, Anchor.APPOINTMENT: visit_at}
        made += len(
            plan_course(
                steps, anchors=anchors, zone=zone(name), hours_by_channel={Channel.SMS: hours[name]}, now=treated_at,
                consented=TEXTS,
            )
        )  # fmt: skip
    return count / (time.process_time() - began), made / count


def _clients(count: int, zones: Sequence[str]) -> Iterator[tuple[str, datetime, datetime]]:
    chance = random.Random(7)
    for number in range(count):
        treated_at = YEAR + timedelta(minutes=chance.randrange(365 * 1440))
        yield zones[number % len(zones)], treated_at, treated_at + timedelta(days=chance.randrange(28, 43))


def rows(count: int) -> tuple[float, float]:
    """(plans a second of wall time, messages a plan): clients of the crowd, just treated and with a visit booked.

    The first `AT_ONCE` of them read templates and holidays, as a process does once; they are not counted.
    """
    from worker.models import Appointment, Link, Treatment

    now = datetime.now(UTC)
    links = list(Link.objects.select_related("client", "clinic", "version").order_by("pk")[:count])
    clients = [each.client_id for each in links]
    Treatment.objects.filter(client__in=clients).update(performed_at=now)
    Appointment.objects.bulk_create(
        Appointment(
            clinic=each.clinic, client=each.client, version=each.version, external_id=f"bench-{each.pk}",
            starts_at=now + timedelta(days=35), zone=each.client.zone, status="booked", changed_at=now,
        )
        for each in links
    )  # fmt: skip
    _write(links[:AT_ONCE], now)
    began, made = time.perf_counter(), 0
    for first in range(AT_ONCE, len(links), AT_ONCE):
        made += _write(links[first : first + AT_ONCE], now)
    counted = len(links) - AT_ONCE
    return counted / (time.perf_counter() - began), made / counted


def _write(links: Sequence[Link], now: datetime) -> int:
    from django.db import transaction

    from worker.actions.course.plan_many import plan_many
    from worker.models import Appointment, Treatment
    from worker.timeline import Course

    these = [each.client_id for each in links]
    treated = {each.client_id: each for each in Treatment.objects.filter(client__in=these)}
    booked = {each.client_id: each for each in Appointment.objects.filter(client__in=these)}
    courses = [
        Course(
            clinic=each.clinic, client=each.client, version=each.version, care=each,
            treatment=treated[each.client_id], appointment=booked[each.client_id],
        )
        for each in links
    ]  # fmt: skip
    with transaction.atomic():
        return len(plan_many(courses, anchors=[Anchor.TREATMENT, Anchor.APPOINTMENT], now=now).messages)


def steps_of(version: ProtocolVersion) -> list[StepRule]:
    """The steps that a plan is made of."""
    from worker import rendering

    return [
        step.rule for step in rendering.version(version.document).source.steps if step.rule.anchor is not Anchor.REPLY
    ]


def run(count: int) -> PlanFigures:
    """Both, on the crowd in the database of this process; what it writes stays there, so it comes after the senders."""
    from django.db import connection

    from worker.models import ProtocolVersion

    per_second, _ = rules(steps_of(ProtocolVersion.objects.get()), count)
    written, messages = rows(count)
    connection.close()
    return PlanFigures(rules_per_second=per_second, rows_per_second=written, messages=messages)
