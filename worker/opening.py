"""When a clinic may write to a client: its own hours, cut to what the jurisdiction allows, on the client's clock."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from worker.rules.hours import Hours, check_within, read_windows
from worker.rules.jurisdictions import Jurisdiction, hours_for, jurisdiction
from worker.rules.local_time import zone
from worker.rules.names import Channel, Purpose

if TYPE_CHECKING:
    from worker.models import Clinic
    from worker.rules.windows import Windows


def place_of(clinic: Clinic) -> Jurisdiction:
    """The jurisdiction a clinic stands in."""
    return jurisdiction(clinic.country, clinic.state or None)


def hours_of(clinic: Clinic, channel: Channel, purpose: Purpose, *clocks: str) -> Hours:
    """The hours of one channel and purpose for a client on whose `clocks` (IANA zones) all of them must be kept."""
    return _hours(clinic.country, clinic.state, _spelled(clinic.hours.get(channel)), channel, purpose, clocks)


def own_windows(clinic: Clinic, channel: Channel) -> Windows | None:
    """What the clinic itself set for a channel, None when it set nothing. Raises Refusals when unreadable."""
    raw = clinic.hours.get(channel)
    return read_windows(raw, field=f"clinic.hours.{channel}") if raw else None


def refuse_wider_than_law(clinic: Clinic) -> None:
    """Refuse own hours that open where the jurisdiction does not (rule 46). Raises Refusals."""
    law = place_of(clinic)
    for channel in Channel:
        own = own_windows(clinic, channel)
        if own is not None:
            check_within(own, law.limit(channel, Purpose.AFTERCARE), field=f"clinic.hours.{channel}")


def _spelled(raw: dict[str, list[str]] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((day, tuple(periods)) for day, periods in (raw or {}).items())


@lru_cache(maxsize=4096)
def _hours(
    country: str,
    state: str,
    own: tuple[tuple[str, tuple[str, ...]], ...],
    channel: Channel,
    purpose: Purpose,
    clocks: tuple[str, ...],
) -> Hours:
    windows = read_windows({day: list(periods) for day, periods in own}) if own else None
    return hours_for(jurisdiction(country, state or None), channel, purpose, tuple(map(zone, clocks)), windows)
