"""The stage of a test: real transactions, a crowd, a clock that stands still, and how many schedules were played."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.builders import NOW
from tests.interleaving import wire
from tests.interleaving.people import Crowd
from tests.interleaving.stage import Clock, psycopg_statements
from tests.interleaving.trial import Trial
from worker import clock
from worker.channels import turns

MORE = int(os.environ.get("SCHEDULES") or 1)  # `make soak-orders` plays so many times as many


@pytest.fixture
def still(monkeypatch):
    """The clocks stand still but for what a schedule lets pass; it is a good hour for everybody."""
    stands = Clock()
    ahead = NOW - datetime.now(UTC)
    monkeypatch.setattr(clock, "running", lambda: stands.running)
    monkeypatch.setattr(clock, "machine", lambda: datetime.now(UTC) + timedelta(seconds=stands.since))
    monkeypatch.setattr(clock, "offset", ahead.total_seconds)
    monkeypatch.setattr(turns, "loop", wire.loop)
    logger = logging.getLogger("aftercare")
    before, _ = logger.level, logger.setLevel(logging.ERROR)  # thousands of shifts have nothing to tell
    yield stands
    logger.setLevel(before)


@pytest.fixture
def trial(request, committed, house, still):
    """A trial over a crowd, whose size may be given; it tells how many schedules it has played on which database."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    held = Trial(Crowd(getattr(request, "param", 300) * MORE), still)
    with psycopg_statements():
        yield held
        held.stage.close()
    wire.close_loop()
    request.node.user_properties.append(("schedules", (connection.vendor, held.schedules)))
