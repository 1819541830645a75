"""Ask the database within seconds or not at all: for a scrape, which must say that the database does not answer.

A server that is gone refuses at once; one that is frozen, or behind a line that broke in silence, would keep whoever
asks for minutes, and scrape after scrape until no thread is left for a STOP.
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_LINE = 2  # seconds; libpq knows no shorter
ALIVE = 1.0  # seconds for the word that the line lives
PATIENCE = 7.0  # seconds for all the answers together: with the two above no more than Prometheus waits, which is ten


@contextmanager
def promptly(seconds: float = PATIENCE) -> Iterator[None]:
    """What is asked meanwhile is answered by then, or fails with Django's OperationalError; other threads wait on."""
    if connection.vendor != "postgresql":  # SQLite's readers wait for nobody
        yield
        return
    with _cut_after(min(ALIVE, seconds)):
        connection.close_if_health_check_failed()
    with _impatient():
        connection.ensure_connection()
    try:
        with _cut_after(seconds):
            yield
    finally:
        connection.close_if_unusable_or_obsolete()


@contextmanager
def _impatient() -> Iterator[None]:
    """A new line of this thread is given up sooner than others."""
    own = connection.settings_dict
    hurried = {**own, "OPTIONS": {**own["OPTIONS"], "connect_timeout": NEW_LINE}}
    setattr(connection, SETTINGS, hurried)
    try:
        yield
    finally:
        setattr(connection, SETTINGS, own)


@contextmanager
def _cut_after(seconds: float) -> Iterator[None]:
    """The line of this thread is cut when it takes longer; whoever waits at it hears so at once."""
    line: Any = connection.connection
    if line is None or line.closed:
        yield
        return
    with socket.socket(fileno=os.dup(line.fileno())) as same:  # the line's own number may be another's by then
        timer = Timer(seconds, _cut, (same,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        line.shutdown(socket.SHUT_RDWR)


SETTINGS = "settings_dict"  # one dictionary for all threads, so that it is replaced here, never changed
