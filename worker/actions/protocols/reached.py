"""Who got a version, and what would become of a correction for each: the preview that a recall then does."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Exists, OuterRef, Q

from worker import rendering
from worker.models import Approval, Attempt, Contact, Grant, Message, Step
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.standing import GrantState
from worker.rules.names import CourseKind, MessageClass
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Protocol, ProtocolVersion

GOT = (State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN, State.UNRESOLVED)
WHY = {
    "": "gets the correction",
    "planned_before": "had this correction planned before",
    "erased": "her data were erased",
    "no_address": "has no address now on a channel that the correction has",
    "stopped": "said stop",
    "no_consent": "has not agreed to be written to for this",
    "on_hold": "her address is on hold: it waits until a person has looked",
}
GOES = frozenset({"", "on_hold"})


class Reached(NamedTuple):
    """One client who got the version: where the correction would go, and why not where it can't."""

    client_id: int
    contact: Contact | None
    steps: tuple[str, ...]
    why: str

    @property
    def goes(self) -> bool:
        """True when a correction is planned for her."""
        return self.why in GOES


def correction_occasion(version_id: int, step_id: int, client_id: int, resend: int) -> str:
    """The key by which one client gets one correction of one version once (P4); the next number if it was lost."""
    return f"x:{version_id}:{step_id}:client:{client_id}:r{resend}"


def recalled(version: ProtocolVersion, step: Step) -> list[Reached]:
    """Everyone who got, or may have got, anything of the version, those first who can't be reached.

    What is true of her is read as it stands; the gate reads it again as each correction leaves.
    """
    got: dict[int, dict[str, str]] = defaultdict(dict)
    rows = _got(version)
    for client_id, code, channel in rows.order_by("pk").values_list("client_id", "step__code", "channel"):
        got[int(client_id or 0)][code] = channel
    offered = rendering.version(step.version.document).source.step(step.code).rule.channels
    hers = rows.order_by().values("client_id")
    contacts = _contacts(hers, offered)
    agreed = _agreed(hers, step.purpose)
    before = before_now(corrections_of(version, step))
    found = [
        _reached(pk, tuple(sorted(steps)), list(steps.values())[-1], contacts[pk], agreed, before)
        for pk, steps in got.items()
    ]
    return sorted(found, key=lambda each: (each.goes, each.client_id))


def clients_of(version: ProtocolVersion) -> int:
    """How many clients got, or may have got, anything of a version."""
    return _got(version).values("client_id").distinct().count()


def corrections(protocol: Protocol, *, now: datetime) -> list[Step]:
    """The corrections of a protocol that a practitioner's approval covers now, the oldest first, with their version."""
    standing = Approval.objects.filter(withdrawn_at__isnull=True, review_by__gt=now).values("version_id")
    steps = Step.objects.filter(version__protocol=protocol, kind=CourseKind.CORRECTION, version_id__in=standing)
    return list(steps.select_related("version").order_by("version__number", "ordinal"))


def _got(version: ProtocolVersion) -> QuerySet[Message]:
    return Message.objects.filter(version=version, cls=MessageClass.COURSE, state__in=GOT, client__isnull=False)


def _reached(
    pk: int, steps: tuple[str, ...], last: str, contacts: list[Contact], agreed: set[tuple[int, int]], before: set[int]
) -> Reached:
    """The channel by which she got it before the other one; the first by which nothing stands in the way."""
    if pk in before:
        return Reached(pk, None, steps, "planned_before")
    ways = sorted(contacts, key=lambda each: (each.channel != last, each.pk))
    if not ways:
        return Reached(pk, None, steps, "no_address")
    told = [(each, _why(each, agreed)) for each in ways]
    contact, why = next(((each, why) for each, why in told if not why), None) or next(
        ((each, why) for each, why in told if why in GOES), told[0]
    )
    return Reached(pk, contact, steps, why)


def _why(contact: Contact, agreed: set[tuple[int, int]]) -> str:
    if contact.client.erased_at is not None:
        return "erased"
    if contact.standing.suppressed_at is not None:
        return "stopped"
    if (contact.standing_id, contact.client_id) not in agreed:
        return "no_consent"
    return "on_hold" if contact.standing.held_at is not None else ""


def _contacts(hers: QuerySet[Message, Any], offered: Iterable[str]) -> dict[int, list[Contact]]:
    found: dict[int, list[Contact]] = defaultdict(list)
    rows = Contact.objects.filter(client_id__in=hers, valid_to__isnull=True, channel__in=list(offered))
    for each in rows.select_related("client", "standing").order_by("pk"):
        found[each.client_id].append(each)
    return found


def _agreed(hers: QuerySet[Message, Any], purpose: str) -> set[tuple[int, int]]:
    rows = Grant.objects.filter(client_id__in=hers, purpose=purpose, state=GrantState.ACTIVE)
    return set(rows.values_list("standing_id", "client_id"))


def before_now(rows: QuerySet[Message]) -> set[int]:
    """The clients of these corrections for whom one is on its way, or may have left: it rings once (P4).

    One that ended before it left is lost, whatever ended it: she is reached anew.
    """
    tries = Attempt.objects.filter(message=OuterRef("pk"))
    found = rows.annotate(tried=Exists(tries), rang=Exists(tries.filter(state__in=MAY_HAVE_LEFT)))
    # Retention takes the attempts away and leaves their number: those may have left as well.
    counts = Q(state__in=(*OPEN, *GOT)) | Q(rang=True) | Q(attempts__gt=0, tried=False)
    return {int(pk or 0) for pk in found.filter(counts).values_list("client_id", flat=True)}


def corrections_of(version: ProtocolVersion, step: Step) -> QuerySet[Message]:
    """Every message that ever was planned as this correction of this version."""
    return Message.objects.filter(step=step, occasion__startswith=f"x:{version.pk}:{step.pk}:client:")
