"""The whole timeline of a client, or of anyone under a protocol, with exact local times, without waiting or sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models import Appointment, Client, Protocol, ProtocolVersion, Treatment
from worker.models.appointment import AppointmentStatus
from worker.reading.messages import listed
from worker.rules.local_time import local, zone
from worker.rules.names import Channel, Purpose
from worker.rules.plan import Planned
from worker.rules.refusal import Refusal, Refusals
from worker.timeline import Course, lay_out

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from worker.rules.plan import PlannedMessage

EVERYTHING = frozenset((channel, purpose) for channel in Channel for purpose in Purpose)


def of_client(client_id: int) -> list[dict[str, Any]]:
    """The client's own messages, past and coming. Raises Refusals when there is no such client."""
    if not Client.objects.filter(pk=client_id).exists():
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    return listed(client_id=client_id)


def of_protocol(
    code: str,
    *,
    clinic_slug: str,
    treated_at: datetime,
    session_at: datetime | None,
    zone_name: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """What the newest version would send to somebody treated at `treated_at`, drafts included. Raises Refusals."""
    protocols = Protocol.objects.select_related("clinic").filter(code=code)
    found = (protocols.filter(clinic__slug=clinic_slug) if clinic_slug else protocols).first()
    if found is None:
        raise Refusals([Refusal("protocol", "is not known here", "load it first: aftercare load CLINIC.toml")])
    version = ProtocolVersion.objects.filter(protocol=found).order_by("-number").first()
    assert version is not None
    place = zone(zone_name or found.clinic.zone, "zone")
    client = Client(clinic=found.clinic, zone=place.key, language=found.clinic.language)
    course = Course(
        clinic=found.clinic,
        client=client,
        version=version,
        treatment=Treatment(client=client, version=version, performed_at=treated_at, zone=place.key),
        appointment=_visit(client, version, session_at) if session_at else None,
        enrolled_at=max(now, treated_at),
    )
    return [_row(each, place) for each in lay_out(course, EVERYTHING, max(now, treated_at))]


def _visit(client: Client, version: ProtocolVersion, at: datetime) -> Appointment:
    return Appointment(client=client, version=version, starts_at=at, zone=client.zone, status=AppointmentStatus.BOOKED)


def _row(each: PlannedMessage, place: ZoneInfo) -> dict[str, Any]:
    planned = isinstance(each.outcome, Planned)
    return {
        "step": each.rule.code,
        "channel": each.channel,
        "purpose": each.rule.purpose,
        "outcome": "planned" if planned else type(each.outcome).__name__.lower(),
        "due_at": each.outcome.due_at.isoformat(),
        "local": f"{local(each.outcome.due_at, place):%a %Y-%m-%d %H:%M %Z}",
        "useful_until": f"{local(each.outcome.expires_at, place):%a %Y-%m-%d %H:%M %Z}",
        "why": str((each.outcome.moved if isinstance(each.outcome, Planned) else each.outcome.reason) or ""),
    }
