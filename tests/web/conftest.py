"""What a page or a webhook is tried against: two clinics, a stepped calendar, and a provider that signs."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.builders import NOW
from tests.web.provider import Provider
from worker import clock


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    """The calendar stands at NOW."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


@pytest.fixture
def browser():
    """A browser without a login, with Django's CSRF check switched on as in production."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def provider(browser, settings):
    """The provider of the installation's own account."""
    return Provider(browser, account_sid=settings.TWILIO_ACCOUNT_SID, token=settings.TWILIO_AUTH_TOKEN)
