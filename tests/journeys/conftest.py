"""One house for all journeys; at its end the chain is checked, and every log is read for what it must not hold."""

from __future__ import annotations

import pytest

from tests.processes.houses import open_house
from worker.sandbox.parts import Happening


@pytest.fixture(scope="package")
def house(tmp_path_factory):
    """A house over SQLite with a stepped calendar: Lakeside is loaded and its protocol approved.

    Whatever its journeys did: the audit chain is whole (P8), no part died, and no log holds a phone, a mailbox, a name
    or a traceback (P9).
    """
    with open_house(tmp_path_factory.mktemp("house")) as running:
        yield running
        told = running.cli("verify", "--json").data
        assert (told["ok"], told["faults"]) == (True, [])
        assert [event for event in running.events if event.happening is Happening.DIED] == []
    for log in (running.home / "log").glob("*.log"):
        text = log.read_text(encoding="utf-8")
        assert [word for word in ("+1212", "@example.com", "Moreau", "Traceback") if word in text] == [], log


@pytest.fixture
def fair(house):
    """The same house with a provider that does what it is asked, before the test and after it."""
    house.sandbox.clear_faults()
    yield house
    house.sandbox.clear_faults()
    house.quiet()
