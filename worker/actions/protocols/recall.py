"""Recall a version: an approved correction to everyone who got it, once each, through the ordinary gates (P1-P4)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction

from worker import rendering, tokens
from worker.actions.consent import standing as standings
from worker.actions.protocols.approve import practitioner
from worker.actions.protocols.reached import Reached, before_now, correction_occasion, corrections_of, recalled
from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Approval, Link, Message, ProtocolVersion, Step
from worker.models.store import store
from worker.rules.names import CourseKind, MessageClass
from worker.rules.plan import moment
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Clinic

CHUNK = 100


class Sent(NamedTuple):
    """How many corrections are on their way now, and how many clients had theirs planned before."""

    planned: int
    before: int


def recall(*, clinic: Clinic, version_id: int, step_id: int, by: str, now: datetime) -> Sent:
    """Plan the correction for everyone the preview names; again changes nothing. Raises Refusals.

    `by` is a practitioner. What is planned here passes consent, stop, hours, caps and approval like any message: a
    client who stops meanwhile hears nothing.
    """
    version, step = _approved(clinic, version_id, step_id, now)
    person = practitioner(version.protocol, by)
    found = recalled(version, step)
    going = [each for each in found if each.goes]
    planned = sum(_chunk(going[first : first + CHUNK], step, version, now) for first in range(0, len(going), CHUNK))
    record(
        clinic_id=clinic.pk, kind="recalled", subject=f"version:{version.pk}", actor=f"staff:{person.pk}", at=now,
        facts={
            "correction": step.pk, "correction_version": step.version_id, "planned": planned,
            "not_reached": sum(not each.goes for each in found),
        },
    )  # fmt: skip
    return Sent(planned, sum(each.why == "planned_before" for each in found))


def _approved(clinic: Clinic, version_id: int, step_id: int, now: datetime) -> tuple[ProtocolVersion, Step]:
    version = ProtocolVersion.objects.filter(pk=version_id, protocol__clinic=clinic).select_related("protocol").first()
    if version is None:
        raise Refusals([Refusal("version", "is not known here", "choose one of this clinic's protocols")])
    steps = Step.objects.filter(pk=step_id, kind=CourseKind.CORRECTION, version__protocol=version.protocol_id)
    step = steps.select_related("version").first()
    if step is None:
        raise Refusals([Refusal("correction", "is no correction of this protocol", "write one, and approve it")])
    approvals = Approval.objects.filter(version=step.version, withdrawn_at__isnull=True, review_by__gt=now)
    if not approvals.exists():
        raise Refusals([Refusal("correction", "is not approved", "let a practitioner read and approve its version")])
    return version, step


@transaction.atomic
def _chunk(going: Sequence[Reached], step: Step, version: ProtocolVersion, now: datetime) -> int:
    """Some of them in one transaction, their standing rows locked in order; not who got hers from another meanwhile."""
    standings.lock(each.contact.standing_id for each in going if each.contact is not None)
    hers = corrections_of(version, step).filter(client__in=[each.client_id for each in going])
    before, times = before_now(hers), Counter(hers.values_list("client_id", flat=True))
    rule = rendering.version(step.version.document).source.step(step.code).rule
    made = []
    for each in going:
        contact = each.contact
        assert contact is not None
        client = contact.client
        if client.pk in before:
            continue
        number = times[client.pk]
        link = Link(
            key=tokens.new_key(), clinic_id=client.clinic_id, client=client, version=step.version, created_at=now
        )
        message = Message(
            clinic_id=client.clinic_id, client=client, contact=contact, standing_id=contact.standing_id,
            channel=contact.channel, purpose=step.purpose, cls=MessageClass.COURSE, kind=CourseKind.CORRECTION,
            version=step.version, step=step, language=client.language,
            occasion=correction_occasion(version.pk, step.pk, client.pk, number), resend=number,
            zone=client.zone, state=State.PLANNED, due_at=now,
            expires_at=moment(rule.until, now, ZoneInfo(client.zone)), created_at=now,
        )  # fmt: skip
        if store([message], unless_there="occasion"):
            store([link])
            Message.objects.filter(pk=message.pk).update(care=link)
            made.append(message)
    make_ready(made, now=now)
    return len(made)
