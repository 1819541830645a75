"""The answer to a STOP: it is sent first, and what follows from the STOP is done after it, when nobody waits."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from django.db import Error
from django.http import HttpResponse

from worker import clock
from worker.actions.receive.follow_up import finish_stops

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 1.0  # seconds: the connection of the provider is kept waiting for so long at most
log = structlog.get_logger()
_one = threading.Lock()  # of this process's threads one tidies, the others answer
_counting = threading.Lock()
_waiting = 0  # texts that this process is about to obey


@contextmanager
def first() -> Iterator[None]:
    """While a text is obeyed, nothing is begun that can wait."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


class Obeyed(HttpResponse):
    """An answer whose server, once it has sent it, tidies up after STOPs: its own, and any that a burst left."""

    def close(self) -> None:
        """Called by the server when the last byte has left (WSGI)."""
        super().close()
        if _one.acquire(blocking=False):
            try:
                _tidy()
            finally:
                _one.release()


def _tidy() -> None:
    """What is left here a worker's next round does (`tend`)."""
    until = clock.running() + LONGEST
    try:
        finish_stops(now=clock.now(), go_on=lambda: not _waiting and clock.running() < until)
    except Error as error:
        log.warning("stops_left_to_a_worker", error=type(error).__name__)


def _count(change: int) -> None:
    global _waiting  # noqa: PLW0603 - one count a process is the point
    with _counting:
        _waiting += change
