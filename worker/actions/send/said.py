"""What the provider said to one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.actions.send.prepared import Prepared
    from worker.channels.base import Outcome


@dataclass(frozen=True, slots=True)
class Said:
    """One message and what became of its call."""

    of: Prepared
    outcome: Outcome
