"""Plays the calendar: steps from one due moment to the next, and waits until every part is quiet in between.

Only the calendar moves; the machine clock never does, so that leases, time-outs and real milliseconds mean what they
always mean.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db.models import Min

from worker import clock
from worker.models import Appointment, Attempt, Message, Ready, Standing
from worker.models.appointment import AppointmentStatus
from worker.models.attempt import AttemptState
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from worker.sandbox.provider.client import Sandbox

LOOK_AGAIN = 0.02  # seconds between two looks that find it quiet
STILL_BUSY = 0.1  # after one that doesn't: looks take the CPU from those who are to finish
SETTLED = 3  # looks in a row that must find nothing under way: a part may be between two steps


def next_moment(now: datetime) -> datetime | None:
    """The next calendar moment at which something is due, useful no more, or a visit takes place; None at the end."""
    open_messages = Message.objects.filter(state__in=(State.PLANNED, State.HELD))
    moments = [
        open_messages.filter(state=State.PLANNED, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        open_messages.filter(expires_at__gt=now).aggregate(at=Min("expires_at"))["at"],
        Appointment.objects.filter(status=AppointmentStatus.BOOKED, starts_at__gt=now).aggregate(at=Min("starts_at"))[
            "at"
        ],
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def is_quiet(sandbox: Sandbox, *, ignore_due: bool = False) -> bool:
    """True when nothing is due, late or in flight, here or outside; `ignore_due` while the provider is down."""
    now = clock.now()
    busy = (
        Attempt.objects.filter(state=AttemptState.SENDING).exists()
        or Standing.objects.filter(open_stop__isnull=False).exists()
        or Message.objects.filter(state__in=(State.PLANNED, State.HELD), expires_at__lte=now).exists()
        or (not ignore_due and Ready.objects.filter(due_at__lte=now).exists())
        or (not ignore_due and Message.objects.filter(state=State.PLANNED, due_at__lte=now).exists())
    )
    return not busy and bool(sandbox.quiet()["quiet"])


def wait_quiet(sandbox: Sandbox, *, ignore_due: bool = False, patience: float = 20.0) -> bool:
    """Wait until everything is quiet; False when it is not within `patience` seconds of machine time."""
    end = time.monotonic() + patience
    in_a_row = 0
    while in_a_row < SETTLED:
        in_a_row = in_a_row + 1 if is_quiet(sandbox, ignore_due=ignore_due) else 0
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_AGAIN if in_a_row else STILL_BUSY)
    return True


def play(
    sandbox: Sandbox,
    *,
    until: datetime,
    coming: Callable[[], datetime | None],
    on_step: Callable[[datetime], None],
    ignore_due: Callable[[], bool],
) -> int:
    """Step from moment to moment up to `until`; how many steps.

    `coming` names the next moment of the story itself; `on_step` is called when all is quiet after a step, and what
    it did is waited for as well; `ignore_due` says that the provider is down and due messages have to wait.
    """
    steps = 0
    while True:
        moments = [moment for moment in (next_moment(clock.now()), coming()) if moment is not None]
        moment = min(moments, default=until)
        if moment >= until:
            break
        clock.step_to(max(moment, clock.now()))
        wait_quiet(sandbox, ignore_due=ignore_due())
        on_step(moment)
        wait_quiet(sandbox, ignore_due=ignore_due())
        steps += 1
    clock.step_to(max(until, clock.now()))
    wait_quiet(sandbox)
    return steps
