"""The first STOP after a start is answered as fast as any other."""

from __future__ import annotations

import structlog
from django.db import Error, connection

from worker import clock
from worker.actions.receive.reply import Reply
from worker.actions.receive.stop import stop_at_once
from worker.rules.words import read

log = structlog.get_logger("aftercare.web")
NOBODYS = Reply(clinic_id=0, provider_id="", address="", body="STOP", opt_out_type="", provider_answers=False)


def warm_up() -> None:
    """Open this thread's line to the database, and have it plan the STOP: of a clinic that is none, so nothing changes.

    A database that is away is logged, and met again by the first request.
    """
    try:
        connection.ensure_connection()
        stop_at_once(NOBODYS, read(NOBODYS.body), answered=False, now=clock.now())
    except Error as error:
        log.warning("started_cold", error=type(error).__name__)
