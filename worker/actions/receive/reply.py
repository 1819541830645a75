"""One text from a client's phone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One text from a client's phone, as the provider handed it over."""

    clinic_id: int
    provider_id: str
    address: str
    body: str
    opt_out_type: str
    provider_answers: bool  # the sender's provider confirms STOP itself (rule 23)
    received_at: datetime | None = None  # by the provider's clock, where its list told us and not its webhook
    listed: Mapping[str, datetime] = field(default_factory=dict)  # all dates of that list, by the provider's ids
