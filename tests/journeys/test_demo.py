"""Six weeks in a minute: `aftercare demo` plays them through real Celery, Redis, HTTP and SMTP, and judges itself."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.processes.commands import run, settings

pytestmark = pytest.mark.processes

AFTERCARE = ("same-day", "day-1", "day-3", "day-7", "expectations", "day-14", "week-3")
REMINDERS = ("next-session-week", "before-session", "next-session-day")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's own report; a caller's settings never reach it."""
    home = str(tmp_path_factory.mktemp("demo") / "elsewhere")
    done = run("demo", "--json", env=settings(AFTERCARE_HOME=home, DATABASE_URL="postgres://nobody@127.0.0.1:1/none"))
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_every_promise_was_put_to_the_test_and_held(demo):
    """P1 to P8, each over at least one case."""
    assert demo["held"]
    assert list(demo["promises"]) == [f"P{number}" for number in range(1, 9)]
    assert [name for name, each in demo["promises"].items() if not (each["held"] and each["cases"])] == []


def test_every_phone_shows_what_its_owner_agreed_to(demo):
    """Alice gets all of it, Bob nothing after his STOP, Dana after her click, Femi one reminder, Emil nothing."""
    got = {
        name.split()[0]: Counter((row["channel"], row["step"]) for row in rows)
        for name, rows in demo["clients"].items()
    }
    sms = {name: {step for channel, step in steps if channel == "sms"} for name, steps in got.items()}
    mail = {name: {step for channel, step in steps if channel == "email"} for name, steps in got.items()}

    assert sms["Alice"] == {"optin-confirmation", *AFTERCARE, *REMINDERS}
    assert mail["Alice"] == {"optin-confirmation", *AFTERCARE, "before-session"}
    assert sms["Bob"] == {"optin-confirmation", "same-day", "day-1", "stop-confirmation"}
    assert mail["Dana"] >= {"optin-confirmation", "same-day", "day-1", "day-3", "stop-confirmation"}
    assert sms["Dana"] == mail["Femi"] == mail["Bob"] == set()
    assert not mail["Dana"] & {"day-14", "week-3", "expectations"}
    assert sms["Femi"] == {"optin-confirmation", *AFTERCARE, "next-session-plan"}
    assert got["Emil"] == Counter()
    assert max(count for steps in got.values() for count in steps.values()) == 1
