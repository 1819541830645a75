"""After an update of the zone data: what was meant for ten in the morning goes at ten in the morning (rule 135).

Each zone in use has a row that says what its clock was known to do. Where the data now say something else, one
transaction moves every planned message of that zone whose time is a time on the wall, and writes the new row: killed
in the middle it has done nothing, run twice it has nothing left to do. Steps that count real time stay where they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction

from worker import rendering
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.send.due import HORIZON, make_ready
from worker.models import Appointment, Message, ProtocolVersion, ZoneRules
from worker.models.appointment import AppointmentStatus
from worker.models.rows import update_many
from worker.rules.local_time import zone, zone_data_version
from worker.rules.states import OPEN
from worker.rules.steps import Anchor, Elapsed
from worker.rules.zone_changes import AHEAD, agree, moved, offsets_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.rules.steps import StepRule, When

log = structlog.get_logger("aftercare.zones")


def follow_zones(*, now: datetime) -> int:
    """Compare every zone in use with what was known of it, and move what a change moves; how many messages.

    What is due within the hour is left as it is: a worker may hold it. `now` is calendar time.
    """
    coming = Message.objects.filter(state__in=OPEN).values_list("zone", flat=True)
    booked = Appointment.objects.filter(status=AppointmentStatus.BOOKED, starts_at__gt=now)
    return sum(_follow(name, now) for name in sorted({*coming.distinct(), *booked.values_list("zone", flat=True)}))


@transaction.atomic
def _follow(name: str, now: datetime) -> int:
    offsets = offsets_of(zone(name), now)
    fresh = {"version": zone_data_version(), "offsets": offsets, "read_at": now}
    known, made = ZoneRules.objects.select_for_update().get_or_create(zone=name, defaults=fresh)
    if made:
        return 0
    before: Sequence[Sequence[int]] = known.offsets
    if agree(before, offsets):
        _keep(known, fresh, now)
        return 0
    messages = _move_messages(name, before, now)
    visits = _ask_for_visits(name, before, now)
    ZoneRules.objects.filter(pk=known.pk).update(**fresh)
    log.warning("zone data changed", zone=name, version=fresh["version"], messages=messages, visits=visits)
    return messages


def _keep(known: ZoneRules, fresh: dict[str, object], now: datetime) -> None:
    """Look ahead from today again, once in a while: the table ends three years after it was read."""
    if known.version != fresh["version"] or known.read_at < now - AHEAD / 10:
        ZoneRules.objects.filter(pk=known.pk).update(**fresh)


def _move_messages(name: str, before: Sequence[Sequence[int]], now: datetime) -> int:
    """Move the open messages of a zone, in the order in which everybody locks them."""
    found = (
        Message.objects.select_for_update(of=("self",))
        .filter(zone=name, state__in=OPEN, due_at__gt=now + HORIZON)
        .select_related("step", "treatment", "appointment")
        .order_by("pk")
    )
    rules = _Rules()
    changed = [each for each in found if _moves(each, rules.of(each), before)]
    update_many(
        "aftercare_message", "id", ("due_at", "expires_at"),
        [(each.pk, each.due_at, each.expires_at) for each in changed],
    )  # fmt: skip
    make_ready((each for each in changed if each.state == "planned"), now=now)
    for each in changed:
        record(
            clinic_id=each.clinic_id, kind="moved", subject=f"message:{each.pk}", actor="system", at=now,
            code="zone_data", facts={"version": zone_data_version()},
        )  # fmt: skip
    return len(changed)


def _moves(message: Message, rule: StepRule, before: Sequence[Sequence[int]]) -> bool:
    """Give the message, unsaved, the instants that its times on the wall have now; whether that changed anything."""
    was, place = (message.due_at, message.expires_at), zone(message.zone)
    anchor_at = _anchor_of(message, rule)
    if not _is_elapsed(rule.when, message.due_at, anchor_at):
        message.due_at = moved(message.due_at, before, place)
    if not _is_elapsed(rule.until, message.expires_at, anchor_at):
        message.expires_at = moved(message.expires_at, before, place)
    return was != (message.due_at, message.expires_at)


def _is_elapsed(when: When, at: datetime, anchor_at: datetime | None) -> bool:
    """True where `at` is real time after something; once an opening moved it, it is a time on the wall like others."""
    return isinstance(when, Elapsed) and (anchor_at is None or anchor_at + when.delta == at)


def _anchor_of(message: Message, rule: StepRule) -> datetime | None:
    if rule.anchor is Anchor.APPOINTMENT:
        return message.appointment.starts_at if message.appointment else None
    return message.treatment.performed_at if message.treatment else None


class _Rules:
    """What each version says of its steps, read once."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, StepRule]] = {}

    def of(self, message: Message) -> StepRule:
        if message.version_id not in self._of:
            document = ProtocolVersion.objects.values_list("document", flat=True).get(pk=message.version_id)
            steps = rendering.version(document).source.steps
            self._of[message.version_id] = {step.rule.code: step.rule for step in steps}
        return self._of[message.version_id][message.step.code]


def _ask_for_visits(name: str, before: Sequence[Sequence[int]], now: datetime) -> int:
    """A visit keeps its instant, for only its calendar knows what was meant: staff look before a reminder names it."""
    booked = Appointment.objects.filter(zone=name, status=AppointmentStatus.BOOKED, starts_at__gt=now)
    asked = [each for each in booked.order_by("pk") if moved(each.starts_at, before, zone(name)) != each.starts_at]
    for each in asked:
        open_task(
            clinic_id=each.clinic_id, client_id=each.client_id, kind="visit_time",
            cause=f"visit_time:{each.pk}:g{each.generation}:{zone_data_version()}", facts={"appointment": each.pk},
            due_at=min(each.starts_at, now + HORIZON * 24), now=now,
        )  # fmt: skip
    return len(asked)
