"""A worker's process says by a timer of its own that it lives: without hints nobody works, and is there all the same.

The timer is a thread of the very process that works, so that one that is stopped or ended falls silent with it; and it
is silent for one that is stuck in a task. It costs nothing beside work, and where none comes a line to the database and
a row each ten seconds.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from threading import Thread

import structlog
from django.db import Error, connection

from worker import clock
from worker.actions.record import pulse

log = structlog.get_logger("aftercare.pulse")
EVERY = 10.0  # seconds; who gave no sign for thirty counts as gone
STUCK = 90.0  # seconds in one task, of which Celery knows that it is too long (task_soft_time_limit)
_since: list[float] = []  # clock.running() when the task began that is under way


def begin() -> Thread:
    """Start the timer of this process; it ends with it."""
    thread = Thread(target=_go_on, name="life", daemon=True)
    thread.start()
    return thread


def begun() -> None:
    """A task is under way."""
    _since[:] = [clock.running()]


def ended() -> None:
    """It is over."""
    _since.clear()


def sign() -> None:
    """Say that this process lives, unless it is stuck; whatever goes wrong is told, and tried again next time."""
    if any(clock.running() - since > STUCK for since in [*_since]):
        return
    try:
        pulse.lives()
    except Exception as error:  # noqa: BLE001 - a timer that ended would say of a living process that it is gone
        log.warning("pulse not written", error=type(error).__name__)


def _go_on() -> None:
    # A system may hand a signal to any thread; a time limit must interrupt the one that works.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        sign()
        with suppress(Error):
            connection.close()  # none is kept for what is needed seldom
        time.sleep(EVERY)
