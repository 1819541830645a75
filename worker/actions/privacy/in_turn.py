"""Several walks through the database that share some seconds, so that none starves beside a long one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import structlog
from django.db import OperationalError

from worker import clock
from worker.models.at_most import at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

log = structlog.get_logger("aftercare.retention")
PATIENCE = 3.0  # seconds for one statement: if each of nine walks meets one that takes longer, all have had their turn


def in_turn(walks: Sequence[tuple[str, Iterator[int]]], *, longest: float | None) -> Counter[str]:
    """Take one step after the other, of whichever walk has had the least time, for at most `longest` seconds.

    How much the steps said, by the name of the walk. A step is a transaction. With a limit, a walk that can't go on
    (a statement that takes too long, a row that another keeps locked) is left for the next run, and logged; without
    one Django's OperationalError is raised.
    """
    until = None if longest is None else clock.running() + longest
    used, told = dict.fromkeys(range(len(walks)), 0.0), Counter[str]()
    now = clock.running()
    while used and (until is None or now < until):
        turn, began = min(used, key=used.__getitem__), now
        name, walk = walks[turn]
        done = _step(name, walk, None if until is None else PATIENCE)
        now = clock.running()
        used[turn] += now - began
        if done is None:
            del used[turn]
        else:
            told[name] += done
    return told


def _step(name: str, walk: Iterator[int], seconds: float | None) -> int | None:
    """What one step said; None when there is none any more."""
    try:
        with at_most(seconds):
            return next(walk, None)
    except OperationalError as error:
        if seconds is None:
            raise
        log.warning(
            "retention_gave_up", store=name, error=type(error.__cause__ or error).__name__
        )  # its text may quote a row
        return None
