"""Write a draft at the desk: each save is a new version, and nothing that was approved ever changes (P3, rule 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from worker import rendering
from worker.actions.clients import find
from worker.actions.protocols.load import store_version
from worker.actions.record.audit import record
from worker.intake.protocol_edit import change, pages_of, with_correction, without
from worker.models import Protocol, ProtocolVersion
from worker.rules.lint import lint_links
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from worker.intake.protocol import ProtocolSource
    from worker.intake.protocol_edit import Pages
    from worker.models import Clinic, Staff


def write_step(
    *, clinic: Clinic, code: str, from_version: int, step: str, said: Mapping[str, str], by: str, now: datetime
) -> tuple[ProtocolVersion, bool]:
    """Save what a form says of one step as the next version; the version, and whether it is new. Raises Refusals.

    `from_version` is the number that was on the screen: when somebody saved another one meanwhile, nothing is saved.
    """
    return _write(clinic, code, from_version, by, now, lambda pages: change(pages, step, said))


def add_correction(
    *, clinic: Clinic, code: str, from_version: int, step: str, said: Mapping[str, str], by: str, now: datetime
) -> tuple[ProtocolVersion, bool]:
    """Save one more step, a correction with its texts, as the next version. Raises Refusals."""
    return _write(clinic, code, from_version, by, now, lambda pages: change(with_correction(pages, step), step, said))


def remove_step(
    *, clinic: Clinic, code: str, from_version: int, step: str, by: str, now: datetime
) -> tuple[ProtocolVersion, bool]:
    """Save the protocol without one step as the next version. Raises Refusals."""
    return _write(clinic, code, from_version, by, now, lambda pages: without(pages, step))


def own_hosts(clinic: Clinic) -> tuple[str, ...]:
    """The hosts that a link in a clinic's text may lead to: ours and its own (rule 38); nothing is ever called."""
    return (urlsplit(settings.PUBLIC_URL).hostname or "", clinic.mail_domain)


def foreign_links(source: ProtocolSource, clinic: Clinic) -> list[Refusal]:
    """Every link in the texts that leads elsewhere."""
    hosts = own_hosts(clinic)
    return [
        Refusal(finding.where, finding.message, "lead to the care page, or to the clinic's own site")
        for step in source.steps
        for text in step.texts
        for part in (text.text, text.subject, text.html)
        for finding in lint_links(part, f"{step.rule.code}.{text.language}.{text.channel}", own_hosts=hosts)
    ]


@transaction.atomic
def _write(
    clinic: Clinic, code: str, from_version: int, by: str, now: datetime, edit: Edit
) -> tuple[ProtocolVersion, bool]:
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    newest = _newest(clinic, code)
    if newest.number != from_version:
        mend = f"look at version {newest.number}, then write yours into it"
        raise Refusals([Refusal("version", "is not the newest any more: somebody saved meanwhile", mend)])
    source = edit(pages_of(rendering.version(newest.document).source)).source()
    foreign = foreign_links(source, clinic)
    if foreign:
        raise Refusals(foreign)
    version, new = store_version(clinic, source, by=f"staff:{staff.pk}", now=now)
    if version.number < newest.number:
        mend = f"approve version {version.number}, or change something"
        raise Refusals([Refusal("version", f"says the very same as version {version.number}", mend)])
    if new:
        _note(version, staff, now)
    return version, new


def _newest(clinic: Clinic, code: str) -> ProtocolVersion:
    protocol = Protocol.objects.select_for_update(no_key=True).filter(clinic=clinic, code=code).first()
    newest = ProtocolVersion.objects.filter(protocol=protocol).order_by("-number").first() if protocol else None
    if newest is None:
        raise Refusals([Refusal("protocol", "is not known here", "load it first: aftercare load CLINIC.toml")])
    return newest


def _note(version: ProtocolVersion, staff: Staff, now: datetime) -> None:
    record(
        clinic_id=version.protocol.clinic_id, kind="drafted", subject=f"version:{version.pk}",
        actor=f"staff:{staff.pk}", at=now, facts={"sha256": version.sha256, "number": version.number}, sealed=True,
    )  # fmt: skip


if TYPE_CHECKING:
    from collections.abc import Callable

    Edit = Callable[[Pages], Pages]
