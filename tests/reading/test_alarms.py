"""Silence is an alarm: what does not happen is seen, by us and by a monitor outside (P5)."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import broker, clock
from worker.actions.receive.receipt import receipt
from worker.actions.record import pulse
from worker.actions.restore.lineage import declare_restored
from worker.actions.restore.replay import release
from worker.actions.send.shift import shift
from worker.actions.send.tend import tend
from worker.channels.base import Refused, Unknown
from worker.models import Attempt, Hour, Message, Pulse, Watermark
from worker.reading.alarms import alarms, facts, is_well
from worker.reading.alive import sign_of_life
from worker.reading.status import status
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def redis(monkeypatch):
    """It answers; cleared, it is away."""
    there = [broker.Broker(version="7.2", seconds=0.1, depth={}, policy="noeviction", append_only=False, used_bytes=1,
                           limit_bytes=0, skew=0.0)]  # fmt: skip
    monkeypatch.setattr(broker, "look", lambda: there[0] if there else None)
    return there


@pytest.fixture
def alice(house, redis, monkeypatch):
    """Alice, by SMS alone, confirmed and her confirmation's receipt in; a worker has just made its round."""
    monkeypatch.setenv("AFTERCARE_QUEUES", "sms,email,tend")
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    for attempt in Attempt.objects.all():
        receipt(attempt_id=attempt.pk, provider_id="SM1", status="delivered", code="", raw={}, now=NOW)
    pulse.swept()
    pulse.worked()
    return client


def raised(now, machine=None):
    """The codes of what needs a person at `now`."""
    return [each.code for each in alarms(facts(now=now, machine=machine or clock.machine()))]


def test_a_quiet_house_is_well(alice):
    """Nothing due, nothing wrong."""
    assert raised(NOW) == []


def test_nobody_at_work_is_an_alarm(alice):
    """P5: beat or the workers fell silent, whether anything is due or not."""
    assert raised(NOW, clock.machine() + timedelta(seconds=200)) == ["silent"]


def test_a_redis_that_does_not_answer_is_an_alarm(alice, redis, settings):
    """P5: workers live, and nobody tells them to look; with another broker its own tools tell."""
    redis.clear()
    assert raised(NOW) == ["redis"]
    settings.BROKER_URL = "amqp://guest:guest@127.0.0.1:9//"
    assert raised(NOW) == []


def test_a_queue_that_nobody_takes_from_is_an_alarm(alice):
    """P5: one channel would be silent, before anything is late; nobody at all is said once."""
    Pulse.objects.filter(kind="worker").update(queues="sms,tend")
    assert raised(NOW) == ["unserved_email"]
    assert not is_well(facts(now=NOW, machine=clock.machine()))
    Pulse.objects.filter(kind="worker").update(seen_at=clock.machine() - timedelta(seconds=31))
    assert raised(NOW) == ["no_worker"]


def test_what_is_kept_past_its_time_is_an_alarm_for_the_morning(alice, monkeypatch):
    """Rule 66: the hourly round fell behind for three days."""
    late = {"attempt": 86_400 * 3.0, "inbound": 60.0}
    monkeypatch.setattr("worker.reading.alarms.overdue", lambda **_: late)
    assert raised(NOW) == []
    late["inbound"] = 86_400 * 5.0
    (told,) = alarms(facts(now=NOW, machine=clock.machine()))
    assert (told.code, told.severity) == ("kept", "ticket")
    assert "the oldest for 5 days (inbound)" in told.says


def test_due_and_nothing_accepted_is_an_alarm_sooner_than_being_late(alice):
    """P5: five minutes of nothing at all are worse than fifteen of too much."""
    assert raised(DUE + timedelta(seconds=299)) == []
    assert raised(DUE + timedelta(seconds=301)) == ["stuck_sms"]
    Hour.objects.create(hour=DUE.replace(minute=0), channel="sms", accepted=7, accepted_at=DUE + timedelta(seconds=10))
    assert raised(DUE + timedelta(seconds=301)) == []
    assert raised(DUE + timedelta(seconds=311)) == ["stuck_sms"]  # five minutes, not the rest of the hour
    Hour.objects.update(accepted_at=DUE + timedelta(seconds=700))
    assert raised(DUE + timedelta(seconds=901)) == ["late_sms"]


def test_what_a_shift_had_taken_keeps_that_alarm_quiet(alice, settings, tmp_path):
    """P5: the moment comes from the shifts themselves; one whose calls were all refused does not count."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    tend()
    shift(channel=Channel.SMS, carrier=post.Provider([Refused("21211")]), slots=4)
    assert facts(now=DUE, machine=clock.machine()).taken_ago["sms"] == inf
    builders.bob(consents=SMS)
    clock.step_to(DUE + timedelta(hours=1))
    tend()
    shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    assert facts(now=clock.now(), machine=clock.machine()).taken_ago["sms"] < 60


def test_a_sender_that_is_refused_is_an_alarm_although_nothing_is_due_any_more(alice):
    """P5: its queue is held, so neither lateness nor silence would tell."""
    post.round_of_post(DUE, post.Provider([Refused("20003")]))
    assert raised(DUE) == ["circuit"]


def test_a_step_past_its_useful_time_without_a_decision_is_an_alarm(alice):
    """P5: the sweep should have ended it."""
    late = builders.message(alice, "same-day").expires_at + timedelta(seconds=301)
    Message.objects.filter(client=alice).exclude(step__code="same-day").update(state="cancelled")
    assert "undecided" in raised(late)


def test_an_old_doubt_is_an_alarm(alice):
    """P4, P5: after half an hour somebody looks."""
    post.round_of_post(DUE, post.Provider([Unknown("reset")]))
    assert "unknown" not in raised(DUE + timedelta(seconds=1799))
    assert "unknown" in raised(DUE + timedelta(seconds=1801))


def test_receipts_that_stopped_are_an_alarm_and_one_that_comes_ends_it(alice):
    """P5: texts go, and the provider no longer reaches us."""
    post.round_of_post(DUE)
    assert "receipts" not in raised(DUE + timedelta(minutes=29))
    assert "receipts" in raised(DUE + timedelta(minutes=31))
    attempt = Attempt.objects.latest("decided_at")
    receipt(attempt_id=attempt.pk, provider_id="SM2", status="sent", code="", raw={}, now=DUE + timedelta(minutes=32))
    assert "receipts" not in raised(DUE + timedelta(minutes=33))


def test_accepted_for_ever_is_reported_and_never_sent_again(alice):
    """Rule 88: many carriers give no receipts."""
    post.round_of_post(DUE)
    later = DUE + timedelta(days=3)
    assert facts(now=later, machine=clock.machine()).unconfirmed == 1
    assert status(now=later)["unconfirmed"] == 1
    assert builders.message(alice, "same-day").state == "accepted"
    assert "same-day" not in post.round_of_post(later)


def test_a_stop_that_only_the_provider_knew_is_an_alarm(alice):
    """Rule 32."""
    post.round_of_post(DUE, post.Provider([Refused("21610")]))
    assert "drift" in raised(DUE)


def test_a_list_that_cannot_be_read_is_an_alarm(alice):
    """Rule 33: a STOP may lie in it."""
    Watermark.objects.create(name="inbound:1", read_to=NOW - timedelta(minutes=16), failures=3)
    assert raised(NOW) == ["list_behind"]


def test_a_restore_that_holds_everything_is_an_alarm_until_it_is_released(alice):
    """P5: nothing goes and nothing is late yet; the monitor must not hear that all is well."""
    declare_restored(now=NOW)
    assert raised(NOW) == ["restored"]
    assert not is_well(facts(now=NOW, machine=clock.machine()))
    assert facts(now=NOW, machine=clock.machine() + timedelta(seconds=60)).restored_ago >= 59
    release(by="Sam", now=NOW, unchecked=True)
    assert raised(NOW) == []


@pytest.fixture
def monitor():
    """A monitor that counts what it hears."""

    class Ear(BaseHTTPRequestHandler):
        heard: list[str] = []  # noqa: RUF012 - one server a test
        answer = 200

        def do_GET(self):
            self.heard.append(self.path)
            self.send_response(self.answer)
            self.end_headers()

        def log_message(self, *_):
            pass

    Ear.heard, server = [], HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    Ear.url = f"http://127.0.0.1:{server.server_port}/ping/abc?x=1"
    yield Ear
    server.shutdown()
    server.server_close()


def test_the_monitor_hears_from_us_only_while_all_is_well(alice, monitor, settings):
    """P5: the dead man's signal: whoever hears nothing wakes somebody."""
    settings.DEADMAN_URL = monitor.url
    assert sign_of_life(now=NOW, machine=clock.machine())
    assert monitor.heard == ["/ping/abc?x=1"]
    assert not sign_of_life(now=DUE + timedelta(hours=1), machine=clock.machine())
    assert len(monitor.heard) == 1
    monitor.answer = 500
    assert not sign_of_life(now=NOW, machine=clock.machine())


def test_a_monitor_that_is_away_is_no_error(alice, settings):
    """It will wake somebody by itself."""
    settings.DEADMAN_URL = "http://127.0.0.1:9/"
    assert not sign_of_life(now=NOW, machine=clock.machine())
