"""What Prometheus reads from the web part: due, late, held, stopped; for the monitoring alone, and nothing personal."""

from __future__ import annotations

import itertools
import re
import socket
from datetime import timedelta

import pytest
import yaml
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock, exposition
from worker.actions.consent.hold import pause
from worker.actions.send import tally
from worker.actions.send.prepare import prepare
from worker.actions.send.said import Said
from worker.channels.base import Accepted, Refused
from worker.models import Attempt, Feed, Message, ProviderCopy, Ready, Watermark
from worker.models.hold import PauseScope
from worker.models.suppression import SuppressionReason
from worker.rules.states import State
from worker.sandbox.redis_server import PrivateRedis
from worker.web.urls import urlpatterns

LABELS = {
    "channel", "outcome", "reason", "peer", "le", "code_class", "error_code", "status", "scope", "queue", "state",
    "table", "view", "hook", "why", "version", "python", "django", "celery", "redis_py", "database", "schema",
    "generation", "implementation", "major", "minor", "patchlevel", "sessions", "store",
}  # fmt: skip


def families(browser, **headers):
    """Every family that /metrics tells, by name."""
    answer = browser.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    return {each.name: each for each in text_string_to_metric_families(answer.content.decode())}


def value(told, name, **labels):
    """One sample."""
    found = [each.value for each in told[name].samples if each.labels == labels]
    assert len(found) == 1, told.get(name)
    return found[0]


def test_metrics_tell_how_late_the_oldest_is(house, browser):
    """Backlog and age by channel; no label names a person, a clinic or a message (P5, P9)."""
    quiet = families(browser)
    assert value(quiet, "aftercare_due_backlog", channel="sms") == 0
    assert value(quiet, "aftercare_oldest_due_age_seconds", channel="email") == 0
    builders.alice()
    oldest = Ready.objects.filter(channel="sms").earliest("due_at").due_at
    clock.step_to(max(oldest, NOW) + timedelta(minutes=20))
    told = families(browser)
    assert value(told, "aftercare_due_backlog", channel="sms") >= 1
    assert 1200 <= value(told, "aftercare_oldest_due_age_seconds", channel="sms") < 1300 + 3600
    assert told["aftercare_build_info"].samples[0].labels["schema"].startswith("0")
    assert {label for each in told.values() for sample in each.samples for label in sample.labels} <= LABELS
    for secret in ("Alice", "5550123", "example", "lakeside"):
        assert secret not in browser.get("/metrics").content.decode()


def test_what_is_unknown_held_or_paused_is_told(house, browser):
    """Rule 148: ambiguous count and age, holds, pauses; the names that the alerts ask for."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    clock.step_to(NOW + timedelta(hours=3))
    Message.objects.filter(client=client, step__code="same-day").update(
        state=State.UNKNOWN, decided_at=NOW + timedelta(hours=1)
    )
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "the blue lamp, perhaps?", now=NOW)
    pause(scope=PauseScope.CHANNEL, value="email", why="tried", by="tests", now=NOW)
    told = families(browser)
    assert value(told, "aftercare_unknown_outcomes", channel="sms") == 1
    assert value(told, "aftercare_unknown_outcomes", channel="email") == 0
    assert 7200 <= value(told, "aftercare_unknown_oldest_age_seconds", channel="sms") < 7300
    assert value(told, "aftercare_unknown_oldest_age_seconds", channel="email") == 0
    assert value(told, "aftercare_holds", channel="sms") == 1
    assert value(told, "aftercare_holds", channel="email") == 0
    assert 3600 * 3 <= value(told, "aftercare_hold_oldest_age_seconds", channel="sms") < 3600 * 3 + 100
    assert value(told, "aftercare_paused", scope="channel") == 1
    assert value(told, "aftercare_paused", scope="clinic") == 0
    assert value(told, "aftercare_pause_oldest_age_seconds") > 3600 * 2


def test_a_message_after_a_stop_is_seen(house, browser):
    """P2: an attempt decided after a stop that stands is counted, whoever wrote it, and its moment told; else none."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    post.round_of_post(NOW + timedelta(hours=1))
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=NOW + timedelta(hours=2))
    quiet = families(browser)
    assert value(quiet, "aftercare_sent_after_optout") == 0
    assert value(quiet, "aftercare_sent_after_optout_newest_timestamp_seconds") == 0
    sent = Attempt.objects.filter(message__client=client, cls="course")
    later = NOW + timedelta(hours=3)
    assert sent.update(decided_at=later) == 1
    told = families(browser)
    assert value(told, "aftercare_sent_after_optout") == 1
    assert value(told, "aftercare_sent_after_optout_newest_timestamp_seconds") == later.timestamp()


def test_what_only_status_told_is_told_here_too(house, browser):
    """P5: a list that cannot be read, a message that nobody decided, silent calendars, copies that are not gone."""
    builders.alice(consents=builders.SERVICE[:2])
    quiet = families(browser)
    for name in ("inbound_list_behind_seconds", "undecided_oldest_age_seconds"):
        assert value(quiet, f"aftercare_{name}") == 0
    assert value(quiet, "aftercare_feeds_silent", state="alarms") == 0
    now = Message.objects.filter(state=State.PLANNED).earliest("expires_at").expires_at + timedelta(minutes=6)
    clock.step_to(now)
    read_to = now - timedelta(minutes=20)
    Watermark.objects.create(name="inbound:sender:1", read_to=read_to, failures=2, code="http_503")
    Watermark.objects.create(name="inbound:sender:2", read_to=read_to - timedelta(days=1))  # nobody failed to read it
    Feed.objects.create(clinic=house.lakeside, source="cliniko", heard_at=now - timedelta(hours=30))
    Feed.objects.create(clinic=house.lakeside, source="jane", heard_at=now - timedelta(hours=80))
    Feed.objects.create(clinic=house.lakeside, source="mindbody", heard_at=now - timedelta(hours=23))
    Feed.objects.create(clinic=house.lakeside, source="gone", heard_at=now - timedelta(hours=80), ended_at=now)
    ProviderCopy.objects.create(
        clinic=house.lakeside, account_sid="AC1", provider_id="SM1", act="redact", state="failed", next_at=now,
        asked_at=now,
    )  # fmt: skip
    told = families(browser)
    assert 1200 <= value(told, "aftercare_inbound_list_behind_seconds") < 1300
    assert 360 <= value(told, "aftercare_undecided_oldest_age_seconds") < 460
    assert value(told, "aftercare_feeds_silent", state="alarms") == 2
    assert value(told, "aftercare_feeds_silent", state="holds") == 1
    assert value(told, "aftercare_provider_copies", state="failed") == 1
    assert value(told, "aftercare_provider_copies", state="pending") == 0


def away(execute, sql, params, many, context):
    """A database that does not answer."""
    raise OperationalError("server closed the connection: host=db user=aftercare password=x")


def test_with_the_database_away_what_was_counted_is_told(db, browser, capfd):
    """P11: `database_up 0`, no series that is asked of it, and the counters: a STOP that was not kept is among them."""
    assert value(families(browser), "aftercare_database_up") == 1
    with connection.execute_wrapper(away):
        told = families(browser)
    assert value(told, "aftercare_database_up") == 0
    assert not {"aftercare_due_backlog", "aftercare_sent_after_optout", "aftercare_build_info"} & set(told)
    assert told["aftercare_schema_ready"].samples == []
    stops = [each for each in told["aftercare_http_request_seconds"].samples if each.name.endswith("_count")]
    assert {"view": "twilio_inbound", "code_class": "5xx"} in [each.labels for each in stops]
    assert "aftercare_broker_up" in told
    assert "password" not in capfd.readouterr().err


def without_tables(execute, sql, params, many, context):
    """A database that knows its migrations and answers nothing else."""
    if "aftercare_" in sql:
        raise OperationalError("no such table: aftercare_message")
    return execute(sql, params, many, context)


def test_missing_migrations_are_not_a_database_that_is_away(db, browser):
    """P12: its mend is another one, so it has a series of its own; the rest is told where it can be asked."""
    told = families(browser)
    assert (value(told, "aftercare_database_up"), value(told, "aftercare_schema_ready")) == (1, 1)
    MigrationRecorder.Migration.objects.filter(app="aftercare").latest("pk").delete()
    told = families(browser)
    assert (value(told, "aftercare_database_up"), value(told, "aftercare_schema_ready")) == (1, 0)
    assert "aftercare_due_backlog" in told
    with connection.execute_wrapper(without_tables):
        told = families(browser)
    assert (value(told, "aftercare_database_up"), value(told, "aftercare_schema_ready")) == (1, 0)
    assert "aftercare_due_backlog" not in told


def test_a_database_that_falls_silent_in_the_middle_is_away(db, browser):
    """P11: it answered the first question and none after it; no table is missing."""
    with connection.execute_wrapper(without_tables):
        told = families(browser)
    assert value(told, "aftercare_database_up") == 0
    assert told["aftercare_schema_ready"].samples == []


def test_a_message_counts_as_late_when_it_is_taken(house):
    """Issue 7: sent minus due, of what a provider took; a refusal is no message that was late."""
    builders.alice(consents=builders.SERVICE[:2])
    later = NOW + timedelta(hours=1)
    clock.step_to(later)
    (going, *_) = post.decided(prepare(post.claimed(later), now=later), later)
    before = late_texts()
    tally.tell(Said(going, Refused("21610", 400)), "refused")
    assert late_texts() == before
    tally.tell(Said(going, Accepted("SM1")), "accepted")
    assert late_texts() == before + 1


def late_texts():
    """How many texts the histogram has that were taken a quarter of an hour late."""
    told = {each.name: each for each in text_string_to_metric_families(exposition.counted().decode())}
    lateness = told["aftercare_message_lateness_seconds"]
    in_time = value({"it": lateness}, "it", channel="sms", le="900.0")
    (all_of_them,) = [each.value for each in lateness.samples
                      if each.name.endswith("_count") and each.labels == {"channel": "sms"}]  # fmt: skip
    return all_of_them - in_time


def test_with_redis_away_everything_else_is_told(house, browser, monkeypatch, tmp_path):
    """P11: `broker_up 0`, no other series of it, and the rest as ever."""
    monkeypatch.setattr(settings, "BROKER_URL", f"redis+socket://{tmp_path}/nobody.sock")
    told = families(browser)
    assert value(told, "aftercare_broker_up") == 0
    assert not {"aftercare_queue_messages", "aftercare_broker_policy_ok"} & set(told)
    assert "aftercare_due_backlog" in told


def test_another_broker_is_left_to_its_own_tools(house, browser, monkeypatch):
    """RabbitMQ instead of Redis: no series of it, so that no alert takes it for a Redis that is away."""
    monkeypatch.setattr(settings, "BROKER_URL", "amqp://guest:guest@127.0.0.1:9//")
    told = families(browser)
    assert not [name for name in told if name.startswith("aftercare_broker")]


def test_redis_tells_its_queues_and_whether_it_may_forget(house, browser, monkeypatch, tmp_path):
    """A real Redis: depth by queue, eviction policy, its clock."""
    with PrivateRedis(tmp_path / "redis") as redis:
        monkeypatch.setattr(settings, "BROKER_URL", redis.broker_url)
        told = families(browser)
        assert value(told, "aftercare_broker_up") == 1
        assert value(told, "aftercare_broker_policy_ok") == 1
        assert value(told, "aftercare_queue_messages", queue="sms") == 0
        assert abs(value(told, "aftercare_broker_clock_skew_seconds")) < 5


@pytest.mark.parametrize(
    ("token", "public", "shown", "peer", "status"),
    [
        ("", "http://127.0.0.1:8000", "", "127.0.0.1", 200),
        ("", "http://127.0.0.1:8000", "", "::1", 200),
        ("", "http://127.0.0.1:8000", "", "10.0.0.9", 403),
        ("", "https://care.example", "", "127.0.0.1", 403),  # behind a proxy the whole world is this machine
        ("secret", "https://care.example", "Bearer secret", "10.0.0.9", 200),
        ("secret", "https://care.example", "Bearer other", "127.0.0.1", 403),
        ("secret", "http://127.0.0.1:8000", "", "127.0.0.1", 403),
        ("secret", "https://care.example", "Bearer s\u00e9cret", "127.0.0.1", 403),
    ],
)
def test_metrics_are_for_the_monitoring_alone(db, browser, monkeypatch, token, public, shown, peer, status):
    """P10: a token, or this machine where we face no world; the refusal names the mend (P12)."""
    monkeypatch.setattr(settings, "METRICS_TOKEN", token)
    monkeypatch.setattr(settings, "PUBLIC_URL", public)
    answer = browser.get("/metrics", REMOTE_ADDR=peer, headers={"Authorization": shown} if shown else {})
    assert answer.status_code == status
    if status == 403:
        assert b"METRICS_TOKEN" in answer.content
        assert b"aftercare_" not in answer.content


def test_a_scrape_counts_nothing_to_its_end(house, browser):
    """Flat at ten million rows: what is counted ends at 10,001, and the questions are as many however many rows."""
    builders.alice()
    with CaptureQueriesContext(
        connection,
    ) as few:
        families(browser)
    builders.bob()
    with CaptureQueriesContext(connection) as more:
        families(browser)
    assert len(more) <= len(few) < 25
    counting = [each["sql"].upper() for each in more if "newest" not in each["sql"]]
    assert any("COUNT(" in each for each in counting)
    assert [each for each in counting if each.count("COUNT(") != each.count("LIMIT 10001) AS FOUND")] == []


def test_a_stop_is_counted_with_the_time_that_it_took(house, browser, django_capture_on_commit_callbacks):
    """Rule 148: opt-outs by how they were said, once they are committed."""
    from worker import meters

    builders.alice()
    before = meters.OPTOUTS.labels("keyword")._value.get()
    began = meters.request_began.set(0.0)
    try:
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=NOW)
    finally:
        meters.request_began.reset(began)
    assert meters.OPTOUTS.labels("keyword")._value.get() == before + 1
    told = families(browser)
    assert value(told, "aftercare_optout_events", reason="keyword") >= 1
    assert any(
        each.name.endswith("_count") and each.value >= 1 for each in told["aftercare_optout_effect_seconds"].samples
    )


@pytest.mark.parametrize(
    "alert",
    ["StopsNotTaken", "WebhooksForged", "ProviderRefusesUs", "ProviderTrouble", "ProviderSlowsUs", "Undelivered"],
)
def test_what_must_wake_somebody_the_first_time_counts_from_zero(alert):
    """P5: a series that begins at 1 is nobody's increase: each value that the alert names is there from the start."""
    rules = yaml.safe_load((settings.ROOT / "config" / "monitoring" / "alerts.yml").read_text(encoding="utf-8"))
    (expression,) = [rule["expr"] for group in rules["groups"] for rule in group["rules"] if rule["alert"] == alert]
    name, labels = re.search(r"(aftercare_\w+)\{(.*?)\}", expression).groups()
    wanted = {label: values.split("|") for label, values in re.findall(r'(\w+)=~?"([^"]+)"', labels)}
    told = {each.name: each for each in text_string_to_metric_families(exposition.counted().decode())}
    there = [each.labels for each in told[re.sub(r"_(total|count)$", "", name)].samples if each.name == name]
    assert wanted
    for each in itertools.product(*wanted.values()):
        assert any(dict(zip(wanted, each, strict=True)).items() <= labels.items() for labels in there), each


def test_each_way_to_stop_counts_from_zero():
    """P5: a STOP that a worker finds in the provider's list is the first that this process counts (OptOutsMany)."""
    told = {each.name: each for each in text_string_to_metric_families(exposition.counted().decode())}
    there = {each.labels["reason"] for each in told["aftercare_optout_events"].samples}
    assert there >= {each.value for each in SuppressionReason}


def test_alerts_name_views_that_exist():
    """P5: an alert on a view of another name would be silent for ever."""
    text = (settings.ROOT / "config" / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    named = {view for group in re.findall(r'view=~"([^"]+)"', text) for view in group.split("|")}
    assert {"twilio_inbound", "leave"} <= named
    assert named <= {pattern.callback.__name__ for pattern in urlpatterns if hasattr(pattern, "callback")}


def test_a_worker_whose_port_is_taken_says_so_as_an_error(monkeypatch):
    """P5, P11: it sends all the same; the line is what WorkerUnseen leads to."""
    from config import celery

    with socket.socket() as taken, capture_logs() as lines:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(settings, "WORKER_METRICS", f"127.0.0.1:{taken.getsockname()[1]}")
        celery._first_touch()
    (line,) = [each for each in lines if each["event"] == "metrics not served"]
    assert line["log_level"] == "error"
