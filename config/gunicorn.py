"""What gunicorn does beside its options: no thread takes its first request before it has its line to the database.

Without that the first texts after a start waited for sixteen lines to be opened at once, a seventh of a second.
"""

from __future__ import annotations

from concurrent.futures import wait
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

LONGEST = 5.0  # seconds: with the database away the web part starts all the same, and says so


def post_worker_init(worker: Any) -> None:
    """Warm each thread of one web process; gunicorn calls this once the application is loaded."""
    from worker.web.warm import warm_up

    together = Barrier(worker.cfg.threads)  # else a quick thread would do the work of all

    def one() -> None:
        warm_up()
        with suppress(BrokenBarrierError):
            together.wait(LONGEST)

    wait([worker.tpool.submit(one) for _ in range(worker.cfg.threads)], timeout=LONGEST)
