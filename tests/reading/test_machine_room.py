"""Who works, what waits, how the day goes; the terminal's view and its JSON say the same (P5)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.record import pulse
from worker.actions.record.pulse import Tick
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.management import glance
from worker.management.cli import main
from worker.models import Hour, Message, Pulse, Ready
from worker.reading.backlog import backlog
from worker.reading.house import house
from worker.rules.names import Channel
from worker.sandbox.redis_server import PrivateRedis

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


def seen(now=DUE):
    """Everything, as the verb reads it."""
    return house(now=now, machine=clock.machine())


def test_a_shift_shows_its_worker_and_fills_the_hour(alice, monkeypatch, tmp_path):
    """Calls, outcomes and lateness of the hour, and the process that did it, with its queues."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,tend")
    monkeypatch.setattr(settings, "CALENDAR_FILE", str(tmp_path / "calendar"))
    clock.step_to(DUE + timedelta(minutes=3))
    post.promote(now=clock.now())
    shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    tend(tick=Tick.of("gen1@beat", clock.machine().isoformat()))
    said = seen(clock.now())
    (worker,) = said["workers"]
    assert (worker["queues"], worker["shift_seconds"] >= 0) == ("sms,tend", True)
    assert said["consumers"] == {"sms": 1, "email": 0, "tend": 1}
    assert said["last_sweep_seconds"] < 60
    assert said["last_tick_seconds"] < 60
    hours = [each for each in said["hours"] if each["channel"] == "sms"]
    assert sum(each["accepted"] for each in hours) == said["day"]["went"] == 1
    assert 180 <= hours[-1]["latest_seconds"] < 240
    assert said["day"]["coming"] >= 1


def test_two_shifts_add_up(alice):
    """An hour's sums grow with each shift, and the worst lateness stays."""
    from worker.actions.send import tally

    for late, called in ((5.0, 2), (3.0, 1)):
        report = tally.Report(Channel.SMS, called=called, late_seconds=late * called, latest_seconds=late)
        report.outcomes = {"accepted": called}
        tally.sum_up(report, now=DUE)
    hour = Hour.objects.get()
    assert (hour.called, hour.accepted, hour.late_seconds, hour.latest_seconds) == (3, 3, 13.0, 5.0)


def test_what_is_due_is_seen_although_nobody_sweeps(alice):
    """P5: with no worker the table of what is ready stays empty; the messages themselves tell what is late."""
    message = builders.message(alice, "day-1")
    Ready.objects.all().delete()
    now = message.due_at + timedelta(hours=2)
    assert Message.objects.filter(state="planned", due_at__lte=now, channel="sms").exists()
    told = backlog(now=now)[Channel.SMS]
    assert told.due_now >= 1
    assert told.oldest_seconds >= 7200
    assert backlog(now=now)[Channel.EMAIL].due_now == 0


def test_the_terminal_marks_what_is_wrong(alice, monkeypatch, tmp_path):
    """Late, without a worker, without Redis: each has its mark; nothing personal is shown (P9)."""
    monkeypatch.setattr(settings, "BROKER_URL", f"unix://{tmp_path}/nobody.sock")
    said = seen(builders.message(alice, "same-day").due_at + timedelta(hours=1))
    marked = [line for line in glance.lines(said) if line.startswith("!")]
    assert any("sms" in line and "oldest" in line for line in marked)
    assert any("worker processes 0" in line for line in marked)
    assert any("Redis does not answer" in line for line in marked)
    assert sum("never" in line for line in marked) == 2
    assert "Alice" not in str(said)


def test_the_terminal_marks_a_queue_without_takers(alice, monkeypatch):
    """One process lives and takes from two of three queues; when it last worked stands beside it."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,tend")
    pulse.lives()
    lines = list(glance.lines(seen()))
    (line,) = [each for each in lines if "worker processes 1" in each]
    assert line.startswith("!")
    assert "email 0" in line
    assert any("worked never" in each for each in lines)
    pulse.forget_last()
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,email,tend")
    pulse.worked()
    lines = list(glance.lines(seen()))
    assert any(each.startswith(" worker processes 1") for each in lines)
    assert any("worked 0 s ago" in each for each in lines)


def test_a_check_hears_of_a_queue_without_takers_and_of_a_redis_that_is_away(alice, capsys, monkeypatch, tmp_path):
    """P5: both are pages of the monitoring, and an outside monitor asks by this command."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,email,tend")
    tend(tick=Tick.of("gen1@beat", clock.machine().isoformat()))
    with PrivateRedis(tmp_path / "redis") as redis:
        monkeypatch.setattr(settings, "BROKER_URL", redis.broker_url)
        assert main(["status", "--check"]) == 0
        Pulse.objects.filter(kind="worker").update(queues="sms,tend")
        assert main(["status", "--check"]) == 1
        assert "nobody takes from the queue email" in capsys.readouterr().out
        Pulse.objects.filter(kind="worker").update(queues="sms,email,tend")
    assert main(["status", "--check"]) == 1
    assert "PAGE    Redis does not answer" in capsys.readouterr().out


def test_the_bars_show_the_day(db):
    """24 hours, the running one last; an hour with calls is never blank."""
    for ago, called in ((0, 1), (2, 80)):
        Hour.objects.create(hour=NOW.replace(minute=0) - timedelta(hours=ago), channel="sms", called=called)
    (row,) = [line for line in glance.lines(seen(NOW)) if "calls" in line and "by the hour" in line]
    assert row.removeprefix(" by the hour  ").removesuffix("  calls")[-3:] == "█ ▁"


def test_status_prints_json(house, capsys, monkeypatch, tmp_path):
    """One document for machines, with Redis asked for its queues."""
    with PrivateRedis(tmp_path / "redis") as redis:
        monkeypatch.setattr(settings, "BROKER_URL", redis.broker_url)
        assert main(["status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["broker"]["depth"] == {"sms": 0, "email": 0, "tend": 0}
    assert said["broker"]["evicts_nothing"] is True


def test_status_watches_until_it_is_told_to_stop(house, capsys, monkeypatch):
    """--watch prints again and again; Ctrl-C ends it with the reason."""
    rounds = iter([None, KeyboardInterrupt()])

    def sleep(seconds):
        if (end := next(rounds)) is not None:
            raise end

    monkeypatch.setattr("time.sleep", sleep)
    assert main(["status", "--watch", "1"]) == 1
    assert capsys.readouterr().out.count("worker processes") == 2


def test_signs_of_life_are_seldom_and_forgotten(db):
    """A second sign within three seconds is not written; what ended a week ago is dropped."""
    pulse.worked()
    Pulse.objects.update(seen_at=clock.machine() - timedelta(days=8))
    pulse.worked()
    assert Pulse.objects.get().seen_at < clock.machine() - timedelta(days=7)
    Hour.objects.create(hour=NOW - timedelta(days=500), channel="sms")
    assert pulse.forget_old(now=NOW) == 2


@pytest.mark.parametrize(("at", "known"), [("", False), ("yesterday", False), ("2027-01-12T15:00:00", True)])
def test_a_tick_says_when_it_was_given(at, known):
    """A header that anybody garbled is no tick (P12)."""
    tick = Tick.of("gen1@host" * 20, at)
    assert (tick is not None) == known
    if tick:
        assert tick.at == NOW
        assert len(tick.origin) <= 60
