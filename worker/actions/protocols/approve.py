"""A practitioner's yes to one exact hash, and its withdrawal (P3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from worker import rendering
from worker.actions.clients import find
from worker.actions.record.audit import record
from worker.models import Approval, Clinic, Protocol, ProtocolVersion
from worker.models.staff import Role
from worker.opening import hours_of
from worker.rules.local_time import local, zone
from worker.rules.names import Channel, Purpose
from worker.rules.reach import Finding, unreachable
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from worker.models import Staff

REVIEW_AFTER = timedelta(days=365)


def the_protocol(code: str, *, clinic_slug: str = "") -> Protocol:
    """The protocol of that code; the clinic must be named when several have one. Raises Refusals."""
    found = Protocol.objects.select_related("clinic").filter(code=code)
    if clinic_slug:
        found = found.filter(clinic__slug=clinic_slug)
    several = list(found[:2])
    if not several:
        raise Refusals([Refusal("protocol", "is not known here", "load it first: aftercare load CLINIC.toml")])
    if len(several) > 1:
        raise Refusals([Refusal("protocol", "belongs to several clinics", "name one with --clinic SLUG")])
    return several[0]


def practitioner(protocol: Protocol, email: str) -> Staff:
    """The practitioner of the protocol's clinic who may approve it. Raises Refusals."""
    person = find.staff(email, clinic_id=protocol.clinic_id, roles=(Role.PRACTITIONER,), field="by")
    if not person.licence:
        raise Refusals(
            [Refusal("by", "has no licence number on record", "add `licence` to the clinic file and load it")]
        )
    return person


def approve(
    *,
    protocol: Protocol,
    by: str,
    now: datetime,
    review_by: datetime | None = None,
    sha256: str = "",
    version: int | None = None,
) -> tuple[Approval, bool]:
    """Approve the version of that number, else the one that waits; (approval, whether it is new). Raises Refusals.

    With `sha256` the newest must be the one that was read: a page may have been open while somebody saved another.
    Refused when a step could not go after some treatment between 08:00 and 20:00 and nobody would be told.
    """
    person = practitioner(protocol, by)
    until = review_by or now + REVIEW_AFTER
    if not now < until <= now + 2 * REVIEW_AFTER:
        raise Refusals([Refusal("review_by", "is past or more than two years away", "choose a date within two years")])
    meant = _read(protocol, sha256) if sha256 else _meant(protocol, version, now)
    standing = Approval.objects.filter(version=meant, withdrawn_at__isnull=True, review_by__gt=now).first()
    if standing is not None:
        return standing, False
    gaps = unreachable_steps(meant, protocol.clinic, local(now, zone(protocol.clinic.zone)).date())
    if gaps:
        raise Refusals(_gap(each) for each in gaps)
    try:
        return _approve(meant, person, until, now)
    except IntegrityError:  # two approvals at once: one stands, which is what both wanted
        return Approval.objects.get(version=meant, withdrawn_at__isnull=True), False


def _read(protocol: Protocol, sha256: str) -> ProtocolVersion:
    """The newest version, if it is the one that was read. Raises Refusals."""
    newest = ProtocolVersion.objects.filter(protocol=protocol).latest("number")
    if sha256 != newest.sha256:
        mend = f"read version {newest.number}, which somebody saved meanwhile"
        raise Refusals([Refusal("version", "is not the one that you read", mend)])
    return newest


def _meant(protocol: Protocol, number: int | None, now: datetime) -> ProtocolVersion:
    """The version that was named; unnamed the newest, but only if it alone can be meant. Raises Refusals.

    Whoever loads an old file again has read that one. Were the newest draft taken for it, words that no practitioner
    has read would go to clients. An approved newest one stays what it is, so that a script may say the same again.
    """
    versions = list(ProtocolVersion.objects.filter(protocol=protocol).order_by("number"))
    if number is not None:
        for each in versions:
            if each.number == number:
                return each
        raise Refusals([Refusal("version", "is not known here", f"the newest is version {versions[-1].number}")])
    waiting = drafts(protocol, now=now)
    if len(waiting) > 1 and versions[-1].number in waiting:
        mend = f"read them, then name one: --version {waiting[-1]}"
        raise Refusals([Refusal("version", f"is not named, and versions {_listed(waiting)} are not approved", mend)])
    return versions[-1]


def drafts(protocol: Protocol, *, now: datetime) -> list[int]:
    """The numbers of the versions that no approval covers now: never approved, withdrawn, or past their review."""
    standing = Approval.objects.filter(withdrawn_at__isnull=True, review_by__gt=now, version__protocol=protocol)
    versions = ProtocolVersion.objects.filter(protocol=protocol).exclude(pk__in=standing.values("version_id"))
    return list(versions.order_by("number").values_list("number", flat=True))


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def unreachable_steps(version: ProtocolVersion, clinic: Clinic, start: date) -> tuple[Finding, ...]:
    """Steps that a treatment at some hour would leave without a message and without a task for staff."""
    source = rendering.version(version.document).source
    hours = {channel: hours_of(clinic, channel, Purpose.AFTERCARE, clinic.zone) for channel in Channel}
    return unreachable([step.rule for step in source.steps], hours, zone(clinic.zone), start=start)


def _gap(each: Finding) -> Refusal:
    return Refusal(
        f"step {each.step}",
        f"could not go by {each.channel} after a treatment at {each.example:%H:%M on a %A} ({each.reason})",
        'give it a later `until`, or if_closed = "hand_over" so that staff are told',
    )


@transaction.atomic
def _approve(version: ProtocolVersion, person: Staff, until: datetime, now: datetime) -> tuple[Approval, bool]:
    standing = Approval.objects.filter(version=version, withdrawn_at__isnull=True).first()
    if standing and standing.review_by > now:
        return standing, False
    if standing:  # its review is overdue: the old yes ends with the new one
        standing.withdrawn_at, standing.withdrawn_by = now, person
        standing.save(update_fields=["withdrawn_at", "withdrawn_by"])
    made = Approval.objects.create(
        version=version,
        sha256=version.sha256,
        by=person,
        licence=person.licence,
        approved_at=now,
        review_by=until,
    )
    _note("approved", version, person, now, {"review_by": until.isoformat(), "licence": person.licence})
    return made, True


@transaction.atomic
def withdraw(*, protocol: Protocol, by: str, now: datetime) -> list[int]:
    """Withdraw every approval of a protocol; of which versions. What is planned is withheld at its hour.

    Raises Refusals. No version is chosen here: whatever was meant, nothing of the protocol leaves.
    """
    person = practitioner(protocol, by)
    found = Approval.objects.select_for_update(of=("self",)).select_related("version__protocol")
    standing = list(found.filter(version__protocol=protocol, withdrawn_at__isnull=True))
    if not standing:
        raise Refusals([Refusal("protocol", "has no approval to withdraw", "see `aftercare status`")])
    for each in standing:
        each.withdrawn_at, each.withdrawn_by = now, person
        each.save(update_fields=["withdrawn_at", "withdrawn_by"])
        _note("withdrawn", each.version, person, now, {})
    return sorted(each.version.number for each in standing)


def _note(kind: str, version: ProtocolVersion, person: Staff, now: datetime, more: dict[str, str]) -> None:
    record(
        clinic_id=version.protocol.clinic_id,
        kind=kind,
        subject=f"version:{version.pk}",
        actor=f"staff:{person.pk}",
        at=now,
        facts={"sha256": version.sha256, "number": version.number, **more},
        sealed=True,
    )
