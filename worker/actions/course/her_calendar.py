"""A visit that a mail brought into her calendar is cancelled or moved: one mail corrects the calendar (P7, RFC 5546).

What her calendar holds is what the last mail brought, and where that is not so any more one message is planned, of the
steps that the protocol has for it. A protocol without such a step sends nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.course.cancel import cancel
from worker.actions.course.care import care_of
from worker.actions.course.plan import Result, plan
from worker.invitations import held_by_mail
from worker.models import Appointment, Message
from worker.models.appointment import AppointmentStatus
from worker.rules.names import Channel
from worker.rules.plan import SPACING, Planned
from worker.rules.states import State
from worker.rules.steps import OF_CALENDAR
from worker.timeline import Course, consents_of, lay_out

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Client

TOLD = (AppointmentStatus.BOOKED, AppointmentStatus.CANCELLED)
"""Who came, or did not, needs no word of it in her calendar."""


def bring_after(visit: Appointment, *, by: str, now: datetime) -> Result:
    """Plan the one mail that her calendar needs, if it needs any; what was planned for an earlier state ends.

    In the caller's transaction, who holds the client's locks. Where a reminder leaves within the hours that lie between
    two mails it carries the same entry: then this mail waits, and goes only if that one did not.
    """
    cancel(which=Q(appointment=visit, kind__in=OF_CALENDAR), reason="appointment_reopened", actor=by, now=now)
    if visit.starts_at <= now or visit.status not in TOLD or _holds_the_truth(visit):
        return Result()
    course = Course(
        clinic=visit.clinic, client=visit.client, version=visit.version, changed=visit, changed_at=now,
        care=care_of(visit.client, visit.version, now),
    )  # fmt: skip
    reminder = _reminder(course, visit, now)
    if reminder is not None and reminder.expires_at >= visit.starts_at:
        return Result()
    if reminder is not None:
        course = replace(course, changed_at=reminder.expires_at)
    return plan(course, anchors=OF_CALENDAR, channels=[Channel.EMAIL], now=now)


def untrue(client: Client, now: datetime) -> list[Appointment]:
    """The client's visits to come of which her calendar holds what is not so any more."""
    coming = Appointment.objects.filter(client=client, status__in=TOLD, starts_at__gt=now)
    visits = coming.select_related("clinic", "client", "version").order_by("pk")
    return [each for each in visits if not _holds_the_truth(each)]


def _holds_the_truth(visit: Appointment) -> bool:
    """Whether the last mail said what is so; true as well where none went."""
    return held_by_mail(visit.pk) in (None, (visit.generation, visit.status == AppointmentStatus.CANCELLED))


def _reminder(course: Course, visit: Appointment, now: datetime) -> Message | None:
    """The reminder by mail that is due before this mail, or so soon after it that one would hold up the other."""
    laid = lay_out(course, consents_of(visit.client), now)
    due = [
        each.outcome.due_at for each in laid if each.rule.anchor in OF_CALENDAR and isinstance(each.outcome, Planned)
    ]
    coming = Message.objects.filter(appointment=visit, channel=Channel.EMAIL, state=State.PLANNED)
    return coming.filter(due_at__lt=min(due) + SPACING).order_by("due_at").first() if due else None
