"""The outside of the actions: one sandbox provider for all tests of a process, each on a day of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.actions import outside
from tests.builders import NOW
from worker import clock

LAST = NOW + timedelta(days=120)  # approvals last a year, and some tests let months pass


@pytest.fixture(scope="session")
def outsides(tmp_path_factory):
    """The provider of the process; another takes its place when its calendar, which only goes forward, has gone far."""
    kept = Outsides(tmp_path_factory)
    yield kept
    kept.running.close()


class Outsides:
    """The one that runs now."""

    def __init__(self, folders):
        self._folders = folders
        self.running = self._opened()

    def renew(self):
        """Another, whose calendar has not begun."""
        self.running.close()
        self.running = self._opened()

    def _opened(self):
        return outside.opened(self._folders.mktemp("outside"))


@pytest.fixture
def provider(outsides, settings):
    """That provider on a day of its own: lists look back a day."""
    _point_at(outsides.running, settings)
    if clock.now() > LAST:
        outsides.renew()
        _point_at(outsides.running, settings)
    clock.step_to(_a_good_day(clock.now() + timedelta(days=2)))
    return outsides.running.sandbox


def _point_at(running, settings):
    settings.TWILIO_API_URL = running.url
    settings.CALENDAR_FILE = running.process.args[-1]
    running.sandbox.clear_faults()


def _a_good_day(after: datetime) -> datetime:
    """The next Tuesday or Thursday at NOW's hour: on other days a text may be due at once, or not for days."""
    days = (NOW + timedelta(days=day) for day in range(3650))
    return next(day for day in days if day >= max(NOW, after) and day.weekday() in (1, 3))
