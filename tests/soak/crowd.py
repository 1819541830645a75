"""The clinics, the clients, and what they do: enrolled by the front door, many in one transaction."""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import phonenumbers
from django.db import DatabaseError, connection, transaction

from tests.processes import people
from worker import clock
from worker.actions.clients.enrol import enrol
from worker.actions.consent import desk_revoke
from worker.actions.course.plan import plan
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.management.cli import main
from worker.models import Client, Link, Message, ProtocolVersion, Step, append_only
from worker.rules.names import Purpose
from worker.rules.plan import Anchor
from worker.timeline import Course

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.ground import Ground
    from tests.soak.restore import Lost
    from tests.soak.run import Score

TEMPLATE = Path(__file__).with_name("clinic.toml")
PROTOCOL = people.PROTOCOL
CLINICS = {
    "harbor": ("Harbor Skin Clinic", "+12125550100"),
    "garden": ("Garden Skin Clinic", "+12125550101"),  # its practitioner withdraws her yes
    "corner": ("Corner Skin Clinic", "+12125550102"),  # somebody has changed its approved texts in the tables
}
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
CLINICS_OWN = 212
PATIENCE = 120.0  # seconds
AT_ONCE = 40  # clients a transaction
STOPS = ("STOP", "Stop please", "UNSUBSCRIBE", "end", "stop texting me", "STOPALL", "Please remove me from your list")
DOUBT = "the blue lamp, perhaps?"
SMS_ALL = people.SMS
ALL = (*people.SMS, *people.MAIL)
AGREEMENTS = (people.SMS_CARE, SMS_ALL, SMS_ALL, ALL, ALL, people.MAIL)


@dataclass(frozen=True, slots=True)
class Person:
    """A client as the register has her; `uninvited` is a message that no consent covers, put there by us."""

    id: int
    clinic: str
    phone: str
    email: str
    zone: str
    agrees: tuple[tuple[str, str], ...]
    uninvited: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, about whom, and when it was known to be over (machine time, epoch seconds; 0: not known)."""

    kind: str
    client: int
    began: float
    ended: float


@functools.cache
def areas() -> tuple[int, ...]:
    """The country's own area codes, a hundred numbers for fiction in each, but for the clinics'."""
    found = (area for area in range(200, 1000) if area != CLINICS_OWN)
    return tuple(
        area for area in found if phonenumbers.region_code_for_number(phonenumbers.parse(f"+1{area}5550100")) == "US"
    )


def cli(*words: str) -> str:
    """One verb of the command in this process, and what it printed."""
    said, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        code = main(words)
    assert code == 0, (words, said.getvalue(), told.getvalue())
    return said.getvalue()


def first_morning(today: datetime) -> datetime:
    """The first Tuesday of March of next year, eight in New York: no holiday for weeks, one change of the clocks."""
    march = datetime(today.year + 1, 3, 1, 8, tzinfo=ZoneInfo(ZONES[0]))
    return (march + timedelta(days=(1 - march.weekday()) % 7)).astimezone(UTC)


def patiently(deed: Callable[[], Any]) -> Any:
    """A database that is away for a while is asked again."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return deed()
        except DatabaseError:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


class Crowd:
    """Everybody of one run."""

    def __init__(self, ground: Ground, score: Score) -> None:
        self._ground, self._score, self._dice = ground, score, random.Random(f"crowd {score.seed}")
        self._numbers = itertools.count(200)
        self.people: list[Person] = []
        self.acts: list[Act] = []
        self.steps: list[tuple[float, float]] = []  # machine time, and the calendar's offset from then on
        self._desk = ThreadPoolExecutor(4, thread_name_prefix="desk")
        self._by_id: dict[int, Person] = {}
        self._withdrawn = False
        self.lost: Lost | None = None  # what a restored copy does not know

    def settle(self) -> None:
        """Make the tables, load the clinics, approve, and spoil what is to be found out."""
        self.step_to(first_morning(datetime.now(UTC)))
        cli("migrate", "--quiet")
        for slug, (name, phone) in CLINICS.items():
            file = self._ground.home / f"{slug}.toml"
            text = TEMPLATE.read_text(encoding="utf-8")
            file.write_text(text.replace("SLUG", slug).replace("NAME", name).replace("PHONE", phone), encoding="utf-8")
            cli("load", str(file))
            cli("approve", PROTOCOL, "--by", f"okafor@{slug}.example", "--clinic", slug)
        self._tamper("corner")

    def _tamper(self, slug: str) -> None:
        """The approved words of one clinic are changed behind everybody's back (P3)."""
        version = ProtocolVersion.objects.get(protocol=the_protocol(PROTOCOL, clinic_slug=slug))
        other = version.document.replace("skin", "face")
        assert other != version.document
        append_only.remove(connection)
        ProtocolVersion.objects.filter(pk=version.pk).update(document=other)
        append_only.install(connection)

    def step_to(self, moment: datetime) -> None:
        """Step the calendar."""
        clock.step_to(max(moment, clock.now()))
        self.steps.append((clock.machine().timestamp(), clock.offset()))

    def arrive(self, count: int) -> None:
        """So many new clients come in, are treated and enrolled."""
        forms = [self._form() for _ in range(count)]
        for first in range(0, count, AT_ONCE):
            patiently(lambda some=forms[first : first + AT_ONCE]: self._enrol(some))

    def _form(self) -> dict[str, Any]:
        number = next(self._numbers)
        slug = self._dice.choices(tuple(CLINICS), (84, 0 if self._withdrawn else 10, 6))[0]
        zone = self._dice.choice(ZONES)
        agrees = self._dice.choice(AGREEMENTS)
        refuses = [("sms", "reminders")] if agrees is people.SMS_CARE else []
        form = people.form(
            clock.now(), number=100 + number % 100, agrees=agrees, refuses=refuses,
            treated=timedelta(minutes=self._dice.randrange(5, 60)), external_id=f"soak-{number}", clinic=slug,
            enrolled_by=f"sam@{slug}.example", zone=zone, email=f"client{number}@example.com",
            phone=f"+1{areas()[number // 100]}55501{number % 100:02}",
        )  # fmt: skip
        form["treatment"] |= {"external_id": f"treatment-{number}", "practitioner": f"okafor@{slug}.example"}
        return form

    @transaction.atomic
    def _enrol(self, forms: list[dict[str, Any]]) -> None:
        made = []
        for form in forms:
            client = enrol(checked(ClientFile, form), now=clock.now()).client
            agrees = tuple((each["channel"], each["purpose"]) for each in form["consents"] if each["affirmed"])
            uninvited = self._uninvited(client) if agrees == people.SMS_CARE and self._dice.random() < 0.5 else 0
            made.append(
                Person(client.pk, form["clinic"], form["phone"], form["email"], form["zone"], agrees, uninvited)
            )
        transaction.on_commit(lambda: self._keep(made))

    def _keep(self, made: list[Person]) -> None:
        self.people += made
        self._by_id |= {each.id: each for each in made}

    def _uninvited(self, client: Client) -> int:
        """A row that should not be there: a reminder to somebody who refused them (P1 has to hold all the same)."""
        like = Message.objects.filter(client=client, step__code="day-1").first()
        if like is None:
            return 0
        step = Step.objects.get(version=like.version, code="next-session-plan")
        like.pk, like.purpose, like.step = None, Purpose.REMINDERS, step
        like.occasion = f"soak:uninvited:{client.pk}"
        like.save(force_insert=True)
        return int(like.pk)

    def act(self, share: float | None = None) -> None:
        """Of those whose messages are due now, some say stop, or something else, while it is being sent."""
        share = self._score.share if share is None else share
        due = patiently(self._due)
        self._dice.shuffle(due)
        for client in due[: max(1, int(len(due) * share))] if due else []:
            kind = self._dice.choices(tuple(self._score.acts), tuple(self._score.acts.values()))[0]
            wait = self._dice.uniform(
                0.0, self._score.wait
            )  # each waits for its turn at one of four telephones as well
            self._desk.submit(self._do, kind, self._by_id[client], wait)

    def _due(self) -> list[int]:
        rows = Message.objects.filter(state="planned", cls="course", due_at__lte=clock.now())
        return [each for each in sorted(set(rows.values_list("client_id", flat=True))) if each in self._by_id]

    def _ways(self) -> dict[str, Callable[[Person], Any]]:
        return {
            "stop": lambda who: self._says(who, STOPS[who.id % len(STOPS)]),
            "link": self._clicks,
            "desk": self._tells_the_desk,
            "doubt": lambda who: self._says(who, DOUBT),
            "help": lambda who: self._says(who, "HELP"),
            "again": lambda who: patiently(lambda: self._plan_again(who)),
        }

    def _do(self, kind: str, who: Person, wait: float) -> None:
        time.sleep(wait)
        began = clock.machine().timestamp()
        ended = 0.0
        with contextlib.suppress(Exception):  # what a fault met is not done, or nobody knows: the ledger does
            self._ways()[kind](who)
            ended = clock.machine().timestamp()
        self.acts.append(Act(kind, who.id, began, ended))
        connection.close()

    def _says(self, who: Person, words: str) -> None:
        if who.phone and any(channel == "sms" for channel, _ in who.agrees):
            self._ground.sandbox.reply(who.phone, words, to=CLINICS[who.clinic][1], wait=False)

    def _clicks(self, who: Person) -> None:
        told = self._ground.sandbox.unsubscribe(who.email)
        assert told["status"] == 200, told

    def _tells_the_desk(self, who: Person) -> None:
        desk_revoke.from_desk(
            clinic_slug="", phone="", email="", client_id=who.id, reason="said so", received_at=None, now=clock.now()
        )

    @transaction.atomic
    def _plan_again(self, who: Person) -> None:
        """Somebody plans the same course once more: what is planned already stays planned once (P4)."""
        client = Client.objects.select_related("clinic").get(pk=who.id)
        treatment = client.treatments.select_related("version").get()
        plan(
            Course(
                clinic=client.clinic, client=client, version=treatment.version, treatment=treatment,
                care=Link.objects.get(client=client, version=treatment.version),
            ),
            anchors=[Anchor.TREATMENT, Anchor.COURSE], now=clock.now(),
        )  # fmt: skip

    def withdraw(self) -> None:
        """The practitioner of the garden takes back her yes, in the middle of it all; nobody new is treated there."""
        self._withdrawn = True
        patiently(
            lambda: withdraw(
                protocol=the_protocol(PROTOCOL, clinic_slug="garden"), by="okafor@garden.example", now=clock.now()
            )
        )

    def go_home(self) -> None:
        """Everybody has done what they meant to do."""
        self._desk.shutdown()

    def write(self, file: Path, skews: list[tuple[float, float, float]]) -> None:
        """The register, for the checker; `skews` are the times at which a worker's clock was wrong."""
        said = {
            "people": [asdict(each) for each in self.people],
            "acts": [asdict(each) for each in self.acts],
            "steps": self.steps,
            "skews": skews,
            "lost": self.lost and asdict(self.lost),
        }
        file.write_text(json.dumps(said), encoding="utf-8")
