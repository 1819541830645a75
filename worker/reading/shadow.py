"""What running courses would become under a protocol's newest version, before anybody lets them (anchors C10)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from worker import rendering
from worker.models import Appointment, Client, Clinic, Message, ProtocolVersion
from worker.models.appointment import AppointmentStatus
from worker.new_hours import changes, counted, with_hours_of
from worker.opening import refuse_wider_than_law
from worker.rules.names import MessageClass
from worker.rules.plan import Planned
from worker.rules.states import OPEN
from worker.rules.steps import OF_CALENDAR, Anchor
from worker.timeline import Course, consents_of, lay_out

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.clinic import ClinicShape
    from worker.models import Protocol, Treatment

MOST = 5000  # clients looked at; more are counted and said to be left out
Key = tuple[str, str, str]


def difference(protocol: Protocol, *, now: datetime) -> dict[str, Any]:
    """Step by step, over all running courses, how many messages would end, come, move or get other words.

    Drafts included: that is what it is for. Compares what is open with what the newest version would plan; nothing is
    written. What went already is neither ended nor planned again.
    """
    newest = ProtocolVersion.objects.filter(protocol=protocol).latest("number")
    older = Message.objects.filter(version__protocol=protocol, cls=MessageClass.COURSE, state__in=OPEN)
    running = list(older.exclude(version=newest).order_by("client_id").values_list("client_id", flat=True).distinct())
    found: Counter[tuple[str, str]] = Counter()
    for client in Client.objects.select_related("clinic").filter(pk__in=running[:MOST]):
        found.update(_of_client(client, newest, now))
    return {
        "protocol": protocol.code,
        "version": newest.number,
        "clients": len(running),
        "left_out": max(0, len(running) - MOST),
        "steps": [{"step": step, "change": change, "messages": many} for (step, change), many in sorted(found.items())],
    }


def hours_difference(shape: ClinicShape, *, now: datetime) -> dict[str, Any]:
    """What the hours of a clinic's file would do to what is planned there: how many messages of which steps.

    Raises Refusals when the hours are unreadable, or wider than the law's.
    """
    clinic = Clinic.objects.filter(slug=shape.slug).first()
    if clinic is None:
        return {"clinic": shape.slug, "held_up": 0, "steps": []}
    changed = with_hours_of(clinic, shape)
    refuse_wider_than_law(changed)
    found = list(changes(clinic, changed, now=now))
    return {"clinic": shape.slug, "held_up": len(found), "steps": counted(found)}


def _of_client(client: Client, newest: ProtocolVersion, now: datetime) -> Counter[tuple[str, str]]:
    """(step, change) of each message; a visit or a session is told apart by its number."""
    messages = Message.objects.filter(client=client, version__protocol=newest.protocol_id, cls=MessageClass.COURSE)
    messages = messages.exclude(kind__in=OF_CALENDAR)  # these go over as they are
    known = list(messages.select_related("step", "version", "treatment"))
    before = {_key(each): each for each in known if each.state in OPEN}
    went = {_key(each) for each in known if each.state not in (*OPEN, "cancelled")}
    after = {key: due_at for key, due_at in _planned(client, newest, _session(known), now).items() if key not in went}
    source, found = rendering.version(newest.document).source, Counter[tuple[str, str]]()
    for key in before.keys() - after.keys():
        found[key[0], "ends"] += 1
    for key in after.keys() - before.keys():
        found[key[0], "comes"] += 1
    for key in before.keys() & after.keys():
        old = rendering.version(before[key].version.document).source.step(key[0])
        found[key[0], "moves"] += before[key].due_at != after[key]
        found[key[0], "says otherwise"] += old.texts != source.step(key[0]).texts
    return +found


def _key(each: Message) -> Key:
    return each.step.code, each.channel, f"visit:{each.appointment_id}" if each.appointment_id else ""


def _session(known: list[Message]) -> Treatment | None:
    """The newest session that anything is planned for."""
    sessions = [each.treatment for each in known if each.treatment and each.treatment.voided_at is None]
    return max(sessions, key=lambda each: (each.performed_at, each.pk), default=None)


def _planned(client: Client, newest: ProtocolVersion, session: Treatment | None, now: datetime) -> dict[Key, datetime]:
    booked = Appointment.objects.filter(
        client=client, version__protocol=newest.protocol_id, status=AppointmentStatus.BOOKED, starts_at__gt=now
    )
    consented = consents_of(client)
    visits: list[Appointment | None] = list(booked.order_by("starts_at")) or [None]
    found: dict[Key, datetime] = {}
    for place, visit in enumerate(visits):
        course = Course(clinic=client.clinic, client=client, version=newest, treatment=session, appointment=visit)
        for each in lay_out(course, consented, now):
            of_visit = each.rule.anchor is Anchor.APPOINTMENT
            if isinstance(each.outcome, Planned) and each.rule.cls is MessageClass.COURSE and (of_visit or not place):
                name = f"visit:{visit.pk}" if visit and of_visit else ""
                found[each.rule.code, each.channel, name] = each.outcome.due_at
    return found
