"""A worker leaves the CPU to the web part, but where it would hold the only turn to write meanwhile (ADR 14)."""

from __future__ import annotations

import argparse

import pytest

from worker.management.verbs import worker


@pytest.mark.parametrize(
    ("url", "lowered"),
    [("postgres://user@host/name", [worker.NICENESS]), ("sqlite:////data/clinic.sqlite3", []), ("", [])],
)
def test_a_sender_yields_where_that_keeps_nobody_waiting(monkeypatch, url, lowered):
    """P2: a STOP is obeyed first; on SQLite, also where it is the default, by a worker that gets on with its write."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("DATABASE_URL_FILE", raising=False)
    said, became = [], []
    monkeypatch.setattr(worker.os, "nice", said.append)
    monkeypatch.setattr(worker.os, "execv", lambda *command: became.append(command))
    monkeypatch.setenv("AFTERCARE_WORKER_SESSION", "")  # put back afterwards
    monkeypatch.setenv("AFTERCARE_QUEUES", "")
    worker.run(argparse.Namespace(queues="sms", concurrency=1))
    assert said == lowered
    assert len(became) == 1
