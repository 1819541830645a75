"""What left for a session and is not true, now that its time is corrected or it is taken back: a person tells her (P7).

A text on a phone can't be called back, and a second one on its heels would be read as news. So nothing is sent: staff
get one task for each correction, with the steps by name, and call her.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Max

from worker.actions.record.task import finish, open_task
from worker.models import Message, StaffTask
from worker.models.attempt import MAY_HAVE_LEFT
from worker.rules.local_time import local, zone
from worker.rules.names import MessageClass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Treatment

KIND = "told_untrue"


class Left(NamedTuple):
    """One step that left, or may have, for a session."""

    step: str
    channel: str
    at: datetime
    untrue: bool


def left(known: Treatment, *, really: datetime | None) -> list[Left]:
    """What left for a session as it still stands on record; `really` is when it was done, None: never."""
    rows = Message.objects.filter(treatment=known, cls=MessageClass.COURSE, tries__state__in=MAY_HAVE_LEFT)
    gone = rows.annotate(at=Max("tries__decided_at")).order_by("at", "pk").values_list("step__code", "channel", "at")
    return [Left(step, channel, at, _untrue(known, at, really)) for step, channel, at in gone]


def _untrue(known: Treatment, at: datetime, really: datetime | None) -> bool:
    """Whether it counted its days from a wrong day, or came before there was anything to care for.

    Hours within the day don't count: no text names them, and a call for each small slip would be a call that nobody
    makes for the large one.
    """
    if really is None or at < really:
        return True
    place = zone(known.client.zone)
    return local(known.performed_at, place).date() != local(really, place).date()


def warn(known: Treatment, gone: Iterable[Left], *, now: datetime) -> None:
    """Ask a person to tell her, in the transaction that changed the session, whose new generation it is."""
    steps = [{"step": each.step, "channel": each.channel} for each in gone if each.untrue]
    if steps:
        open_task(
            clinic_id=known.clinic_id, client_id=known.client_id, kind=KIND, cause=_cause(known),
            facts={"treatment": known.pk, "steps": steps}, now=now,
        )  # fmt: skip


def needless(known: Treatment, *, by: str, now: datetime) -> None:
    """The session stands again: what the last change made untrue is true, and nobody need call."""
    for task in StaffTask.objects.filter(cause=_cause(known), done_at__isnull=True):
        finish(task_id=task.pk, by=by, now=now)


def _cause(known: Treatment) -> str:
    return f"{KIND}:{known.pk}:g{known.generation}"
