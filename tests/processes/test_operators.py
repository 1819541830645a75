"""What operators see and do, on real parts: a real Prometheus, pause, purge, rolling restart (P4, P5, P11).

One house over SQLite, whose worker serves its own metrics; each test brings its own clients.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time

import pytest
import yaml

from tests.processes import people, prometheus
from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import Witness, until

pytestmark = pytest.mark.processes

TOKEN = "only-the-monitoring-knows"
BOTH = (("sms", "aftercare"), ("email", "aftercare"))
WENT = {"accepted", "delivered"}
BOARDS = sorted((prometheus.MONITORING / "grafana" / "dashboards").glob("*.json"))
RULES = yaml.safe_load((prometheus.MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A house that is watched; it reads the provider's list seldom, so that a lost STOP stays lost for a while."""
    folder = tmp_path_factory.mktemp("watched")
    with socket.socket() as taken:  # until the house has chosen its own ports
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        own = {"WORKER_METRICS": address, "METRICS_TOKEN": TOKEN, "RECONCILE_SECONDS": "3600", "SEND_SLOTS": "4",
               "LEASE_SECONDS": "15"}  # fmt: skip
        running = RunningHouse(settled_home(folder / "home"), **own)
    with running:
        running.worker_metrics = address
        yield running


def crowd_of(house, size):
    """So many clients, all treated at the same moment; the phone of each by her number."""
    return {str(each.id): each.phone for each in (house.enrol(agrees=people.SMS_CARE) for _ in range(size))}


@pytest.fixture(scope="module")
def watched(house, tmp_path_factory):
    """A Prometheus that has scraped both parts."""
    if prometheus.PROGRAM is None:
        pytest.skip("PROMETHEUS IS NOT INSTALLED: no alert and no panel was tried (Debian: apt-get install prometheus)")
    web = house.house.plan.web_url.removeprefix("http://")
    targets = {"aftercare": web, "aftercare-worker": house.worker_metrics}
    with prometheus.Prometheus(tmp_path_factory.mktemp("prometheus"), targets, TOKEN) as running:
        for job in targets:
            running.waits_for(f'up{{job="{job}"}} == 1')
        yield running


def at_work(house):
    """A day with a bit of everything: accepted, delivered, undelivered, refused by the provider, stopped, mailed."""
    house.morning()
    alice, bob = house.enrol(agrees=BOTH), house.enrol(agrees=BOTH)
    house.quiet()
    house.sandbox.faults(optout="default", inbound={"lose": 1})
    house.sandbox.reply(bob.phone, "STOP")  # the provider obeys; we never hear of it, and write to him again
    house.step_to(max(house.message(each, "same-day")["due_at"] for each in (alice, bob)))
    house.sandbox.clear_faults()
    house.sandbox.reply(alice.phone, "STOP")
    house.quiet()


def test_every_panel_and_every_alert_finds_its_series(house, watched):
    """Issue 7: each query of each dashboard has data, and each metric that an alert asks for is there."""
    at_work(house)
    for file in BOARDS:
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                found = watched.waits_for(target["expr"])
                assert all(each["value"][1] for each in found), panel["title"]
    only_postgres = {"aftercare_db_dead_rows"}
    for rule in (rule for group in RULES for rule in group["rules"]):
        watched.ask(rule["expr"])  # it can be evaluated
        for name in set(re.findall(r"aftercare_\w+", rule["expr"])) - only_postgres:
            watched.waits_for(f"{name}[2m]" if "rate(" in rule["expr"] else name)
    codes = watched.ask("aftercare_provider_errors_total > 0")
    assert {each["metric"]["error_code"] for each in codes} == {"21610"}
    assert watched.ask("ALERTS{alertname='SentAfterStop'}") == []


def test_a_pause_holds_within_a_second_and_survives_a_restart(house):
    """Rule 144: one second after the command not a call begins, nor after the worker was killed; resumed, they go."""
    house.morning()
    crowd = crowd_of(house, 24)
    house.quiet()
    house.sandbox.faults(latency_ms=100)
    due = max(row["due_at"] for row in house.cli("messages", "--json").data
              if str(row["client"]) in crowd and row["step"] == "same-day")  # fmt: skip
    witness = Witness(house.sandbox)
    house.desk.ask("step-to", due, "down")
    witness.waits_for(4)
    identity = next(each["params"]["From"] for each in witness.calls())
    house.cli("pause", "--sender", identity, "--why", "a wrong number shown", "--by", "Charlie")
    paused_at = time.monotonic()
    until(lambda: time.monotonic() - paused_at > 1.0)
    before = len(witness.calls())
    assert before < 24, "too fast to prove anything"
    os.kill(house.supervisor.pids()["worker"], signal.SIGKILL)
    until(lambda: house.cli("status", "--json").data["channels"]["sms"]["due_now"] == 0)
    assert len(witness.calls()) == before
    (told,) = house.cli("status", "--json").data["paused"]
    assert (told["scope"], told["why"], told["by"]) == ("sender", "a wrong number shown", "Charlie")
    house.cli("resume", "--sender", identity, "--by", "Charlie")
    house.quiet()
    house.sandbox.clear_faults()
    assert set(witness.rang().values()) == {1}
    assert len(witness.rang()) >= 16  # what the killed worker had in flight may be in doubt, and are not repeated


def test_a_purge_is_harmless(house):
    """P11: every hint thrown away while messages are due: each goes once all the same."""
    house.morning()
    person = house.enrol()
    house.quiet()
    house.sandbox.faults(latency_ms=50)
    witness = Witness(house.sandbox)
    house.desk.ask("step-to", house.message(person, "same-day")["due_at"], "down")
    for _ in range(5):
        gone = house.cli("purge", "--json").data
        assert set(gone) == {"sms", "email", "tend"}
    house.quiet()
    house.sandbox.clear_faults()
    assert witness.rang()[person.phone] == 1
    assert house.message(person, "same-day")["state"] in WENT


def told(house, part):
    """The lines of a part's log that are JSON."""
    lines = (house.home / "log" / f"{part}.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_the_number_of_a_request_is_found_in_the_log_of_the_worker(house):
    """P8: from a request at the web part to the task of another process: the answer to a HELP names the webhook that it
    answers, in the lines of the message and of its shift, beside the number of the task; no hint had to carry it.
    """
    house.morning()
    person = house.enrol()
    house.quiet()
    house.sandbox.reply(person.phone, "HELP")
    house.quiet()
    numbers = [each["request"] for each in told(house, "web") if each.get("view") == "twilio_inbound"]
    lines = [each for each in told(house, "worker") if each["event"] in {"message", "shift"}]
    answers = [each for each in lines if each.get("request") == numbers[-1]]
    assert [(each["event"], each["cls"]) for each in answers] == [("message", "answer")]
    shifts = [each for each in lines if numbers[-1] in each.get("requests", ())]
    assert [each["task"] for each in shifts] == [answers[0]["task"]]
