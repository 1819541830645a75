"""What an erasure touched, what it left and why, and what is still to be done elsewhere (rule 63, GDPR 17 and 19)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from worker.models import ConsentEvent, Event, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from worker.actions.privacy.provider import Copy

ELSEWHERE = (
    "backups: let them run out, or erase again after restoring one: aftercare erase ID --by EMAIL",
    "exports: delete the files that were made for this client",
    "the clinic's own records of the treatment are not kept here",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One erasure. `again`: she had been erased before. `in_flight`: calls whose outcome was still to come."""

    client: int
    clinic: str
    erased_at: datetime
    again: bool
    wiped: dict[str, int]
    ended: dict[str, int]
    kept: dict[str, int]
    shared_with: int
    in_flight: int
    at_the_provider: list[Copy]
    elsewhere: tuple[str, ...] = ELSEWHERE

    def as_json(self) -> dict[str, Any]:
        """The manifest for machines."""
        return {**asdict(self), "erased_at": self.erased_at.isoformat()}

    def lines(self) -> Iterator[str]:
        """The manifest for people."""
        day = f"{self.erased_at:%-d %B %Y %H:%M} UTC"
        yield f"client {self.client} was erased already on {day}" if self.again else f"client {self.client} is erased"
        yield f"  wiped: {_said(self.wiped)}"
        yield f"  ended: {_said(self.ended)}"
        yield f"  kept (no name, address or text; rules 11 and 62): {_said(self.kept)}"
        if self.shared_with:
            yield f"  {self.shared_with} other client(s) share an address; replies from it are wiped as well"
        if self.in_flight:
            yield f"  {self.in_flight} call(s) under way: erase again in a few minutes for the whole list of copies"
        yield f"  at the provider: {len(self.at_the_provider)} copies; ask again by erasing again:"
        yield from (f"    {copy.state:7}  {copy.call}" for copy in self.at_the_provider)
        yield from (f"  {each}" for each in self.elsewhere)


def _said(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"


def kept(client_id: int, standing_ids: Iterable[int]) -> dict[str, int]:
    """What stays: proof of consent, the audit record, and the stop by keyed hash."""
    stopped = Suppression.objects.filter(standing_id__in=list(standing_ids), lifted_at__isnull=True)
    return {
        "consent_events": ConsentEvent.objects.filter(client_id=client_id).count(),
        "events": Event.objects.filter(subject=f"client:{client_id}").count(),
        "suppressions": stopped.count(),
    }
