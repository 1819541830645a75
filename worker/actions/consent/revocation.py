"""What somebody says who takes a consent back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models.suppression import SuppressionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Who said stop, how and when; `evidence` (the reply as written) is sealed."""

    reason: SuppressionReason
    method: str
    by: str
    received_at: datetime
    source: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
