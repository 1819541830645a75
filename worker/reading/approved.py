"""The protocols that a practitioner's approval covers now, for the desk to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.models import Approval

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic, ProtocolVersion


def approved(clinic: Clinic, *, now: datetime) -> list[ProtocolVersion]:
    """The newest approved version of each protocol, with its protocol; in one query."""
    standing = Approval.objects.filter(
        version__protocol__clinic=clinic, withdrawn_at__isnull=True, review_by__gt=now
    ).select_related("version__protocol")
    newest: dict[int, ProtocolVersion] = {}
    for each in standing.order_by("version__number"):
        newest[each.version.protocol_id] = each.version
    return sorted(newest.values(), key=lambda version: version.protocol.code)


def title(version: ProtocolVersion, language: str) -> str:
    """What the clinic calls it, in a language or the first it has."""
    said: dict[str, str] = version.protocol.title
    return said.get(language) or next(iter(said.values()), version.protocol.code)
