"""Load a clinic from its file: clinic, staff, senders, wordings, protocols as drafts; twice is as good as once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from worker import sealed
from worker.actions.protocols.hours import follow_hours
from worker.actions.record.audit import record
from worker.intake.canonical import canonical, canonical_hash
from worker.intake.clinic import WordingShape
from worker.intake.protocol import read_protocol
from worker.intake.shape import checked, read_toml
from worker.models import Clinic, Message, Protocol, ProtocolVersion, Sender, Staff, StaffRole, Step, Wording
from worker.models.staff import Role
from worker.opening import refuse_wider_than_law
from worker.rules.consent_wording import wording_faults
from worker.rules.gate import Reason
from worker.rules.local_time import zone
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from worker.intake.clinic import ClinicFile, ClinicShape, SenderShape
    from worker.intake.protocol import ProtocolSource


@dataclass(slots=True)
class Loaded:
    """What a file brought: the clinic, and each protocol's newest version with whether it is new."""

    clinic: Clinic
    drafts: list[tuple[ProtocolVersion, bool]] = field(default_factory=list)


def load(file: ClinicFile, *, beside: Path, by: str, now: datetime, hours_by: str = "") -> Loaded:
    """Load a checked clinic file; protocols are read from `beside/NAME` or the shipped ones. Raises Refusals.

    Hours that hold up what is planned already are taken only with the name of whoever looked at that: `hours_by` is the
    email of a practitioner or owner.
    """
    sources = [read_protocol(_folder(name, beside)) for name in file.protocols]
    with transaction.atomic():
        follow_hours(file.clinic, hours_by=hours_by, now=now)
        loaded = Loaded(_clinic(file.clinic, now))
        _staff(file, loaded.clinic)
        _senders(file, loaded.clinic)
        _wordings(_shipped_wordings(), None, now)
        _wordings(file.wording, loaded.clinic, now)
        waited = Message.objects.filter(clinic=loaded.clinic, state=State.HELD, reason=Reason.NO_SENDER)
        waited.update(state=State.PLANNED, reason="")  # they pass every gate anew
        loaded.drafts = [store_version(loaded.clinic, source, by=by, now=now) for source in sources]
        record(clinic_id=loaded.clinic.pk, kind="loaded", subject=f"clinic:{loaded.clinic.pk}", actor=by, at=now)
    return loaded


def _folder(name: str, beside: Path) -> Path:
    shipped = settings.TEMPLATES_DIR / "messages" / name
    own = beside / name
    found = own if own.is_dir() else shipped
    if not found.is_dir() or ".." in name:
        known = ", ".join(sorted(path.name for path in (settings.TEMPLATES_DIR / "messages").iterdir()))
        raise Refusals([Refusal("protocols", "names a folder that is not there", f"shipped are: {known}")])
    return found


def _clinic(shape: ClinicShape, now: datetime) -> Clinic:
    zone(shape.zone, "clinic.zone")
    plain = shape.model_dump(mode="json")
    slug = plain.pop("slug")
    clinic, made = Clinic.objects.select_for_update(no_key=True).get_or_create(
        slug=slug, defaults={**plain, "created_at": now}
    )
    if not made:
        for name, value in plain.items():
            setattr(clinic, name, value)
        clinic.revision += 1
        clinic.save()
    refuse_wider_than_law(clinic)
    return clinic


def _staff(file: ClinicFile, clinic: Clinic) -> None:
    for shape in file.staff:
        known = Staff.objects.filter(email__iexact=shape.email).first()
        if known and known.clinic_id != clinic.pk:
            raise Refusals(
                [Refusal("staff.email", "belongs to another clinic", "give each person one address a clinic")]
            )
        person = known or Staff(clinic=clinic, email=shape.email)
        person.name, person.licence = shape.name, shape.licence
        if not known:
            person.set_unusable_password()
        person.save()
        # Who owns the clinic is said by `create-owner` and by owners: a file loaded again must not lock them out.
        StaffRole.objects.filter(staff=person).exclude(role__in=[*shape.roles, Role.OWNER]).delete()
        for role in shape.roles:
            StaffRole.objects.get_or_create(staff=person, role=role)


def _senders(file: ClinicFile, clinic: Clinic) -> None:
    for shape in file.sender:
        known = Sender.objects.filter(channel=shape.channel, identity=shape.identity).first()
        if known and known.clinic_id != clinic.pk:
            mend = "give each clinic its own sender: STOP belongs to one clinic (rule 26)"
            raise Refusals([Refusal("sender.identity", "belongs to another clinic", mend)])
        _sender(shape, known or Sender(clinic=clinic, channel=shape.channel, identity=shape.identity))
    named = [(shape.channel, shape.identity) for shape in file.sender]
    for sender in Sender.objects.filter(clinic=clinic, is_active=True):
        if (sender.channel, sender.identity) not in named:
            Sender.objects.filter(pk=sender.pk).update(is_active=False)


def _sender(shape: SenderShape, sender: Sender) -> None:
    sender.account_sid = shape.account_sid
    sender.provider_handles_optout = shape.provider_handles_optout
    sender.per_second = shape.per_second
    sender.is_active = True
    if shape.auth_tokens:
        sender.credentials_sealed = sealed.seal_json(shape.auth_tokens, "sender.credentials")
    sender.save()


def _shipped_wordings() -> list[WordingShape]:
    raw = read_toml(settings.TEMPLATES_DIR / "wordings.toml")
    return [checked(WordingShape, each) for each in raw["wording"]]


def _wordings(shapes: list[WordingShape], clinic: Clinic | None, now: datetime) -> None:
    refused = [fault for shape in shapes for fault in _unsaid(shape)]
    if refused:
        raise Refusals(refused)
    for shape in shapes:
        digest = hashlib.sha256(shape.text.encode()).hexdigest()
        stored, _ = Wording.objects.get_or_create(
            clinic=clinic,
            code=shape.code,
            version=shape.version,
            language=shape.language,
            defaults={"text": shape.text, "sha256": digest, "created_at": now},
        )
        if stored.sha256 != digest:
            mend = "give the changed words the next version number: what people agreed to stays as it was"
            raise Refusals([Refusal(f"wording.{shape.code}@{shape.version}", "has other words than stored", mend)])


def _unsaid(shape: WordingShape) -> Iterator[Refusal]:
    field = f"wording.{shape.code}@{shape.version}.{shape.language}"
    return wording_faults(shape.text, code=shape.code, language=shape.language, field=field)


def store_version(clinic: Clinic, source: ProtocolSource, *, by: str, now: datetime) -> tuple[ProtocolVersion, bool]:
    """Store a protocol as a draft; a changed text is a new version, the same content the version there is (rule 10)."""
    protocol, _ = Protocol.objects.get_or_create(clinic=clinic, code=source.code)
    protocol.title = dict(source.title)
    protocol.save(update_fields=["title"])
    digest = canonical_hash(source)
    known = ProtocolVersion.objects.filter(protocol=protocol, sha256=digest).first()
    if known:
        return known, False
    last = ProtocolVersion.objects.filter(protocol=protocol).order_by("-number").first()
    version = ProtocolVersion.objects.create(
        protocol=protocol,
        number=(last.number if last else 0) + 1,
        document=canonical(source).decode(),
        sha256=digest,
        created_at=now,
        created_by=by,
    )
    Step.objects.bulk_create(
        Step(
            version=version,
            code=step.rule.code,
            ordinal=step.rule.ordinal,
            cls=step.rule.cls,
            kind=step.kind or "",
            purpose=step.rule.purpose,
            anchor=step.rule.anchor,
        )
        for step in source.steps
    )
    return version, True
