"""The whole journey at DEBUG through real parts: her data leave by the provider's door alone (P9, rule 60).

What is read for canaries: every log, every command that Redis was ever given and all that lies in it while a task is
queued, the arguments of that task, the metrics of web and worker, and of each call to the provider everything but To
and Body.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import threading
import urllib.request

import pytest
import redis

from tests.processes.houses import RunningHouse, settled_home
from tests.processes.witness import children, until

pytestmark = pytest.mark.processes

NAME, WORDS = "Quenelda Zwetschgenbaum", "zinnoberroter Ausschlag"
TOKEN = "only-the-monitoring-knows"
LOUD = {"LOG_LEVEL": "DEBUG", "METRICS_TOKEN": TOKEN}
CANARIES = ("quenelda", "zwetschgenbaum", "zinnoberrot", "ausschlag", "canary")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A house that logs all it can."""
    with socket.socket() as taken:  # until the house has chosen its own ports
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        running = RunningHouse(settled_home(tmp_path_factory.mktemp("loud") / "home"), **LOUD, WORKER_METRICS=address)
    with running:
        running.worker_metrics = address
        yield running


def told(address):
    """What a part says to the monitoring."""
    asked = urllib.request.Request(f"http://{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read().decode()


class Listener(threading.Thread):
    """Hears every command that Redis is given."""

    def __init__(self, line):
        super().__init__(daemon=True)
        self.line, self.heard, self.listening = line, [], threading.Event()

    def run(self):
        # Redis ends before we do; what the library makes of its last line is not our business.
        with contextlib.suppress(redis.RedisError, OSError, ValueError, AttributeError), self.line.monitor() as monitor:
            self.listening.set()
            for command in monitor.listen():
                self.heard.append(command["command"])


def lying_in(line):
    """All keys with their values."""
    read = {"string": line.get, "list": lambda key: line.lrange(key, 0, -1), "hash": line.hgetall,
            "set": line.smembers, "zset": lambda key: line.zrange(key, 0, -1, withscores=True)}  # fmt: skip
    return [(key, read[line.type(key)](key)) for key in line.keys("*")]


def queued(line):
    """The tasks that wait, as (headers, arguments)."""
    waiting = [
        json.loads(each) for key in line.keys("*") if line.type(key) == "list" for each in line.lrange(key, 0, -1)
    ]
    return [(each["headers"], json.loads(base64.b64decode(each["body"]))) for each in waiting]


def while_the_workers_stand_still(house, line):
    """What lies in Redis, and the tasks in it, while nobody takes any."""
    worker = house.supervisor.pids()["worker"]
    family = [worker, *children(worker)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        found = []
        until(lambda: found.append(queued(line)) or found[-1])
        return lying_in(line), found[-1]
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


def singing(text, phone):
    """Which of her data stand in a text."""
    return [word for word in (*CANARIES, phone.removeprefix("+1")) if word in text.lower()]


def test_no_canary_sings_in_any_part(house):
    """Enrolled, written to, a reply, a STOP: found in the texts and mails that left, and in no place named above."""
    with redis.Redis(unix_socket_path=str(house.house.redis.socket_path), decode_responses=True) as line:
        listener = Listener(line)
        listener.start()
        assert listener.listening.wait(30)
        house.morning()
        both = (("sms", "aftercare"), ("email", "aftercare"))
        person = house.enrol(name=NAME, email="quenelda.canary@example.com", agrees=both)
        lies, tasks = while_the_workers_stand_still(house, line)
        house.quiet()
        house.step_to(house.message(person, "same-day")["due_at"])
        house.sandbox.reply(person.phone, WORDS)
        house.sandbox.reply(person.phone, f"STOP {NAME}")
        house.quiet()
        heard = list(listener.heard)
    web = told(house.house.plan.web_url.removeprefix("http://"))
    worker = told(house.worker_metrics)
    assert 'aftercare_messages_total{channel="sms",outcome="accepted"}' in worker, "the worker counted what it sent"

    calls = [each["params"] for each in house.sandbox.log("create") if each["params"]["To"] == person.phone]
    mails = house.mails(person)
    assert len(calls) >= 3
    assert mails
    assert any("Quenelda" in str(mail) for mail in mails), "the canary did leave the house, as it should"
    assert tasks, "tasks were queued"
    assert all(arguments[:2] == [[], {}] for _, arguments in tasks), "a task is a hint, and carries nothing"
    assert any("aftercare.send_sms" in each for each in heard), "Redis was listened to"
    outside = [{name: value for name, value in call.items() if name not in {"To", "Body"}} for call in calls]
    places = {
        "redis": lies,
        "commands": heard,
        "tasks": tasks,
        "metrics": web,
        "worker metrics": worker,
        "metadata": outside,
    }
    logs = [file for file in (house.home / "log").glob("*.log") if file.name != "provider.log"]
    assert {"web.log", "worker.log", "beat.log"} <= {file.name for file in logs}
    places |= {file.name: file.read_text(encoding="utf-8") for file in logs}
    assert "DEBUG" in places["worker.log"] or "debug" in places["worker.log"], "the logs say all they can"
    songs = {place: singing(str(said), person.phone) for place, said in places.items()}
    assert {place: song for place, song in songs.items() if song} == {}
