"""What a pause or resume names, as people write it."""

from __future__ import annotations

from worker.models import Clinic, Protocol, Sender
from worker.models.hold import PauseScope
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals


def scope_of(
    *, everything: bool, clinic: str, channel: str, protocol: str, sender: str, drain: bool = False
) -> tuple[PauseScope, str]:
    """Scope and value of a pause. Raises Refusals for something that is not there."""
    if drain:
        return PauseScope.DRAIN, ""
    if everything:
        return PauseScope.ALL, ""
    if channel:
        return PauseScope.CHANNEL, Channel(channel).value
    if sender:
        return PauseScope.SENDER, _id(Sender.objects.filter(identity=sender), "sender")
    found = Clinic.objects.filter(slug=clinic) if clinic else Clinic.objects.all()
    if protocol:
        return PauseScope.PROTOCOL, _id(Protocol.objects.filter(code=protocol, clinic__in=found), "protocol")
    return PauseScope.CLINIC, _id(found, "clinic")


def _id(found: object, field: str) -> str:
    ids = list(found.values_list("pk", flat=True)[:2])  # type: ignore[attr-defined] # any of three query sets
    if len(ids) != 1:
        problem = "is not known here" if not ids else "belongs to several clinics"
        raise Refusals([Refusal(field, problem, "name it, and its --clinic")])
    return str(ids[0])
