"""The two clocks: the calendar steps only in the sandbox and only forward; machine and running time never do."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from worker import clock


@pytest.fixture
def calendar(settings, tmp_path):
    """A calendar file, as the sandbox has one."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    return tmp_path / "calendar"


def _close(one, two):
    return abs((one - two).total_seconds()) < 60


def test_outside_the_sandbox_the_calendar_is_the_machines(settings):
    """Two clocks: without CALENDAR_FILE they are one, and stepping is refused."""
    settings.CALENDAR_FILE = ""
    before = clock.machine()
    assert before <= clock.now() <= clock.machine()
    assert clock.offset() == 0.0
    with pytest.raises(RuntimeError, match="only in the sandbox"):
        clock.step_to(clock.now() + timedelta(days=1))


def test_a_step_moves_the_calendar_and_nothing_else(calendar):
    """Leases and deadlines never see a step."""
    machine, running = clock.machine(), clock.running()
    target = clock.now() + timedelta(days=40)
    clock.step_to(target)
    assert _close(clock.now(), target)
    assert _close(clock.machine(), machine)
    assert clock.running() - running < 60


def test_the_calendar_only_goes_forward(calendar):
    """What was due stays due."""
    clock.step_to(clock.now() + timedelta(days=40))
    with pytest.raises(ValueError, match="only goes forward"):
        clock.step_to(clock.now() - timedelta(seconds=5))
    assert _close(clock.now(), clock.machine() + timedelta(days=40))


def test_steps_close_upon_each_other_are_all_seen(calendar):
    """Two steps within one tick of the file system's clock leave the same moment on the file; neither is lost."""
    start = clock.now()
    stamp = None
    for hour in range(1, 9):
        target = start + timedelta(hours=hour)
        clock.step_to(target)
        stamp = stamp or calendar.stat().st_mtime_ns
        os.utime(calendar, ns=(stamp, stamp))
        assert _close(clock.now(), target), hour


def test_another_process_sees_the_same_calendar(calendar, settings):
    """All processes share the file."""
    clock.step_to(clock.now() + timedelta(days=40))
    code = "import django; django.setup(); from worker import clock; print(clock.now().isoformat())"
    env = {**os.environ, "CALENDAR_FILE": str(calendar), "DJANGO_SETTINGS_MODULE": "config.settings"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert _close(datetime.fromisoformat(said.stdout.strip()), clock.now())


def test_a_stepped_calendar_beside_a_real_provider_does_not_start():
    """Two clocks: a stepped clock would send real texts at night."""
    real = {"SMS_CHANNEL": "twilio", "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "0" * 32}
    env = {**os.environ, **real, "PUBLIC_URL": "https://aftercare.example", "CALENDAR_FILE": "/nowhere/calendar"}
    said = subprocess.run(
        [sys.executable, "-c", "import config.settings"], env=env, capture_output=True, text=True, check=False
    )
    assert said.returncode != 0
    assert "CALENDAR_FILE: a stepped calendar needs" in said.stderr


def test_times_are_aware_and_in_utc(calendar):
    """Interfaces carry aware UTC."""
    assert clock.now().tzinfo is UTC
    assert clock.machine().tzinfo is UTC


def test_running_time_never_goes_back():
    """The 1 s bound of P2."""
    seen = [clock.running() for _ in range(1000)]
    assert seen == sorted(seen)
