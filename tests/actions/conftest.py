"""The outside of the actions: one sandbox provider for all tests of a process, each on a day of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import outside
from tests.builders import NOW
from worker import clock


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """One provider for the process."""
    started = outside.opened(tmp_path_factory.mktemp("outside"))
    yield started
    started.close()


@pytest.fixture
def provider(running, settings):
    """That provider on a day of its own: the calendar only goes forward, and lists look back a day."""
    settings.TWILIO_API_URL = running.url
    settings.CALENDAR_FILE = running.process.args[-1]
    running.sandbox.clear_faults()
    clock.step_to(max(NOW, clock.now() + timedelta(days=3)))
    return running.sandbox
