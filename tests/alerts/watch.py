"""Waits for an alert of the real Prometheus, and walks its entry of the runbook while it fires."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.alerts import runbook
from tests.processes.people import PROTOCOL, SAM
from tests.processes.witness import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.alerts.ground import WatchedHouse
    from tests.processes.houses import Person
    from tests.processes.prometheus import Prometheus

PATIENCE = 60.0


@dataclass(slots=True)
class Watch:
    """The house, its Prometheus, its people by name, and what has fired until now."""

    house: WatchedHouse
    prometheus: Prometheus
    people: dict[str, Person] = field(default_factory=dict)
    crowd: dict[str, str] = field(default_factory=dict)  # phones by client
    fired: dict[str, float] = field(default_factory=dict)  # seconds after its cause
    walked: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def causes(self, deed: Callable[[], object], *alerts: str) -> float:
        """Do it, and wait until each of these alerts has fired, which did not before; when that began."""
        early = [each for each in alerts if self.prometheus.ask(_firing(each))]
        self.failed |= dict.fromkeys(early, "fired before it was caused")
        began = time.monotonic()
        deed()
        for alert in alerts:
            self.fires(alert, since=began)
        return began

    def fires(self, alert: str, *, since: float | None = None) -> None:
        """Wait until it fires, or has since that moment, and do what the runbook says. A failure is told at the end."""
        began = time.monotonic() if since is None else since
        try:
            until(lambda: self.prometheus.ask(_fired(alert, began)), seconds=PATIENCE, every=0.2)
            self.fired[alert] = time.monotonic() - began
            self.walked[alert] = runbook.walk(alert, self.house, url=self.house.url, means=self._means())
        except AssertionError as error:
            self.failed[alert] = str(error)
        print(f"  {alert:18} {self.failed.get(alert, 'fired')}", file=sys.stderr, flush=True)

    def due(self, step: str) -> str:
        """When the last of the crowd is due for a step."""
        rows = self.house.cli("messages", "--json").data
        return str(max(row["due_at"] for row in rows if row["step"] == step and str(row["client"]) in self.crowd))

    def _means(self) -> dict[str, str]:
        first, carol = self.people["alice"], self.people["carol"]
        return {
            "ID": str(self.house.message(first, "same-day")["id"]), "CODE": PROTOCOL, "EMAIL": SAM,
            "CLIENT": str(carol.id), "IDENTITY": "+12125550100", "YOU": "Charlie",
        }  # fmt: skip


def _fired(alert: str, began: float) -> str:
    """Since then; an alert may be over before anybody asks."""
    return f"count_over_time({_firing(alert)}[{time.monotonic() - began + 1:.0f}s])"


def _firing(alert: str) -> str:
    return f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
