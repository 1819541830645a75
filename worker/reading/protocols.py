"""A clinic's protocols: which version is written, which approved and until when, and how many messages hang on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count

from worker import rendering
from worker.models import Approval, Message, Protocol, ProtocolVersion
from worker.rules.names import CourseKind, MessageClass
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import OPEN

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.protocol import ProtocolSource
    from worker.models import Clinic


class Stage(NamedTuple):
    """One protocol: its newest version and the approval that new clients are enrolled under, if any."""

    protocol: Protocol
    newest: ProtocolVersion
    approval: Approval | None

    @property
    def is_draft(self) -> bool:
        """True while the newest version waits for a practitioner."""
        return self.approval is None or self.approval.version_id != self.newest.pk

    @property
    def source(self) -> ProtocolSource:
        """The newest version, read."""
        return rendering.version(self.newest.document).source


class Touched(NamedTuple):
    """Clients and open messages of one version."""

    number: int
    clients: int
    messages: int


def protocols(clinic: Clinic, *, now: datetime) -> list[Stage]:
    """All of a clinic, by code; in two queries, and without the documents of versions."""
    rows = ProtocolVersion.objects.filter(protocol__clinic=clinic).select_related("protocol").defer("document")
    newest = {each.protocol_id: each for each in rows.order_by("protocol__code", "number")}
    standing = Approval.objects.filter(version__protocol__clinic=clinic, withdrawn_at__isnull=True, review_by__gt=now)
    yes = standing.select_related("version", "by").defer("version__document").order_by("version__number")
    approvals = {each.version.protocol_id: each for each in yes}
    return [Stage(each.protocol, each, approvals.get(pk)) for pk, each in newest.items()]


def protocol(clinic: Clinic, code: str, *, now: datetime) -> Stage:
    """One of them. Raises Refusals."""
    found = Protocol.objects.filter(clinic=clinic, code=code).first()
    if found is None:
        raise Refusals([Refusal("protocol", "is not known here", "choose one of this clinic")])
    return stage(found, now=now)


def stage(found: Protocol, *, now: datetime) -> Stage:
    """A protocol with its newest version and its standing approval."""
    newest = ProtocolVersion.objects.filter(protocol=found).order_by("-number").first()
    assert newest is not None
    standing = Approval.objects.filter(version__protocol=found, withdrawn_at__isnull=True, review_by__gt=now)
    approval = standing.select_related("version", "by").order_by("-version__number").first()
    return Stage(found, newest, approval)


def versions(found: Protocol) -> list[ProtocolVersion]:
    """Every version, the newest first, each with its approvals and without its document."""
    rows = ProtocolVersion.objects.filter(protocol=found).defer("document").prefetch_related("approvals__by")
    return list(rows.order_by("-number"))


def touched(found: Protocol) -> list[Touched]:
    """Open course messages by version: they keep the words they were planned with; the next plan takes the new ones."""
    rows = Message.objects.filter(version__protocol=found, cls=MessageClass.COURSE, state__in=OPEN)
    rows = rows.exclude(kind=CourseKind.CORRECTION).order_by()
    counted = rows.values_list("version__number").annotate(clients=Count("client", distinct=True), messages=Count("pk"))
    return [Touched(*row) for row in sorted(counted)]
