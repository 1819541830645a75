"""Another approved version of the protocol, without the seconds that trying it against a year of hours takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from worker import rendering
from worker.actions.protocols.load import store_version
from worker.models import Approval, ProtocolVersion, Staff

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.protocol import ProtocolSource


def newest(clinic) -> ProtocolSource:
    """The newest version of the clinic's protocol, as it is written."""
    version = ProtocolVersion.objects.filter(protocol__clinic=clinic).latest("number")
    return rendering.version(version.document).source


def approved(clinic, source: ProtocolSource, now: datetime) -> ProtocolVersion:
    """That source as the next version, approved by the clinic's practitioner."""
    version, fresh = store_version(clinic, source, by="tests", now=now)
    if fresh:
        okafor = Staff.objects.get(clinic=clinic, roles__role="practitioner")
        Approval.objects.create(
            version=version, sha256=version.sha256, by=okafor, licence="NY-1", approved_at=now,
            review_by=now + timedelta(days=365),
        )  # fmt: skip
    return version


def next_version(clinic, now: datetime) -> ProtocolVersion:
    """The same protocol with one more message promised."""
    source = newest(clinic)
    return approved(clinic, replace(source, frequency=source.frequency + 1), now)
