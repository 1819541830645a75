"""A value that would start nothing, or something that serves nobody, is a usage error that names its mend (P12)."""

from __future__ import annotations

import os

import pytest

from worker import broker
from worker.management.cli import main
from worker.management.verbs.worker import QUEUES


@pytest.fixture
def became(monkeypatch):
    """What would have become of this process."""
    commands = []
    monkeypatch.setattr(os, "execv", lambda _, command: commands.append(command))
    monkeypatch.setattr(os, "nice", lambda _: None)
    for name in ("AFTERCARE_QUEUES", "AFTERCARE_WORKER_SESSION", "CELERY_SKIP_CHECKS", "SQLITE_TIMEOUT_SECONDS"):
        monkeypatch.setenv(name, "")  # what the verb sets is taken back
    return commands


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("web --processes 0", "argument --processes: is no number of processes from 1 to"),
        ("web --processes=-1", "argument --processes: is no number of processes from 1 to"),
        ("web --threads 0", "argument --threads: is no number of threads from 1 to"),
        ("web --threads many", "argument --threads: is no number of threads from 1 to"),
        ("worker --concurrency -3", "argument --concurrency: is no number of processes from 1 to"),
        ("worker --concurrency 0", "argument --concurrency: is no number of processes from 1 to"),
        ("worker --queues sms,emial", "argument --queues: names no queue of ours: emial; take from sms, email, tend"),
        ("worker --queues ,", "argument --queues: names no queue; take from sms, email, tend"),
        ("web --bind nonsense", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind 127.0.0.1:http", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind 127.0.0.1:70000", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind 127.0.0.1:80:90", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind ::1:8000", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind 0.0.0.0:0", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
        ("web --bind unix:", "argument --bind: is no address:port, such as 0.0.0.0:8000"),
    ],
)
def test_it_is_refused_with_its_mend(became, capsys, said, told):
    """Nothing is started, and nothing of gunicorn's or Celery's is printed."""
    with pytest.raises(SystemExit) as ended:
        main(said.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert became == []


@pytest.mark.parametrize("bind", ["0.0.0.0:8000", "localhost:1", "[::]:65535", ":8000", "unix:/run/web.sock", "fd://3"])
def test_what_gunicorn_understands_is_passed_on(became, bind):
    """An address and its port, a socket's file, or one that somebody has opened for us."""
    main(["web", "--bind", bind, "--processes", "1", "--threads", "2"])
    (command,) = became
    assert command[command.index("--bind") + 1] == bind


@pytest.mark.parametrize(
    ("said", "taken"), [("email", "email"), ("tend, sms", "tend,sms"), ("sms,sms,", "sms"), ("sms,email,tend",) * 2]
)
def test_queues_are_taken_as_they_are_meant(became, said, taken):
    """Spaces and doublets are nothing that anybody meant: status counts takers by the names."""
    main(["worker", "--queues", said])
    (command,) = became
    assert command[command.index("--queues") + 1] == os.environ["AFTERCARE_QUEUES"] == taken


def test_the_queues_are_those_that_are_counted():
    """The command knows them without Django."""
    assert tuple(QUEUES.split(",")) == broker.QUEUES
