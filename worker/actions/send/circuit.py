"""A sender that its provider refuses is left alone for a while, its queue kept: then one message tries again (rule 87).

The circuit is a pause like any other, in the database: it outlives Redis, shows where pauses show, and is ended by hand
with `aftercare resume` as soon as the account is mended. Once its time is over it names one message, its probe, that
the pause lets through: so a single call of all workers' asks the provider, and its answer opens or closes the rest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Q

from worker.actions.record.audit import record
from worker.actions.send.due import make_ready
from worker.models import Message, Pause, Sender
from worker.models.hold import CIRCUIT as BY
from worker.models.hold import PauseScope
from worker.rules.circuit import MEMORY, tried_again_at
from worker.rules.gate import Reason
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

ANOTHER = timedelta(minutes=1)  # after a probe that told nothing: put off by the gate, ended, or of unknown outcome
log = structlog.get_logger("aftercare.circuit")


def open_circuit(*, clinic_id: int, channel: str, code: str, now: datetime, message_id: int = 0) -> None:
    """Pause the clinic's sender of a channel, in the caller's transaction; one that is paused stays as it is.

    When the refused message was the probe, it is paused anew, for longer.
    """
    sender = Sender.objects.filter(clinic_id=clinic_id, channel=channel, is_active=True).order_by("-pk").first()
    if sender is None:
        return
    close_circuits([message_id], now=now, resumed=False)
    told = {"why": f"the provider refuses this sender: {code}"[:200], "by": BY, "since": now}
    pause, fresh = Pause.objects.get_or_create(
        scope=PauseScope.SENDER, value=str(sender.pk), ended_at=None, defaults=told
    )
    if fresh:
        log.error("circuit_open", sender=sender.pk, code=code)
        record(
            clinic_id=clinic_id, kind="paused", subject=f"pause:{pause.pk}", actor=BY, at=now, code=PauseScope.SENDER
        )


def close_circuits(probes: Collection[int], *, now: datetime, resumed: bool = True) -> None:
    """End the circuits whose probe is one of these messages: the provider took it, or had nothing against the sender.

    In the caller's transaction. What they held is planned again by the next round of a worker. One that a person took
    over meanwhile stays (rule 144).
    """
    for pause in _standing().filter(probe__in=probes):
        ended = _standing().filter(pk=pause.pk).update(ended_at=now, ended_by=BY)
        if ended and resumed:
            log.info("circuit_closed", sender=int(pause.value))
            _note(pause, kind="resumed", now=now)


@transaction.atomic
def try_circuits(*, now: datetime) -> int:
    """Let one message through each circuit whose time is over; how many.

    Five minutes at first, twice as long for each time it opened within a day, an hour at most (calendar time). A probe
    that says nothing within a minute is followed by another, once its call is over.
    """
    chosen = 0
    for pause in _standing().select_for_update(skip_locked=True):
        before = Pause.objects.filter(by=BY, scope=pause.scope, value=pause.value, ended_at__gt=now - MEMORY).count()
        if now < tried_again_at(pause.since, before=before) or _is_probing(pause, now):
            continue
        sender = Sender.objects.get(pk=int(pause.value))
        chosen += _probe(pause, sender, now)
    return chosen


def _standing() -> QuerySet[Pause]:
    return Pause.objects.filter(by=BY, scope=PauseScope.SENDER, ended_at__isnull=True)


def _is_probing(pause: Pause, now: datetime) -> bool:
    if pause.probe is None or pause.probed_at is None:
        return False
    state = Message.objects.filter(pk=pause.probe).values_list("state", flat=True).first()
    told_nothing = state in {State.PLANNED, State.UNKNOWN} and now < pause.probed_at + ANOTHER
    return state == State.SENDING or told_nothing


def _probe(pause: Pause, sender: Sender, now: datetime) -> int:
    """Choose the oldest that waits for this sender, and let it through; 0 when nothing waits."""
    waits = Q(state=State.HELD, reason=Reason.PAUSED) | Q(state=State.PLANNED, due_at__lte=now)
    of_sender = Message.objects.filter(waits, clinic_id=sender.clinic_id, channel=sender.channel, expires_at__gt=now)
    first = of_sender.exclude(pk=pause.probe or 0).order_by("due_at", "pk").first()
    if first is None:
        return 0
    pause.probe, pause.probed_at = first.pk, now
    pause.save(update_fields=["probe", "probed_at"])
    Message.objects.filter(pk=first.pk, state=State.HELD).update(state=State.PLANNED, reason="")
    make_ready(Message.objects.filter(pk=first.pk, state=State.PLANNED), now=now)
    record(
        clinic_id=sender.clinic_id, kind="circuit_probe", subject=f"message:{first.pk}", actor=BY, at=now,
        code="circuit_probe", facts={"pause": pause.pk},
    )  # fmt: skip
    return 1


def _note(pause: Pause, *, kind: str, now: datetime) -> None:
    clinic_id = Sender.objects.values_list("clinic_id", flat=True).get(pk=int(pause.value))
    subject = f"pause:{pause.scope}:{pause.value}"
    record(clinic_id=clinic_id, kind=kind, subject=subject, actor=BY, at=now, code=PauseScope.SENDER)
