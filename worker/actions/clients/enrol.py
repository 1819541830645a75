"""Enrol a consenting client: from the desk's form to planned messages, in one transaction (P1, P12)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from worker import rendering, sealed, tokens, traces
from worker.actions.clients import search
from worker.actions.clients.enrol_check import Checked, check
from worker.actions.clients.enrol_consent import Form, give
from worker.actions.clients.erased import refuse_older
from worker.actions.consent import standing as standings
from worker.actions.consent.optin import ask
from worker.actions.course.plan import Result, plan
from worker.actions.course.visit import warn_if_outside
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Appointment, Client, Contact, Link, Standing, Treatment
from worker.models.appointment import AppointmentStatus
from worker.opening import hours_of
from worker.rules.hours import load_holidays
from worker.rules.names import Channel, Purpose
from worker.rules.plan import Anchor
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.client import ClientFile, ProxyShape


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled and what was planned; `repeated` when the very same file had been taken before.

    `asked` are the channels on which everything waits for the client's own yes.
    """

    client: Client
    result: Result
    repeated: bool = False
    asked: tuple[Channel, ...] = ()


@traces.because("enrol")
def enrol(file: ClientFile, *, now: datetime) -> Enrolled:
    """Enrol one client. Raises Refusals with every fault at once; then nothing has changed.

    The same file again changes nothing and says so; another file under the same external id is refused.
    """
    checked = check(file, now)
    repeat = repeat_of(checked)
    if repeat is not None:
        return repeat
    _warm(checked, now)
    try:
        return _write(checked, now)
    except IntegrityError:  # two desks pressed at once: one of them enrolled, the other sees the same client
        repeat = repeat_of(check(file, now))
        if repeat is None:
            raise
        return repeat


def _warm(checked: Checked, now: datetime) -> None:
    """Read templates and holidays before any lock is held: in a fresh process they cost seconds, and a STOP waits."""
    if checked.version is not None:
        rendering.version(checked.version.document)
        for channel in Channel:
            hours = hours_of(checked.clinic, channel, Purpose.AFTERCARE, *checked.clocks)
            load_holidays(hours.windows, now.year)


def intake_hash(file: ClientFile) -> str:
    """A keyed hash of the whole file: tells a repeat from a contradiction, and tells nobody anything else."""
    return sealed.fingerprint(0, "intake", file.said()).digest.hex()


def repeat_of(checked: Checked) -> Enrolled | None:
    """The client whom this very file enrolled before. Raises Refusals when she is enrolled with other details."""
    known = Client.objects.filter(clinic=checked.clinic, external_id=checked.file.external_id).first()
    if known is None:
        return None
    same = {made.digest.hex() for made in sealed.fingerprints(0, "intake", checked.file.said())}
    if known.intake_hash not in same:
        mend = "use another external_id, or the verbs that change a client (appointment, revoke)"
        raise Refusals([Refusal("external_id", "is enrolled already, with other details", mend)])
    return Enrolled(known, Result(), repeated=True)


@transaction.atomic
def _write(checked: Checked, now: datetime) -> Enrolled:
    rows = _lock_standings(checked, now)
    client = _client(checked, now)
    asked = []
    for channel, row in rows.items():
        say_if_held(client, row, now)
        contact = _contact(checked, client, channel, row, now)
        if _consents(checked, client, channel, row, now):
            asked.append(contact)
    result = _plan(checked, client, now)
    for contact in asked:
        ask(contact, address=checked.addresses[Channel(contact.channel)][0], now=now)
    record(
        clinic_id=checked.clinic.pk,
        kind="enrolled",
        subject=f"client:{client.pk}",
        actor=f"staff:{checked.by.pk}",
        at=now,
        facts={
            "messages": len(result.messages),
            "hand_over": [each.rule.code for each in result.hand_over],
            "version": checked.version.pk if checked.version else None,
            **({"asked": [contact.channel for contact in asked]} if asked else {}),
        },
        sealed=True,
    )
    return Enrolled(client, result, asked=tuple(Channel(contact.channel) for contact in asked))


def _client(checked: Checked, now: datetime) -> Client:
    """Her card, and the keyed hashes by which the desk finds it."""
    file, (place, *others) = checked.file, checked.clocks
    client = Client.objects.create(
        clinic=checked.clinic,
        external_id=file.external_id,
        name_sealed=sealed.seal(file.name, "client.name"),
        language=file.language,
        zone=place,
        zone_is_known=bool(file.zone),
        other_clocks=" ".join(others),
        health_basis=file.health_data_basis,
        is_minor=file.minor,
        intake_hash=intake_hash(file),
        created_at=now,
    )
    search.index(
        client,
        name=file.name,
        phone=checked.addresses.get(Channel.SMS, ("", "", ""))[1],
        email=checked.addresses.get(Channel.EMAIL, ("", "", ""))[1],
    )
    return client


def _lock_standings(checked: Checked, now: datetime) -> dict[Channel, Standing]:
    """Lock all rows of each address; a stop, or a yes that an erasure ended, is not undone by us (P2, rules 34, 62).

    In one statement, in the order of all who lock several: a STOP of any row came before it, or finds her.
    """
    known = {
        channel: standings.ensure_all(clinic_id=checked.clinic.pk, channel=channel, address=normal, now=now)
        for channel, (_, normal, _) in checked.addresses.items()
    }
    locked = {row.pk: row for row in standings.lock(chain.from_iterable(known.values()))}
    rows = {channel: standings.strictest(locked[pk] for pk in ids) for channel, ids in known.items()}
    refuse_stopped({channel: row for channel, row in rows.items() if wants(checked.file, channel)})
    refuse_older(checked.clinic, checked.addresses, checked.file.consents)
    return rows


def refuse_stopped(rows: dict[Channel, Standing]) -> None:
    """Raise Refusals for every address that said stop, with the day and why; the caller holds their locks."""
    stopped = [
        Refusal(
            "phone" if channel == Channel.SMS else "email",
            f"may not be written to since {row.suppressed_at:%-d %B %Y} ({row.suppressed_why})",
            "enrol without it; only the client can undo her own stop, by START from that phone",
        )
        for channel, row in rows.items()
        if row.suppressed_at is not None
    ]
    if stopped:
        raise Refusals(stopped)


def say_if_held(client: Client, row: Standing, now: datetime) -> None:
    """An address held before its client came: nothing goes until a person has looked, so that person is told now."""
    if row.held_at is not None:
        open_task(
            clinic_id=row.clinic_id,
            client_id=client.pk,
            kind="held_address",
            cause=f"held_address:{row.pk}:{client.pk}",
            facts={"standing": row.pk, "why": row.held_why},
            now=now,
        )


def wants(file: ClientFile, channel: Channel) -> bool:
    """True when the file says yes to anything on that channel."""
    return any(consent.affirmed and consent.channel == channel for consent in file.consents)


def _contact(checked: Checked, client: Client, channel: Channel, row: Standing, now: datetime) -> Contact:
    return new_contact(client, row, checked.addresses[channel], checked.file.holder, now)


def new_contact(
    client: Client, row: Standing, written: tuple[str, str, str], holder: ProxyShape | None, now: datetime
) -> Contact:
    """The client's address from `now` on; `written` is it for sending, for the fingerprint and as written down."""
    address, _, raw = written
    return Contact.objects.create(
        clinic=client.clinic,
        client=client,
        channel=row.channel,
        standing=row,
        address_sealed=sealed.seal(address, "contact.address"),
        raw_sealed=sealed.seal(raw, "contact.raw"),
        relationship=holder.relationship if holder else "client",
        holder_sealed=sealed.seal(holder.name, "contact.holder") if holder else None,
        link_key=tokens.new_key(),
        valid_from=now,
    )


def _consents(checked: Checked, client: Client, channel: Channel, row: Standing, now: datetime) -> bool:
    form = Form(
        consents=checked.file.consents,
        wordings=checked.wordings,
        written=checked.addresses[channel],
        name=checked.file.name,
        holder=checked.file.holder,
        by=f"staff:{checked.by.pk}",
        signature=checked.file.signature,
    )
    return give(client, row, form, now=now)


def _plan(checked: Checked, client: Client, now: datetime) -> Result:
    file, version = checked.file, checked.version
    if version is None:
        return Result()
    treatment = appointment = None
    if file.treatment:
        treatment = Treatment.objects.create(
            clinic=checked.clinic,
            client=client,
            version=version,
            external_id=file.treatment.external_id,
            performed_at=file.treatment.performed_at,
            zone=client.zone,
            practitioner=_practitioner(checked),
            created_at=now,
        )
    if file.appointment:
        appointment = Appointment.objects.create(
            clinic=checked.clinic,
            client=client,
            version=version,
            external_id=file.appointment.external_id,
            starts_at=file.appointment.starts_at,
            zone=client.zone,
            status=AppointmentStatus.BOOKED,
            changed_at=now,
        )
        warn_if_outside(appointment, now)
    care = Link.objects.create(
        key=tokens.new_key(), clinic=checked.clinic, client=client, version=version, created_at=now
    )
    course = Course(
        clinic=checked.clinic,
        client=client,
        version=version,
        care=care,
        treatment=treatment,
        appointment=appointment,
        enrolled_at=now,
    )
    return plan(course, anchors=Anchor, now=now)


def _practitioner(checked: Checked) -> str:
    """Who did it, by staff id; an unknown address is not stored (it would be personal data in a plain column)."""
    email = checked.file.treatment.practitioner if checked.file.treatment else ""
    found = checked.clinic.staff.filter(email__iexact=email).first() if email else None
    return f"staff:{found.pk}" if found else ""
