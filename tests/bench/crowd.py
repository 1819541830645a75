"""Clients whose next text is due: a loaded clinic, an approved protocol, and one due message for each of many people.

The rows are what enrolment and the first day leave behind (consent confirmed, one text sent yesterday), written in
bulk; every gate is real and says yes.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction

from worker import sealed, tokens
from worker.actions.protocols.approve import approve
from worker.actions.protocols.load import load
from worker.actions.send.due import LONG_AGO
from worker.intake.clinic import ClinicFile
from worker.intake.shape import checked, read_toml
from worker.models import Attempt, Client, Contact, Grant, Link, Message, Ready, Standing, Step, Treatment
from worker.models.attempt import AttemptState
from worker.models.rows import insert_many
from worker.models.standing import GrantState
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.states import State

if TYPE_CHECKING:
    from worker.models import Clinic, ProtocolVersion

FILE = Path(__file__).with_name("clinic.toml")
BEFORE, DUE = "same-day", "day-1"
MIDDAY = 14  # the hour of the clients' clock that lies farthest from every closing time
ZONES = (
    "Pacific/Auckland", "Australia/Brisbane", "Asia/Tokyo", "Asia/Shanghai", "Asia/Dhaka", "Asia/Karachi", "Asia/Dubai",
    "Africa/Nairobi", "Europe/Berlin", "Europe/London", "Atlantic/Azores", "America/Sao_Paulo", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Tongatapu",
)  # fmt: skip
NAMES = ("Alice Moore", "Bea O'Connor", "Cléo Marchand", "Dana Weiss", "Esi Mensah", "Fay Lindqvist", "Gia Rossi")
CHUNK = 2000


def gather(size: int) -> None:
    """Make the tables, load and approve, and bring `size` clients whose text is due."""
    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    loaded = load(checked(ClinicFile, read_toml(FILE)), beside=FILE.parent, by="bench", now=now)
    version, _ = loaded.drafts[0]
    approve(protocol=version.protocol, by="okafor@bench.example", now=now)
    with transaction.atomic():
        _Crowd(loaded.clinic, version, size, now).enrol()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()


def daytime_zone(now: datetime) -> str:
    """A zone whose clock stands closest to midday."""
    return min(ZONES, key=lambda name: abs(now.astimezone(ZoneInfo(name)).hour - MIDDAY))


class _Crowd:
    """Rows of the same number belong together: client 7 has standing 7, contact 7, treatment 7 and message 7."""

    def __init__(self, clinic: Clinic, version: ProtocolVersion, size: int, now: datetime) -> None:
        self.clinic, self.version, self.now, self.zone = clinic, version, now, daytime_zone(now)
        self.numbers = range(1, size + 1)
        # +999 is nobody's country: should such a number ever leave this machine, no phone could ring.
        self.phones = [f"+999{number:08d}" for number in self.numbers]

    def enrol(self) -> None:
        """Write everything."""
        self._people()
        self._consents()
        self._store(
            Treatment, clinic_id=self.clinic.pk, client_id=self.numbers, version_id=self.version.pk, external_id="1",
            performed_at=self.now - timedelta(hours=26), zone=self.zone, created_at=self.now,
        )  # fmt: skip
        self._store(
            Link, clinic_id=self.clinic.pk, client_id=self.numbers, version_id=self.version.pk, created_at=self.now,
            key=[tokens.new_key() for _ in self.numbers],
        )  # fmt: skip
        self._yesterday()
        self._messages(DUE, 0, state=State.PLANNED, due_at=self._due(), expires_at=self.now + timedelta(hours=8))
        self._store(
            Ready, message_id=self.numbers, clinic_id=self.clinic.pk, channel=Channel.SMS, due_at=self._due(),
            free_at=LONG_AGO,
        )  # fmt: skip
        _reset_sequences()

    def _people(self) -> None:
        self._store(
            Client, clinic_id=self.clinic.pk, external_id=[f"bench-{number}" for number in self.numbers],
            name_sealed=[sealed.seal(NAMES[number % len(NAMES)], "client.name") for number in self.numbers],
            language="en", zone=self.zone, intake_hash=secrets.token_hex(32), created_at=self.now,
        )  # fmt: skip
        prints = [sealed.fingerprint(self.clinic.pk, Channel.SMS, phone) for phone in self.phones]
        self._store(
            Standing, clinic_id=self.clinic.pk, channel=Channel.SMS, fingerprint=[each.digest for each in prints],
            key_id=prints[0].key_id, changed_at=self.now,
        )  # fmt: skip
        self._store(
            Contact, clinic_id=self.clinic.pk, client_id=self.numbers, standing_id=self.numbers, channel=Channel.SMS,
            address_sealed=[sealed.seal(phone, "contact.address") for phone in self.phones],
            link_key=[tokens.new_key() for _ in self.numbers], valid_from=self.now,
        )  # fmt: skip

    def _consents(self) -> None:
        for offset, purpose in enumerate((Purpose.AFTERCARE, Purpose.REMINDERS)):
            self._store(
                Grant, offset, standing_id=self.numbers, client_id=self.numbers, purpose=purpose,
                state=GrantState.ACTIVE, confirmed_at=self.now, changed_at=self.now,
            )  # fmt: skip

    def _yesterday(self) -> None:
        """The text before this one: it stands in the tables, and its hour counts toward the caps."""
        then = self.now - timedelta(hours=22)
        done = {"decided_at": then, "sent_at": then, "provider_id": "SM" + "0" * 32, "attempts": 1}
        self._messages(BEFORE, 1, state=State.ACCEPTED, due_at=then, expires_at=then + timedelta(hours=9), **done)
        self._store(
            Attempt, id=[uuid.uuid4() for _ in self.numbers], message_id=[len(self.numbers) + n for n in self.numbers],
            clinic_id=self.clinic.pk, standing_id=self.numbers, channel=Channel.SMS, cls=MessageClass.COURSE,
            state=AttemptState.ACCEPTED, worker="bench", decided_at=then, lease_until=then, finished_at=then,
            provider_id="SM" + "0" * 32, segments=2, body_sealed=secrets.token_bytes(200), body_sha256="0" * 64,
        )  # fmt: skip

    def _messages(self, step: str, offset: int, **own: Any) -> None:
        self._store(
            Message, offset, clinic_id=self.clinic.pk, client_id=self.numbers, contact_id=self.numbers,
            standing_id=self.numbers, channel=Channel.SMS, purpose=Purpose.AFTERCARE, cls=MessageClass.COURSE,
            version_id=self.version.pk, step_id=Step.objects.get(version=self.version, code=step).pk,
            treatment_id=self.numbers, care_id=self.numbers, language="en", zone=self.zone,
            occasion=[f"c:{self.clinic.pk}:treatment:{number}:{step}:sms:g1:r0" for number in self.numbers],
            created_at=self.now - timedelta(hours=24), **own,
        )  # fmt: skip

    def _due(self) -> list[datetime]:
        return [self.now - timedelta(minutes=5) + timedelta(milliseconds=number) for number in self.numbers]

    def _store(self, model: type[models.Model], offset: int = 0, **given: Any) -> None:
        """Write one row a person: each column from its list, else the same value for all, else the field's default."""
        if isinstance(model._meta.pk, models.BigAutoField):
            given["id"] = [offset * len(self.numbers) + number for number in self.numbers]
        columns = {
            str(field.column): given.pop(field.attname, _default(field)) for field in model._meta.concrete_fields
        }
        assert not given, f"{model.__name__} has no {', '.join(given)}"
        known = {name: value for name, value in columns.items() if value is not None}
        rows = list(zip(*(_spread(value, len(self.numbers)) for value in known.values()), strict=True))
        for first in range(0, len(rows), CHUNK):
            insert_many(model._meta.db_table, list(known), rows[first : first + CHUNK])


def _default(field: models.Field[Any, Any]) -> Any:
    default = field.get_default()
    return "{}" if default == {} else default


def _spread(value: Any, size: int) -> list[Any]:
    return list(value) if isinstance(value, list | range) else [value] * size


def _reset_sequences() -> None:
    """The rows brought their own ids; those that the senders write go on after them."""
    written = [Client, Standing, Contact, Grant, Treatment, Link, Message]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), written):
            cursor.execute(statement)
