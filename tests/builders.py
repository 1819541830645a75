"""The people of the tests, brought in by the front door: `load`, `approve` and `enrol` make every row.

Dr Okafor and Sam work at Lakeside, where Alice is a client; Bob is a client of Hillside, whose desk is Charlie's.
All times hang on NOW, a Tuesday at ten in the morning in New York, far from holidays and clock changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from tests.kept import Kept, again
from worker import sealed
from worker.actions.clients.enrol import Enrolled, enrol
from worker.actions.protocols.approve import approve, the_protocol
from worker.actions.protocols.load import load
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.actions.record.audit import request_number
from worker.intake.client import ClientFile
from worker.intake.clinic import ClinicFile
from worker.intake.shape import checked, read_toml
from worker.models import Client, Clinic, Message, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.rules.words import Reading

EXAMPLES = Path(settings.ROOT) / "templates" / "demo"
NOW = datetime(2027, 1, 12, 15, 0, tzinfo=UTC)
LOADED = NOW - timedelta(days=1)
PROTOCOL = "microneedling-stretch-marks"
OKAFOR, SAM = "okafor@lakeside.example", "sam@lakeside.example"
CHARLIE, MILLER = "charlie@hillside.example", "miller@hillside.example"
ALICES_PHONE, BOBS_PHONE = "+12125550123", "+12125550177"
SERVICE = (("sms", "aftercare"), ("sms", "reminders"), ("email", "aftercare"), ("email", "reminders"))


@dataclass(frozen=True, slots=True)
class House:
    """Both clinics."""

    lakeside: Clinic
    hillside: Clinic


def clinic_file(slug: str = "lakeside", **clinic: Any) -> dict[str, Any]:
    """The example clinic, or Hillside made after it; keyword arguments replace fields of [clinic]."""
    raw = read_toml(EXAMPLES / "lakeside.toml")
    if slug == "hillside":
        raw["clinic"] |= {"slug": "hillside", "name": "Hillside Clinic", "phone": "+1 212-555-0111"}
        raw["clinic"] |= {"mail_domain": "hillside.example", "reply_to": "desk@hillside.example"}
        raw["staff"] = [
            {"email": MILLER, "name": "Dr Jo Miller", "licence": "NY-311882", "roles": ["practitioner"]},
            {"email": CHARLIE, "name": "Charlie Voss", "roles": ["desk"]},
        ]
        raw["sender"] = [
            {"channel": "sms", "identity": "+12125550111"},
            {"channel": "email", "identity": "care@hillside.example"},
        ]
    raw["clinic"] |= clinic
    return raw


def load_clinic(raw: dict[str, Any], *, now: datetime = LOADED, beside: Path = EXAMPLES) -> Clinic:
    """Load a clinic file given as a dict."""
    return load(checked(ClinicFile, raw), beside=beside, by="tests", now=now).clinic


def house() -> House:
    """Lakeside and Hillside, each with its approved protocol."""
    _HOUSE.bring()
    return House(Clinic.objects.get(slug="lakeside"), Clinic.objects.get(slug="hillside"))


def _house() -> None:
    for slug, practitioner in (("lakeside", OKAFOR), ("hillside", MILLER)):
        load_clinic(clinic_file(slug))
        approve(protocol=the_protocol(PROTOCOL, clinic_slug=slug), by=practitioner, now=LOADED)


_HOUSE = Kept(_house)


def client_file(
    *,
    consents: Iterable[tuple[str, str]] = SERVICE,
    refused: Iterable[tuple[str, str]] = (),
    treated: datetime | None = NOW - timedelta(hours=1),
    visit: datetime | None = None,
    given_at: datetime = NOW - timedelta(hours=2),
    **fields: Any,
) -> dict[str, Any]:
    """Alice's enrolment as Sam types it at NOW; `fields` replace top-level fields, None takes one out."""
    given = given_at.isoformat()
    raw: dict[str, Any] = json.loads((EXAMPLES / "client.json").read_text())
    raw["consents"] = [
        {"channel": channel, "purpose": purpose, "affirmed": yes, "method": "paper", "given_at": given,
         "wording": "service@1", "source": "form-17"}
        for yes, pairs in ((True, consents), (False, refused))
        for channel, purpose in pairs
    ]  # fmt: skip
    raw["treatment"] = treated and raw["treatment"] | {"performed_at": treated.isoformat()}
    raw["appointment"] = visit and {"external_id": "V-1", "starts_at": visit.isoformat()}
    if visit and not treated:
        raw["appointment"]["protocol"] = PROTOCOL
    raw |= fields
    return {name: value for name, value in raw.items() if value is not None}


def alice(*, now: datetime = NOW, **changes: Any) -> Enrolled:
    """Alice, a client of Lakeside, enrolled by Sam; the keyword arguments are `client_file`'s."""
    return _enrolled(client_file(**changes), now)


def bob(*, now: datetime = NOW, **changes: Any) -> Enrolled:
    """Bob, a client of Hillside, enrolled by Charlie."""
    own = {"clinic": "hillside", "enrolled_by": CHARLIE, "external_id": "B-2001", "name": "Bob Lindqvist"}
    reach = {"phone": BOBS_PHONE, "email": "bob@example.com"}
    return _enrolled(client_file(**{**own, **reach, **changes}), now)


def _enrolled(file: dict[str, Any], now: datetime) -> Enrolled:
    """Enrolled really, or as she was before into a database that held the same: see `tests.kept`.

    The rules' code apart, an enrolment is decided by the file, the moment, the database, the keys that this process
    uses, one setting, and the number of the request that is answered.
    """
    keys = (sealed.seal("", "")[:4], *sealed.fingerprints(0, "", ""))
    beside = (settings.ALLOW_FICTION_NUMBERS, request_number())
    what = (json.dumps(file, sort_keys=True, default=repr), now, keys, beside)
    return again(what, lambda: enrol(checked(ClientFile, file), now=now))


def text_from(
    clinic: Clinic,
    phone: str,
    body: str,
    *,
    now: datetime = NOW,
    opt_out_type: str = "",
    provider_answers: bool = False,
) -> Reading:
    """A text from a client's phone, each under an id of its own."""
    global _texts  # noqa: PLW0603 - a provider never gives one id twice
    _texts += 1
    reply = Reply(
        clinic_id=clinic.pk,
        provider_id=f"SM{_texts:032x}",
        address=phone,
        body=body,
        opt_out_type=opt_out_type,
        provider_answers=provider_answers,
    )
    return inbound_sms(reply, now=now)


_texts = 0


def standing_of(client: Client, channel: str = "sms") -> Standing:
    """The standing row behind a client's current address."""
    return Standing.objects.get(contacts__client=client, contacts__channel=channel, contacts__valid_to__isnull=True)


def messages_of(client: Client, **which: Any) -> list[Message]:
    """A client's messages, in due order."""
    return list(Message.objects.filter(client=client, **which).select_related("step").order_by("due_at", "pk"))


def message(client: Client, step: str, channel: str = "sms") -> Message:
    """The newest message of one step on one channel."""
    return Message.objects.filter(client=client, step__code=step, channel=channel).latest("pk")


def counts() -> dict[str, int]:
    """How many rows every table of ours holds: what a refusal must leave as it was."""
    names, question = _counting()
    with connection.cursor() as cursor:
        return dict(zip(names, cursor.execute(question).fetchone(), strict=True))


@cache
def _counting() -> tuple[list[str], str]:
    """The models and one question for all of them: asked table by table, they took a tenth of the tests' time."""
    models = list(apps.get_app_config("aftercare").get_models())
    tables = (connection.ops.quote_name(model._meta.db_table) for model in models)
    return [model.__name__ for model in models], "SELECT " + ", ".join(
        f"(SELECT count(*) FROM {each})" for each in tables
    )
