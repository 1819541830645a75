"""STOP needs the web part and its database alone; one that no webhook brought is found all the same (P2, P11)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from config.keys import sandbox_account
from tests.processes import people
from tests.processes.commands import COMMAND, ROOT, run, settings
from tests.processes.houses import open_house, settled_home
from tests.processes.witness import until
from tests.web.provider import INBOUND, LAKESIDE, signature
from worker.sandbox.demo import free_ports
from worker.sandbox.house import answers

pytestmark = pytest.mark.processes


@pytest.fixture
def web_alone(tmp_path):
    """The web part over SQLite; no Redis, no worker, no beat, no provider was ever started."""
    home, port = settled_home(tmp_path / "home"), free_ports(1)
    url = f"http://127.0.0.1:{port}"
    env = settings(AFTERCARE_HOME=str(home), PUBLIC_URL=url)
    log = (tmp_path / "web.log").open("wb")
    process = subprocess.Popen(
        [*COMMAND, "web", "--bind", f"127.0.0.1:{port}"], cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=log
    )
    until(lambda: answers(f"{url}/healthz"))
    yield url, env, home
    process.terminate()
    process.wait(timeout=60)
    log.close()


def _text(url, home, body):
    """A signed webhook, as the provider posts it; the status of its answer."""
    account, token = sandbox_account(json.loads((home / "keys.json").read_text(encoding="utf-8"))["SECRET_KEY"])
    said = {"AccountSid": account, "MessageSid": "SM" + "a" * 32, "From": people.phone(7), "To": LAKESIDE, "Body": body}
    request = urllib.request.Request(url + INBOUND, urlencode(said).encode())
    request.add_header("X-Twilio-Signature", signature(token, url + INBOUND, list(said.items())))
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status


def test_stop_is_obeyed_with_everything_else_down(web_alone):
    """P2, rule 33: Redis, workers, beat and provider all down; revoked before the provider hears our 200."""
    url, env, home = web_alone
    form = home / "form.json"
    form.write_text(json.dumps(people.form(datetime.now(UTC), number=7)), encoding="utf-8")
    run("enrol", form, env=env)
    assert _text(url, home, "Stop please") == 200

    def coming():
        rows = json.loads(run("messages", "--json", env=env).stdout)
        return {(row["state"], row["reason"]) for row in rows if row["class"] == "course"}

    until(lambda: coming() == {("cancelled", "revoked")})
    tasks = json.loads(run("tasks", "--json", env=env).stdout)
    assert "hand_over_after_stop" in {task["kind"] for task in tasks}
    assert json.loads(run("verify", "--json", env=env).stdout)["ok"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A whole house that reads the provider's list every second."""
    with open_house(tmp_path_factory.mktemp("house"), RECONCILE_SECONDS="1") as running:
        yield running


@pytest.fixture
def alice(house):
    """Alice, confirmed, on a quiet morning."""
    house.morning()
    enrolled = house.enrol()
    house.quiet()
    return enrolled


def _stopped(house, person):
    return not house.messages(person, state="planned", **{"class": "course"})


def test_a_lost_stop_is_found_before_the_next_text(house, alice):
    """Rule 33: the webhook is gone for good; two minutes later she is silent, confirmed once, and stays so."""
    due = house.message(alice, "same-day")["due_at"]
    house.sandbox.faults(inbound={"lose": 1})
    assert house.sandbox.reply(alice.phone, "Stop please")["hook"] == {"lost": True}
    house.step_to(house.now() + timedelta(minutes=2))
    until(lambda: _stopped(house, alice))
    house.quiet()
    house.step_to(due)
    house.step_to(house.now() + timedelta(days=2))
    assert ["signed up" in text for text in house.texts(alice)] == [True, False]
    assert "no more" in house.texts(alice)[1].lower()
    assert house.cli("verify", "--json").data["ok"]


def test_a_stop_said_while_the_worker_was_dead(house, alice):
    """P11: the worker is killed, the webhook lost; whoever comes up next reads the list."""
    house.sandbox.faults(inbound={"lose": 1})
    os.kill(house.supervisor.pids()["worker"], signal.SIGKILL)
    house.sandbox.reply(alice.phone, "STOP")
    house.step_to(house.now() + timedelta(minutes=2), down=True)
    until(lambda: _stopped(house, alice))
    house.quiet()


def test_an_erasure_empties_the_provider_by_itself(house, alice):
    """GDPR 19: the worker deletes what the erasure asked for; `status` says when nothing is left."""
    before = len(house.sandbox.log("delete"))
    house.cli("erase", alice.id, "--by", people.OKAFOR)
    until(lambda: house.cli("status", "--json").data["copies"]["pending"] == 0)
    deleted = [each for each in house.sandbox.log("delete")[before:] if each["answer"]["status"] == 204]
    assert len(deleted) == 1
    assert house.cli("erase", alice.id, "--by", people.OKAFOR, "--json").data["at_the_provider"][0]["state"] == "done"
