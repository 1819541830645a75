"""The answer to a STOP: it is sent first, and what follows from the STOP is done after it, when nobody waits.

The web part's server has a thread for that (`tidy_beside`), so that the line on which the provider got its answer is
free for its next text. Without it, it is done when the server closes the answer.
"""

from __future__ import annotations

import atexit
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from django.db import close_old_connections, connections
from django.http import HttpResponse

from worker import clock
from worker.actions.receive.follow_up import finish_stops

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 1.0  # seconds at a stretch
QUIET = 0.05  # seconds without a text, after which nobody seems to wait
PATIENCE = 30.0  # seconds: in a burst without end a batch is done all the same, for workers may be down
log = structlog.get_logger("aftercare.hooks")
_counting = threading.Lock()
_waiting = 0  # texts that this process is about to obey
_heard = 0.0  # when the last one came or was obeyed


@contextmanager
def first() -> Iterator[None]:
    """While a text is obeyed, nothing is begun that can wait."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


class Obeyed(HttpResponse):
    """An answer after which somebody tidies up after STOPs: its own, and any that a burst left."""

    def close(self) -> None:
        """Called by the server when the last byte has left (WSGI)."""
        super().close()
        if _tidier is not None:
            _tidier.wanted.set()
        elif not _waiting:
            _tidy()


def tidy_beside() -> None:
    """From now on, for as long as this process lives, a thread of its own tidies; call it after the server's fork."""
    global _tidier  # noqa: PLW0603 - one a process is the point
    _tidier = _Tidier()
    _tidier.start()
    atexit.register(_tidier.end)


class _Tidier(threading.Thread):
    """Waits until a STOP was answered and no text comes, then does what follows; may be killed at any point."""

    def __init__(self) -> None:
        super().__init__(name="after-stops", daemon=True)
        self.wanted = threading.Event()
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.is_set():
            self.wanted.wait()
            self.wanted.clear()
            self._until_quiet()
            close_old_connections()
            if not self._ending.is_set() and not _tidy():
                self.wanted.set()
            close_old_connections()
        connections.close_all()

    def end(self) -> None:
        """The batch under way is finished, and no other begun."""
        self._ending.set()
        self.wanted.set()
        self.join(LONGEST)

    def _until_quiet(self) -> None:
        until = clock.running() + PATIENCE
        while (_waiting or clock.running() - _heard < QUIET) and clock.running() < until:
            if self._ending.wait(QUIET):
                break


_tidier: _Tidier | None = None


def _tidy() -> bool:
    """True when all is done that can be; what is left a worker's next round does, too (`tend`)."""
    until = clock.running() + LONGEST
    begun = left = False

    def go_on() -> bool:
        nonlocal begun, left
        left = begun and (bool(_waiting) or clock.running() >= until)
        begun = True
        return not left

    try:
        finish_stops(now=clock.now(), go_on=go_on)
    except Exception as error:  # noqa: BLE001 - the answer has left, and a thread that died would never tidy again
        log.warning("stops_left_to_a_worker", error=type(error).__name__)
    return not left


def _count(change: int) -> None:
    global _waiting, _heard  # noqa: PLW0603 - one count a process is the point
    with _counting:
        _waiting += change
        _heard = clock.running()
