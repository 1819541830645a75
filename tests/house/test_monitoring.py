"""The alerts fire when they should, and the dashboard asks for what the alerts ask for (P5)."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts import runbook
from tests.alerts.how import HOW
from tests.alerts.shortened import LOWER, shortened
from tests.house import alerts
from worker.management.cli import parser

ROOT = Path(__file__).resolve().parents[2]
# A database is made for every test of a rule; tidying up after each was a third of what promtool did.
RARELY = {"GOGC": "off", "GOMEMLIMIT": "256MiB"}
MONITORING = ROOT / "config" / "monitoring"
BOARDS = [
    json.loads(each.read_text("utf-8")) for each in sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
]
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


def test_no_query_asks_for_a_person():
    """Labels are channel, outcome, reason and the like: never a client, a number, a clinic or a message (P9)."""
    told = (MONITORING / "alerts.yml").read_text(encoding="utf-8") + "".join(map(json.dumps, BOARDS))
    labels = {word.strip() for group in re.findall(r"by \(([a-z_, ]+)\)", told) for word in group.split(",")}
    assert labels <= {
        "channel", "outcome", "reason", "peer", "le", "view", "queue", "code_class", "error_code", "status", "state",
        "scope", "store",
    }  # fmt: skip


@pytest.mark.parametrize("board", BOARDS, ids=[board["uid"] for board in BOARDS])
def test_each_dashboard_is_readable_by_grafana(board):
    """Each panel has a title, a place of its own and a query on the provisioned data source."""
    source = yaml.safe_load(
        (MONITORING / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    )["datasources"][0]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
    assert len(places) == len(board["panels"]) > 4
    assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert all("aftercare_" in target["expr"] for target in panel["targets"])


def test_every_alert_leads_to_its_page_of_the_runbook():
    """Woken at three, an operator finds what it means, what clients feel, what to do, and when to wake somebody."""
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    entries = {
        name.lower(): text
        for name, text in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", runbook, re.MULTILINE | re.DOTALL)
    }
    for rule in RULES:
        place, _, anchor = rule["annotations"]["runbook_url"].rpartition("#")
        assert place.endswith("/docs/runbook.md")
        assert anchor == rule["alert"].lower()
        for part in ("**Means**", "**Clients feel**", "**Do**", "**Wake**"):
            assert part in entries[anchor], (rule["alert"], part)
    assert set(entries) >= {rule["alert"].lower() for rule in RULES}


def test_the_runbook_names_verbs_that_exist():
    """A command that is typed at three in the morning is there (P12)."""
    from worker.management.verbs import VERBS

    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`aftercare ([a-z-]+)", runbook)) | {
        verb for rule in RULES for verb in re.findall(r"aftercare ([a-z-]+)", rule["annotations"]["mend"])
    }
    assert named
    assert named <= {verb.replace("_", "-") for verb in VERBS}


def test_every_alert_has_a_cause_that_was_tried():
    """A new alert without its cause in `make alerts`, or without its row in the runbook's table, is refused (P5)."""
    scenes = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "alerts").glob("*.py")
                     if file.name != "how.py")  # fmt: skip
    table = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").partition("| alert | cause |")[2]
    assert set(HOW) == {rule["alert"] for rule in RULES}
    assert [name for name in HOW if f'"{name}"' not in scenes] == []
    assert dict(re.findall(r"^\| (\w+) \| (.+) \|$", table, re.MULTILINE)) == HOW


def test_every_command_of_the_runbook_can_be_typed():
    """P12: each is one that exists, with options that it takes; Docker's services are those of the compose file."""
    typed = {each for text in runbook.entries().values() for each in runbook.commands(text)}
    assert len(typed) > 30
    ours = parser()
    for command in typed:
        words = shlex.split(command)
        if words[0] == "aftercare":
            ours.parse_args(["1" if word in {"ID", "CLIENT"} else word for word in words[1:]])  # exits where it can't
        elif words[0] == "docker":
            assert runbook._compose(words)


def test_the_rules_are_shortened_by_one_rule_for_all():
    """What `make alerts` plays differs from what is shipped in durations and four named thresholds, nowhere else."""
    shipped = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))
    for before, after in zip(RULES, [rule for group in shortened(shipped)["groups"] for rule in group["rules"]],
                             strict=True):  # fmt: skip
        numbers = re.sub(r"(\[|offset )\d+[smhd]", r"\1#", before["expr"])
        if before["alert"] not in LOWER:
            assert re.sub(r"(\[|offset )\d+ms", r"\1#", after["expr"]) == numbers
        assert before["annotations"] == after["annotations"]
        assert re.fullmatch(r"\d+ms", after.get("for", "0ms"))
    broken = {rule["alert"]: rule["expr"] for group in shortened(shipped)["groups"] for rule in group["rules"]}
    assert broken["SweepStopped"].endswith("> 12")
    assert "[72000ms]" in broken["Undelivered"]


def test_every_alert_fires_when_it_should_and_only_then(tmp_path):
    """Prometheus's own tool plays an ill and a well world against each rule."""
    assert set(alerts.ALERTS) == {rule["alert"] for rule in RULES}
    _play(alerts.rule_tests(), tmp_path)


def test_one_leap_of_a_counter_wakes_whom_it_should(tmp_path):
    """P5: at the shipped scrape, what rises once and rests is seen, and found after a gap, wherever once is enough."""
    assert set(alerts.LEAPS) == {rule["alert"] for rule in RULES if re.search(r"\b(increase|rate)\(", rule["expr"])}
    _play(alerts.leap_tests(), tmp_path)


def test_an_alert_fires_at_its_time_of_a_story_and_at_no_other(tmp_path):
    """P5: what is old, comes back, was never there, or was scraped by nobody wakes nobody twice, nor for nothing."""
    _play(alerts.story_tests(), tmp_path)


def _play(tests, folder):
    """Each beside its own rule alone: all beside all takes a minute."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    files = []
    for rule in RULES:
        own = folder / f"{rule['alert']}.yml"
        own.write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [rule]}]}), encoding="utf-8")
        mine = [test for name, test in tests if name == rule["alert"]]
        for every in {test["interval"] for test in mine}:
            files.append(folder / f"{rule['alert']}_{every}_test.yml")
            played = {"rule_files": [str(own)], "evaluation_interval": every,
                      "tests": [test for test in mine if test["interval"] == every]}  # fmt: skip
            files[-1].write_text(yaml.safe_dump(played), encoding="utf-8")
    told = subprocess.run(
        (promtool, "test", "rules", *files), env=os.environ | RARELY, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
