"""The round that keeps the road clear; harmless when two run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connection, transaction

from worker import clock
from worker.actions.converse.call_staff import escalate
from worker.actions.course.feed import alarm_silent
from worker.actions.receive.follow_up import finish_stops
from worker.actions.record import pulse
from worker.actions.record.audit import append_seals, lock_chain, unsealed
from worker.actions.restore import lineage
from worker.actions.send.circuit import try_circuits
from worker.actions.send.due import clock_is_trusted, close_missed, doubt_silent, promote, release_unpaused
from worker.models import Clinic
from worker.models.chain import INSTALLATION
from worker.models.rows import server_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.actions.record.pulse import Tick

log = structlog.get_logger("aftercare.tend")
SEALS = 500
LONGEST_ON_STOPS = 3.0  # seconds
BY_THE_CLOCK: dict[str, Callable[[], int]] = {
    "promoted": lambda: promote(now=clock.now()),
    "tried": lambda: try_circuits(now=clock.now()),
    "missed": lambda: close_missed(now=clock.now(), machine=server_time()),
    "doubted": lambda: doubt_silent(now=clock.now(), machine=server_time()),
}


def tend(*, tick: Tick | None = None) -> dict[str, int]:
    """One round: follow up stops, promote, release, close what is late, doubt what is silent, seal; what each did.

    Each step is by itself: one that meets a lock or a database that went away must not stop the others. By a clock that
    is wrong nothing is brought forward, ended or doubted: an hour ahead, it would end as missed what is still useful
    (rule 140). Such a round is no sweep, so that the alarm sees it; people are called all the same, for a warning sign
    that is told an hour early hurts nobody. `tick` is the beat's that asked for the round.
    """
    did = {"stops": _tried(_finish_stops), "released": _tried(release_unpaused)}
    if _tried(lambda: int(clock_is_trusted())):
        did |= {name: _tried(step) for name, step in BY_THE_CLOCK.items()}
        pulse.swept()
    did |= {
        "silent_feeds": _tried(lambda: alarm_silent(now=clock.now())),
        "escalated": _tried(lambda: escalate(now=clock.now())),
        "sealed": _tried(seal_decisions),
    }
    _tried(lambda: int(lineage.looked()))
    pulse.worked()
    if tick is not None:
        pulse.ticked(tick)
    if any(did.values()):
        log.info("tended", **did)
    return did


def _tried(step: Callable[[], int]) -> int:
    try:
        return step()
    except DatabaseError as error:
        log.warning("step given up", error=type(error).__name__)
        connection.close_if_unusable_or_obsolete()
        return 0


def _finish_stops() -> int:
    """What follows from STOPs that the web part had no time for; the rest of the round waits a few seconds at most."""
    until = clock.running() + LONGEST_ON_STOPS
    return finish_stops(now=clock.now(), go_on=lambda: clock.running() < until)


def seal_decisions() -> int:
    """Chain decision rows that no seal covers yet; how many. Looks before it takes any clinic's lock."""
    waiting = set(unsealed(None, SEALS).values_list("clinic_id", flat=True))
    known = Clinic.objects.filter(pk__in=waiting).values_list("pk", flat=True)
    return sum(seal_clinic(clinic_id) for clinic_id in (*known, *({INSTALLATION} & waiting)))


@transaction.atomic
def seal_clinic(clinic_id: int) -> int:
    """The same for one clinic's chain; at most SEALS rows at once, so that nobody waits long for its lock."""
    lock_chain(clinic_id)
    events = list(unsealed(clinic_id, SEALS))
    if events:
        append_seals(clinic_id, "event", events)
    return len(events)
