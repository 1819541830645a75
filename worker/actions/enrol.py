"""Enrol a consenting client: from the desk's form to planned messages, in one transaction (P1, P12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from worker import rendering, sealed, tokens
from worker.actions import ledger, search
from worker.actions import standing as standings
from worker.actions.appointment import warn_if_outside
from worker.actions.audit import record
from worker.actions.enrol_check import Checked, check
from worker.actions.plan import Result, plan
from worker.actions.task import open_task
from worker.models import Appointment, Client, Contact, Link, Standing, Treatment
from worker.models.appointment import AppointmentStatus
from worker.models.consent import Act
from worker.opening import hours_of
from worker.rules.hours import load_holidays
from worker.rules.local_time import zone
from worker.rules.names import Channel, Purpose
from worker.rules.plan import Anchor
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.client import ClientFile, ConsentShape


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Who was enrolled and what was planned; `repeated` when the very same file had been taken before."""

    client: Client
    result: Result
    repeated: bool = False


def enrol(file: ClientFile, *, now: datetime) -> Enrolled:
    """Enrol one client. Raises Refusals with every fault at once; then nothing has changed.

    The same file again changes nothing and says so; another file under the same external id is refused.
    """
    checked = check(file, now)
    repeat = _repeat(checked)
    if repeat is not None:
        return repeat
    _warm(checked, now)
    try:
        return _write(checked, now)
    except IntegrityError:  # two desks pressed at once: one of them enrolled, the other sees the same client
        repeat = _repeat(check(file, now))
        if repeat is None:
            raise
        return repeat


def _warm(checked: Checked, now: datetime) -> None:
    """Read templates and holidays before any lock is held: in a fresh process they cost seconds, and a STOP waits."""
    if checked.version is not None:
        rendering.version(checked.version.document)
        for channel in Channel:
            hours = hours_of(checked.clinic, channel, Purpose.AFTERCARE, checked.file.zone)
            load_holidays(hours.windows, now.year)


def intake_hash(file: ClientFile) -> str:
    """A keyed hash of the whole file: tells a repeat from a contradiction, and tells nobody anything else."""
    return sealed.fingerprint(0, "intake", file.model_dump_json()).digest.hex()


def _repeat(checked: Checked) -> Enrolled | None:
    known = Client.objects.filter(clinic=checked.clinic, external_id=checked.file.external_id).first()
    if known is None:
        return None
    same = {made.digest.hex() for made in sealed.fingerprints(0, "intake", checked.file.model_dump_json())}
    if known.intake_hash not in same:
        mend = "use another external_id, or the verbs that change a client (appointment, revoke)"
        raise Refusals([Refusal("external_id", "is enrolled already, with other details", mend)])
    return Enrolled(known, Result(), repeated=True)


@transaction.atomic
def _write(checked: Checked, now: datetime) -> Enrolled:
    file, clinic = checked.file, checked.clinic
    rows = _lock_standings(checked, now)
    client = Client.objects.create(
        clinic=clinic,
        external_id=file.external_id,
        name_sealed=sealed.seal(file.name, "client.name"),
        language=file.language,
        zone=zone(file.zone, "zone").key,
        health_basis=file.health_data_basis,
        intake_hash=intake_hash(file),
        created_at=now,
    )
    search.index(
        client,
        name=file.name,
        phone=checked.addresses.get(Channel.SMS, ("", "", ""))[1],
        email=checked.addresses.get(Channel.EMAIL, ("", "", ""))[1],
    )
    for channel, row in rows.items():
        _say_if_held(client, row, now)
        _contact(checked, client, channel, row, now)
        _consents(checked, client, channel, row, now)
    result = _plan(checked, client, now)
    record(
        clinic_id=clinic.pk,
        kind="enrolled",
        subject=f"client:{client.pk}",
        actor=f"staff:{checked.by.pk}",
        at=now,
        facts={
            "messages": len(result.messages),
            "hand_over": [each.rule.code for each in result.hand_over],
            "version": checked.version.pk if checked.version else None,
        },
        sealed=True,
    )
    return Enrolled(client, result)


def _lock_standings(checked: Checked, now: datetime) -> dict[Channel, Standing]:
    """Lock the addresses' standing rows; an address that said stop is not enrolled again by us (rules 34, 62)."""
    ids = {
        standings.ensure(clinic_id=checked.clinic.pk, channel=channel, address=normal, now=now): channel
        for channel, (_, normal, _) in checked.addresses.items()
    }
    rows = {ids[row.pk]: row for row in standings.lock(ids)}
    stopped = [
        Refusal(
            "phone" if channel == Channel.SMS else "email",
            f"may not be written to since {row.suppressed_at:%-d %B %Y} ({row.suppressed_why})",
            "enrol without it; only the client can undo her own stop, by START from that phone",
        )
        for channel, row in rows.items()
        if row.suppressed_at is not None and _wants(checked.file, channel)
    ]
    if stopped:
        raise Refusals(stopped)
    return rows


def _say_if_held(client: Client, row: Standing, now: datetime) -> None:
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


def _wants(file: ClientFile, channel: Channel) -> bool:
    return any(consent.affirmed and consent.channel == channel for consent in file.consents)


def _contact(checked: Checked, client: Client, channel: Channel, row: Standing, now: datetime) -> None:
    address, _, raw = checked.addresses[channel]
    holder = checked.file.holder
    Contact.objects.create(
        clinic=checked.clinic,
        client=client,
        channel=channel,
        standing=row,
        address_sealed=sealed.seal(address, "contact.address"),
        raw_sealed=sealed.seal(raw, "contact.raw"),
        relationship=holder.relationship if holder else "client",
        holder_sealed=sealed.seal(holder.name, "contact.holder") if holder else None,
        link_key=tokens.new_key(),
        valid_from=now,
    )


def _consents(checked: Checked, client: Client, channel: Channel, row: Standing, now: datetime) -> None:
    given = [each for each in checked.file.consents if each.affirmed and each.channel == channel]
    if given:
        ledger.write(row, [_act(checked, client, each) for each in given], now=now)


def _act(checked: Checked, client: Client, consent: ConsentShape) -> ledger.ConsentAct:
    wording = checked.wordings[consent.wording]
    address, _, raw = checked.addresses[Channel(consent.channel)]
    evidence: dict[str, Any] = {"address": address, "as_written": raw, "name": checked.file.name}
    if checked.file.holder:
        evidence["holder"] = checked.file.holder.model_dump()
    return ledger.ConsentAct(
        client_id=client.pk,
        purpose=Purpose(consent.purpose),
        act=Act.GIVEN,
        method=consent.method,
        happened_at=consent.given_at,
        zone=client.zone,
        recorded_by=f"staff:{checked.by.pk}",
        wording=wording,
        language=wording.language,
        source=consent.source,
        evidence=evidence,
    )


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
