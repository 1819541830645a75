"""Once in a long soak the database is lost, and an older copy of it is put back: the drill of docs/operate.md.

The copy is made when the storm is over; what follows is lost: messages leave, people say STOP by text, by link and at
the desk. Then every part is killed where it stands. Found restored and held, the house is compared with the world by
`aftercare restore-check` and released by a person. Provider, mailboxes, heads and the spool of stops lie elsewhere.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from tests.processes.witness import until
from tests.soak.crowd import cli, patiently
from worker.models import Lineage, Pause

if TYPE_CHECKING:
    from pathlib import Path

    from tests.soak.conductor import Conductor
    from tests.soak.fleet import Fleet
    from tests.soak.ground import Ground

FOUND_WITHIN = 90.0  # seconds: a worker looks each second


@dataclass(frozen=True, slots=True)
class Lost:
    """The time that the copy does not know (machine, epoch seconds), and what the restore-check said of it."""

    since: float
    until: float
    found: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """For the report."""
        return {"seconds": round(self.until - self.since, 1), **self.found}


def drill(here: Ground, fleet: Fleet, conductor: Conductor) -> Lost:
    """Play it; returns when the house has been released."""
    server = fleet.postgres
    assert server is not None
    since = time.time()
    server.stop()
    server.copy()
    server.start()
    counted = _count(here.home)
    conductor.busy_hour(lambda: _count(here.home) <= counted)
    connection.close()
    with fleet.fallen():
        server.stop("immediate")
        ended = time.time()  # the last mail was taken while the house fell: the lost database alone knew of it
        server.put_back()
        server.start()
    until(lambda: patiently(_is_held), seconds=FOUND_WITHIN)
    found = json.loads(cli("restore-check", "--json"))
    cli("restore-check", "--release", "--by", "Charlie")
    return Lost(since, ended, found)


def _count(home: Path) -> int:
    """How far the mark beside the heads has come; it proves that the copy is the older one."""
    file = home / "heads.jsonl.lineage"
    return int(json.loads(file.read_text(encoding="utf-8"))["count"]) if file.exists() else 0


def _is_held() -> bool:
    return (
        Lineage.objects.filter(restored_at__isnull=False).exists()
        and Pause.objects.filter(scope="all", ended_at__isnull=True).exists()
    )
