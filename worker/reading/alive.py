"""The dead man's signal: sent while all is well, so that silence itself is the alarm (P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.conf import settings

from worker.channels import deadman
from worker.reading.alarms import alarms, facts, is_well

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger("aftercare.alive")


def sign_of_life(*, now: datetime, machine: datetime) -> bool:
    """Call DEADMAN_URL when nothing needs a person at once; whether it was called and answered."""
    told = facts(now=now, machine=machine)
    if not is_well(told):
        log.error("not_well", alarms=[each.code for each in alarms(told)])
        return False
    trouble = deadman.call(settings.DEADMAN_URL)
    if trouble:
        log.warning("deadman_unreached", why=trouble)
    return not trouble
