"""What a pause or resume names, as people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.models import Clinic, Protocol, Sender
from worker.models.hold import PauseScope
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from django.db.models import QuerySet

OF_A_CLINIC = (PauseScope.PROTOCOL, PauseScope.SENDER)
"""What may be narrowed by a clinic: its code or identity may be another clinic's as well."""


def scope_of(
    *, everything: bool, clinic: str, channel: str, protocol: str, sender: str, drain: bool = False
) -> tuple[PauseScope, str]:
    """Scope and value of a pause.

    Raises Refusals for something that is not there, for nothing, and for two at once: of "the SMS of one clinic" either
    half would be another order than was meant.
    """
    named = {
        PauseScope.ALL: everything, PauseScope.DRAIN: drain, PauseScope.CLINIC: clinic, PauseScope.CHANNEL: channel,
        PauseScope.PROTOCOL: protocol, PauseScope.SENDER: sender,
    }  # fmt: skip
    scopes = [scope for scope, value in named.items() if value]
    narrowed = [scope for scope in scopes if scope in OF_A_CLINIC]
    if narrowed and PauseScope.CLINIC in scopes:
        scopes.remove(PauseScope.CLINIC)
    if not scopes:
        mend = "name --all, --drain, --clinic, --channel, --protocol or --sender"
        raise Refusals([Refusal("scope", "is missing", mend)])
    if len(scopes) > 1:
        both = " and ".join(f"--{scope}" for scope in scopes)
        mend = "name one, each in a call of its own; for one clinic's texts or mails name its --sender"
        raise Refusals([Refusal("scope", f"is not one thing: {both}", mend)])
    return scopes[0], _value(scopes[0], clinic=clinic, channel=channel, protocol=protocol, sender=sender)


def _value(scope: PauseScope, *, clinic: str, channel: str, protocol: str, sender: str) -> str:
    if scope == PauseScope.CHANNEL:
        return Channel(channel).value
    if scope not in (PauseScope.CLINIC, *OF_A_CLINIC):
        return ""
    clinics = Clinic.objects.filter(slug=clinic) if clinic else Clinic.objects.all()
    if clinic and not clinics.exists():
        raise Refusals([Refusal("clinic", "is not known here", "name it by its slug, as `aftercare status` does")])
    found: dict[PauseScope, QuerySet[Any]] = {
        PauseScope.CLINIC: clinics,
        PauseScope.PROTOCOL: Protocol.objects.filter(code=protocol, clinic__in=clinics),
        PauseScope.SENDER: Sender.objects.filter(identity=sender, clinic__in=clinics),
    }
    return _id(found[scope], str(scope))


def _id(found: QuerySet[Any], field: str) -> str:
    ids = list(found.values_list("pk", flat=True)[:2])
    if len(ids) != 1:
        problem = "is not known here" if not ids else "belongs to several clinics"
        raise Refusals([Refusal(field, problem, "name it, and its --clinic")])
    return str(ids[0])
