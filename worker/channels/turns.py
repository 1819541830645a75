"""The event loop of a worker process, run in turns between database work.

Sending waits on many sockets at once; the database is spoken to from plain code. So the loop runs only while there
is nothing else to do, in the same thread: no locks, no second thread, and the order of things can be read off.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
_loop: tuple[int, asyncio.AbstractEventLoop] | None = None


def loop() -> asyncio.AbstractEventLoop:
    """This process's loop; a forked child gets its own, because sockets of a parent are not its to use."""
    global _loop  # noqa: PLW0603 - one loop per process is the point
    if _loop is None or _loop[0] != os.getpid() or _loop[1].is_closed():
        _loop = (os.getpid(), asyncio.new_event_loop())
    return _loop[1]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the loop until `work` is done; everything else in flight moves on meanwhile."""
    return loop().run_until_complete(work)
