"""The people of the demo, and what happens to them in six weeks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.conf import settings

from worker import clock
from worker.actions.clients.enrol import enrol
from worker.actions.course import appointment
from worker.actions.protocols.approve import approve, the_protocol
from worker.actions.protocols.load import load
from worker.intake.client import ClientFile
from worker.intake.clinic import ClinicFile
from worker.intake.shape import checked, read_toml
from worker.models import Appointment, Client
from worker.models.appointment import AppointmentStatus
from worker.rules.local_time import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.sandbox.provider.client import Sandbox

PROTOCOL = "microneedling-stretch-marks"
DESKS = {"lakeside": ("sam@lakeside.example", "okafor@lakeside.example"),
         "hillside": ("lucia@hillside.example", "vega@hillside.example")}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One client of the demo, as the desk would write her down."""

    name: str
    clinic: str
    zone: str
    language: str
    phone: str = ""
    email: str = ""
    agrees: tuple[tuple[str, str], ...] = ()
    session_after: timedelta | None = None
    does: str = ""


BOTH = (("sms", "aftercare"), ("sms", "reminders"))
PEOPLE = (
    Person(
        name="Alice Moreau",
        clinic="lakeside",
        zone="America/New_York",
        language="en",
        phone="+12125550123",
        email="alice@example.com",
        agrees=(*BOTH, ("email", "aftercare")),
        session_after=timedelta(days=35),
        does="her next session is moved by two days",
    ),
    Person(
        name="Bob Serrano",
        clinic="hillside",
        zone="America/Los_Angeles",
        language="es",
        phone="+13105550177",
        agrees=BOTH,
        does="writes STOP PLEASE on day 3",
    ),
    Person(
        name="Dana Whitfield",
        clinic="lakeside",
        zone="America/Chicago",
        language="en",
        email="dana@example.com",
        agrees=(("email", "aftercare"), ("email", "reminders")),
        does="presses unsubscribe after a week",
    ),
    Person(
        name="Femi Adeyemi",
        clinic="lakeside",
        zone="America/New_York",
        language="en",
        phone="+12125550188",
        agrees=BOTH,
        does="nothing: no session is booked, so one course reminder comes",
    ),
    Person(
        name="Emil Novak",
        clinic="lakeside",
        zone="America/New_York",
        language="en",
        phone="+12125550199",
        email="emil@example.com",
        does="agreed to nothing, and gets nothing",
    ),
)


def opening_hour(now: datetime) -> datetime:
    """The next weekday from Tuesday to Thursday at 10:00 in New York: a quiet hour to begin a story."""
    zone = ZoneInfo("America/New_York")
    day = now.astimezone(zone).date() + timedelta(days=1)
    while day.weekday() not in {1, 2, 3}:
        day += timedelta(days=1)
    return instant(day, time(10, 0), zone)


def settle(*, now: datetime) -> list[str]:
    """Load both clinics, let their practitioners approve, and enrol everybody; names in order. Harmless twice."""
    if not Client.objects.exists():
        clock.step_to(opening_hour(now))
    now = clock.now()
    for slug, (_, practitioner) in DESKS.items():
        folder = settings.TEMPLATES_DIR / "demo"
        load(checked(ClinicFile, read_toml(folder / f"{slug}.toml")), beside=folder, by="demo", now=now)
        approve(protocol=the_protocol(PROTOCOL, clinic_slug=slug), by=practitioner, now=now)
    for person in PEOPLE:
        if not Client.objects.filter(external_id=_external_id(person)).exists():
            enrol(checked(ClientFile, _form(person, now)), now=now)
    return [person.name for person in PEOPLE]


def _external_id(person: Person) -> str:
    return f"demo-{person.name.split()[0].lower()}"


def _form(person: Person, now: datetime) -> dict[str, Any]:
    desk, practitioner = DESKS[person.clinic]
    treated = now - timedelta(minutes=25)
    form: dict[str, Any] = {
        "clinic": person.clinic,
        "enrolled_by": desk,
        "external_id": _external_id(person),
        "name": person.name,
        "language": person.language,
        "zone": person.zone,
        "phone": person.phone,
        "email": person.email,
        "health_data_basis": "explicit_consent",
        "consents": [
            {
                "channel": channel,
                "purpose": purpose,
                "affirmed": True,
                "method": "paper",
                "given_at": treated.isoformat(),
                "wording": "service@1",
            }
            for channel, purpose in person.agrees
        ],
        "treatment": {
            "protocol": PROTOCOL,
            "external_id": f"{_external_id(person)}-1",
            "performed_at": treated.isoformat(),
            "practitioner": practitioner,
        },
    }
    if person.session_after:
        starts = (now + person.session_after).replace(minute=30)
        form["appointment"] = {"external_id": f"{_external_id(person)}-2", "starts_at": starts.isoformat()}
    return form


@dataclass(slots=True)
class Happenings:
    """What people do as the weeks pass; each thing once, when its day has come."""

    sandbox: Sandbox
    began: datetime
    said: Callable[[str], None]
    down: bool = False
    stopped_at: dict[str, datetime] = field(default_factory=dict)
    old_times: list[datetime] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    def calendar(self) -> list[tuple[datetime, str, Callable[[datetime], None]]]:
        """What is still to happen, and when."""
        told = (
            (3.1, "stop", self._stop),
            (7.2, "unsubscribe", self._unsubscribe),
            (12, "outage", self._outage),
            (14.25, "mended", self._mended),
            (20, "move", self._move),
            (37.3, "visit", self._visit),
        )
        return [(self.began + timedelta(days=day), name, act) for day, name, act in told if name not in self.done]

    def next_moment(self) -> datetime | None:
        """When the next thing happens."""
        return min((at for at, _, _ in self.calendar()), default=None)

    def after(self, now: datetime) -> None:
        """Called after each step of the calendar: what is due by now happens, once."""
        for at, name, act in self.calendar():
            if now >= at:
                self.done.add(name)
                act(now)

    def _stop(self, now: datetime) -> None:
        self.said("Bob writes STOP PLEASE")
        self.sandbox.reply("+13105550177", "STOP PLEASE")
        self.stopped_at["+13105550177"] = now

    def _unsubscribe(self, now: datetime) -> None:
        self.said("Dana presses unsubscribe in her mail program")
        self.sandbox.unsubscribe("dana@example.com")
        self.stopped_at["dana@example.com"] = now

    def _outage(self, now: datetime) -> None:  # noqa: ARG002 - every happening has the same form
        self.said("the providers of texts and mail go down")
        self.sandbox.faults(outage=True)
        self.down = True

    def _mended(self, now: datetime) -> None:  # noqa: ARG002
        self.said("the providers are back")
        self.sandbox.clear_faults()
        self.down = False

    def _move(self, now: datetime) -> None:
        visit = Appointment.objects.get(external_id="demo-alice-2")
        self.old_times.append(visit.starts_at)
        self.said("the desk moves Alice's session by two days")
        appointment.move(appointment_id=visit.pk, starts_at=visit.starts_at + timedelta(days=2), by="demo", now=now)

    def _visit(self, now: datetime) -> None:
        self.said("Alice's next session takes place")
        visit = Appointment.objects.get(external_id="demo-alice-2")
        appointment.end(appointment_id=visit.pk, status=AppointmentStatus.COMPLETED, by="demo", now=now)
