"""On the PYTHONPATH of a house, this stops its worker in the middle of what it does: SIGSTOP, at a named point, once.

The point is read from the file that FREEZE_ORDER names; the file is renamed to "<name>.<pid>" by the process that
stops. Only Celery's worker is touched, and only in this process of its own: the product knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import wraps
from pathlib import Path

ORDER = Path(os.environ.get("FREEZE_ORDER") or os.devnull)


def stop_at(point):
    """Stop here, if this is the point that was ordered."""
    try:
        if ORDER.read_text(encoding="ascii") != point:
            return
        ORDER.rename(f"{ORDER}.{os.getpid()}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def around(module, name, before=None, after=None):
    """Hang the points before and after a function that is given something to do."""
    original = getattr(module, name)

    @wraps(original, updated=())
    def stopping(*args, **kwargs):
        if before and args[0]:
            stop_at(before)
        made = original(*args, **kwargs)
        if after and made:
            stop_at(after)
        return made

    setattr(module, name, stopping)


def hang_in(**_):
    """The points of one worker process, in the order in which a message meets them."""
    from worker.actions.send import decide, shift

    around(shift, "prepare", before="claimed", after="prepared")
    around(decide, "_Facts", before="locked")
    around(decide, "record_decisions", before="marked")
    around(shift, "decide", after="decided")
    around(shift, "record", before="answered")


if "celery" in sys.orig_argv and "worker" in sys.orig_argv:
    from celery.signals import worker_process_init

    worker_process_init.connect(hang_in, weak=False)
