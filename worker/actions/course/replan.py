"""Plan a course again after a consent came back: what lies ahead, and the confirmation before it (rules 6, 50)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.actions.course.agree import agree
from worker.actions.course.her_calendar import bring_after, untrue
from worker.actions.course.plan import plan
from worker.actions.course.visit import last_treatment
from worker.models import Appointment, Link
from worker.models.appointment import AppointmentStatus
from worker.rules.names import Channel
from worker.rules.plan import Anchor
from worker.timeline import Course

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from worker.models import Client, Message, Treatment

ALL = (Anchor.TREATMENT, Anchor.APPOINTMENT, Anchor.COURSE)


def replan(client: Client, *, channel: Channel, now: datetime, late: frozenset[str] = frozenset()) -> list[Message]:
    """Plan what is still ahead on one channel, and its opt-in confirmation where that never went.

    The steps of `late` are planned too though they should have gone by now, or handed over where no opening is left.
    The caller holds the lock of the channel's standing row. What went before is never planned again (P4).
    """
    planned = confirmation(client, channel=channel, now=now)
    for course, anchors in courses(client, now):
        planned += plan(course, anchors=anchors, channels=[channel], now=now, future_only=True, late=late).messages
    for visit in untrue(client, now) if channel == Channel.EMAIL else ():
        planned += bring_after(visit, by="system", now=now).messages
    agree(client, by="system", now=now)
    return planned


def confirmation(client: Client, *, channel: Channel, now: datetime) -> list[Message]:
    """Plan the opt-in confirmation of what the client agreed to on a channel; nothing where it went already."""
    link = Link.objects.filter(client=client, ended_at__isnull=True).select_related("version").order_by("-pk").first()
    if link is None:
        return []
    course = Course(clinic=client.clinic, client=client, version=link.version, care=link, enrolled_at=now)
    return plan(course, anchors=[Anchor.ENROLMENT], channels=[channel], now=now).messages


def courses(client: Client, now: datetime) -> Iterator[tuple[Course, tuple[Anchor, ...]]]:
    """What is still under way under each of her protocols; her first visit goes with the treatment before it."""
    links = Link.objects.filter(client=client, ended_at__isnull=True).select_related("version").order_by("pk")
    for protocol, link in {link.version.protocol_id: link for link in links}.items():
        treatment = last_treatment(client, link.version)
        booked = Appointment.objects.filter(
            client=client, version__protocol=protocol, status=AppointmentStatus.BOOKED, starts_at__gt=now
        )
        visits = list(booked.order_by("starts_at"))
        first = visits[0] if visits else None
        if treatment or first:
            yield _course(client, link, treatment, first), ALL
        for visit in visits[1:]:
            yield _course(client, link, treatment, visit), (Anchor.APPOINTMENT,)


def _course(client: Client, link: Link, treatment: Treatment | None, visit: Appointment | None) -> Course:
    version = visit.version if visit else treatment.version if treatment else link.version
    return Course(
        clinic=client.clinic, client=client, version=version, care=link, treatment=treatment, appointment=visit
    )
