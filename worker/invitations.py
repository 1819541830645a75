"""A visit as its client's calendar gets it, by mail and behind her link: the same entry, whichever way (P7, P9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.models import Message
from worker.models.attempt import MAY_HAVE_LEFT
from worker.rules.invitation import Visit
from worker.rules.names import Channel
from worker.rules.states import State
from worker.rules.steps import Anchor

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from worker.models import Clinic

PHRASES = {
    "en": ("Visit at {clinic}", "A question, or another time? Call {phone}."),
    "es": ("Cita en {clinic}", "¿Una pregunta, u otra hora? Llame al {phone}."),
}
FILE = "visit.ics"
Held = tuple[int, bool]
"""The generation of a visit's time, and whether the visit is cancelled."""


def held_by_mail(visit_id: int) -> Held | None:
    """What the client's calendar holds of a visit as far as we brought it there; None where no mail did."""
    went = Message.objects.filter(appointment=visit_id, channel=Channel.EMAIL, tries__state__in=MAY_HAVE_LEFT)
    newest = went.exclude(state=State.UNDELIVERED).order_by("-tries__decided_at").values_list("generation", "kind")
    last = newest.first()
    return last and (last[0], last[1] == Anchor.CANCELLATION)


def entry_of(
    clinic: Clinic,
    *,
    visit_id: int,
    edition: int,
    changed_at: datetime,
    starts_at: datetime,
    zone: ZoneInfo,
    language: str,
    cancelled: bool = False,
) -> Visit:
    """The entry in the client's language (English where we have no other words), on the clock of her `zone`."""
    spoken = language if language in PHRASES else "en"
    summary, question = PHRASES[spoken]
    return Visit(
        uid=f"visit-{visit_id}@{clinic.mail_domain}",
        edition=edition,
        changed_at=changed_at,
        starts_at=starts_at,
        zone=zone,
        language=spoken,
        summary=summary.format(clinic=clinic.name),
        question=question.format(phone=clinic.phone),
        place=clinic.postal_address,
        clinic=clinic.name,
        reply_to=clinic.reply_to,
        cancelled=cancelled,
    )
