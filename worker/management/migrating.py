"""One `migrate` at a time: containers that start together all call it, and two would make the same table twice."""

from __future__ import annotations

import fcntl
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from worker.management.cli import unreachable
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK = 0x6166_7465_7263_6172  # "aftercar": PostgreSQL knows an advisory lock by a number, in each database by itself
LONGEST = 600.0  # seconds; an index over millions of rows takes minutes
LOOK = 0.1  # seconds between two looks


def migrate(*, quiet: bool) -> None:
    """Bring the database to this version's tables; where another one is at it, after that. Raises Refusals.

    The lock ends with the process that has it, however that ends.
    """
    from django.core.management import call_command
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
        with _in_turn(quiet):
            call_command("migrate", verbosity=0 if quiet else 1, interactive=False)
    except OperationalError as error:
        raise unreachable(error) from None


@contextmanager
def _in_turn(quiet: bool) -> Iterator[None]:
    from django.db import connection

    if connection.vendor == "postgresql":
        _wait(_asked, quiet)  # not pg_advisory_lock: who waits within a statement stops CREATE INDEX CONCURRENTLY
        yield  # and the end of our session gives it back
    elif (name := str(connection.settings_dict["NAME"])) == ":memory:":
        yield
    else:
        with Path(f"{name}-migrate").open("ab") as file:
            _wait(lambda: _locked(file.fileno()), quiet)
            yield


def _asked() -> bool:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(locked: Callable[[], bool], quiet: bool) -> None:
    """Until it is our turn. Raises Refusals after LONGEST."""
    until = time.monotonic() + LONGEST
    if locked():
        return
    if not quiet:
        print("another migrate runs: waiting for its end", file=sys.stderr)
    while not locked():
        if time.monotonic() > until:
            raise Refusals([Refusal("database", "another migrate runs", "let it end, or end it, then try again")])
        time.sleep(LOOK)
