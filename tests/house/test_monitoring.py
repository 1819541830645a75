"""The alerts fire when they should, and the dashboard asks for what the alerts ask for (P5)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
MONITORING = HERE.parents[1] / "config" / "monitoring"
RULES = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]


def test_every_alert_names_its_mend():
    """Whoever is woken is told what happened and what to do (P12)."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["mend"].endswith(".")


def test_no_metric_names_a_person():
    """Labels are channel, outcome, reason and peer: never a client, a number or a message (P9)."""
    told = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    told += (MONITORING / "grafana" / "dashboards" / "today.json").read_text(encoding="utf-8")
    labels = {word.strip() for group in re.findall(r"by \(([a-z_, ]+)\)", told) for word in group.split(",")}
    assert labels <= {"channel", "outcome", "reason", "peer", "le"}


def test_the_dashboard_is_readable_by_grafana():
    """Each panel has a title, a place of its own and a query on the provisioned data source."""
    board = json.loads((MONITORING / "grafana" / "dashboards" / "today.json").read_text(encoding="utf-8"))
    source = yaml.safe_load(
        (MONITORING / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    )["datasources"][0]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
    assert len(places) == len(board["panels"]) > 4
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert "aftercare_" in panel["targets"][0]["expr"]


def test_the_alerts_fire_when_they_should():
    """Prometheus's own tool plays series against the rules."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    told = subprocess.run(
        (promtool, "test", "rules", "alerts_test.yml"), cwd=HERE, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
