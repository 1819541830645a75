"""Everything that `aftercare status` says, and the operations page with it: one reading for both (P5).

A fact that is new here is missing on the page, and a test says so (tests/web/desk/test_operations_facts.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.reading.alarms import as_json, facts
from worker.reading.day import day
from worker.reading.machine_room import machine_room
from worker.reading.parts import parts
from worker.reading.status import status

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Clinic


def house(*, now: datetime, machine: datetime, clinic: Clinic | None = None) -> dict[str, Any]:
    """What is due, who works, how the day goes, what is paused, and what needs a person; `machine` is machine time.

    For the people of a `clinic`: its own day on its own clock, and of rows those that concern it (P10).
    """
    there = parts()
    return {
        **status(now=now, clinic=clinic),
        **machine_room(now=now, there=there),
        **as_json(facts(now=now, machine=machine, there=there)),
        "today": day(now=now, clinic=clinic),
    }
