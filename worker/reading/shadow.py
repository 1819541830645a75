"""What running courses would become under a protocol's newest version, before anybody lets them (anchors C10)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from worker import rendering
from worker.models import Appointment, Clinic, Message, ProtocolVersion
from worker.models.appointment import AppointmentStatus
from worker.new_hours import changes, counted, with_hours_of
from worker.opening import refuse_wider_than_law
from worker.rules.names import CourseKind, MessageClass
from worker.rules.plan import Planned
from worker.rules.states import OPEN
from worker.rules.steps import OF_CALENDAR, Anchor
from worker.timeline import OF_PLAN, Course, consents_of_many, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from worker.intake.clinic import ClinicShape
    from worker.models import Client, Protocol, Treatment
    from worker.rules.names import Channel, Purpose

M = TypeVar("M", Message, Appointment)

MOST = 5000  # clients looked at; more are counted and said to be left out
AT_ONCE = 500  # clients a handful of queries; one by one it took three for each of them
Key = tuple[str, str, str]


def difference(protocol: Protocol, *, now: datetime, most: int = MOST) -> dict[str, Any]:
    """Step by step, over all running courses, how many messages would end, come, move or get other words.

    Drafts included: that is what it is for. Compares what is open with what the newest version would plan; nothing is
    written. What went already is neither ended nor planned again.
    """
    newest = ProtocolVersion.objects.filter(protocol=protocol).latest("number")
    older = Message.objects.filter(OF_PLAN, version__protocol=protocol, state__in=OPEN)
    running = list(older.exclude(version=newest).order_by("client_id").values_list("client_id", flat=True).distinct())
    found: Counter[tuple[str, str]] = Counter()
    for under in _under([int(pk) for pk in running[:most] if pk is not None], protocol, now):
        found.update(_changes(under, newest, now))
    return {
        "protocol": protocol.code,
        "version": newest.number,
        "clients": len(running),
        "left_out": max(0, len(running) - most),
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


@dataclass(slots=True)
class _Under:
    """One client under a protocol: what is known of her course, what she agreed to, her visits to come."""

    client: Client
    known: list[Message]
    consented: frozenset[tuple[Channel, Purpose]]
    visits: list[Appointment]
    documents: dict[int, str]  # of the versions that her messages are of


def _under(clients: list[int], protocol: Protocol, now: datetime) -> Iterator[_Under]:
    """The clients of a protocol, read some hundreds at a time."""
    documents = dict(ProtocolVersion.objects.filter(protocol=protocol).values_list("pk", "document")) if clients else {}
    for first in range(0, len(clients), AT_ONCE):
        chunk = clients[first : first + AT_ONCE]
        messages = Message.objects.filter(client__in=chunk, version__protocol=protocol, cls=MessageClass.COURSE)
        messages = messages.exclude(
            kind__in=(*OF_CALENDAR, CourseKind.CORRECTION)
        )  # these go over as they are, or stay
        known = _by_client(messages.select_related("client__clinic", "step", "treatment").order_by("pk"))
        booked = Appointment.objects.filter(
            client__in=chunk, version__protocol=protocol, status=AppointmentStatus.BOOKED, starts_at__gt=now
        )
        visits, consents = _by_client(booked.order_by("starts_at")), consents_of_many(chunk)
        for pk, hers in known.items():
            client = hers[0].client
            assert client is not None
            yield _Under(client, hers, consents[pk], visits[pk], documents)


def _by_client(rows: Iterable[M]) -> dict[int, list[M]]:
    found: dict[int, list[M]] = defaultdict(list)
    for row in rows:
        found[row.client_id or 0].append(row)
    return found


def _changes(under: _Under, newest: ProtocolVersion, now: datetime) -> Counter[tuple[str, str]]:
    """(step, change) of each message; a visit or a session is told apart by its number."""
    before = {_key(each): each for each in under.known if each.state in OPEN}
    went = {_key(each) for each in under.known if each.state not in (*OPEN, "cancelled")}
    after = {key: due_at for key, due_at in _planned(under, newest, now).items() if key not in went}
    source, found = rendering.version(newest.document).source, Counter[tuple[str, str]]()
    for key in before.keys() - after.keys():
        found[key[0], "ends"] += 1
    for key in after.keys() - before.keys():
        found[key[0], "comes"] += 1
    for key in before.keys() & after.keys():
        old = rendering.version(under.documents[before[key].version_id]).source.step(key[0])
        found[key[0], "moves"] += before[key].due_at != after[key]
        found[key[0], "says otherwise"] += old.texts != source.step(key[0]).texts
    return +found


def _key(each: Message) -> Key:
    return each.step.code, each.channel, f"visit:{each.appointment_id}" if each.appointment_id else ""


def _session(known: list[Message]) -> Treatment | None:
    """The newest session that anything is planned for."""
    sessions = [each.treatment for each in known if each.treatment and each.treatment.voided_at is None]
    return max(sessions, key=lambda each: (each.performed_at, each.pk), default=None)


def _planned(under: _Under, newest: ProtocolVersion, now: datetime) -> dict[Key, datetime]:
    session, client = _session(under.known), under.client
    visits: list[Appointment | None] = [*under.visits] or [None]
    found: dict[Key, datetime] = {}
    for place, visit in enumerate(visits):
        course = Course(clinic=client.clinic, client=client, version=newest, treatment=session, appointment=visit)
        for each in lay_out(course, under.consented, now):
            of_visit = each.rule.anchor is Anchor.APPOINTMENT
            if isinstance(each.outcome, Planned) and each.rule.cls is MessageClass.COURSE and (of_visit or not place):
                name = f"visit:{visit.pk}" if visit and of_visit else ""
                found[each.rule.code, each.channel, name] = each.outcome.due_at
    return found
