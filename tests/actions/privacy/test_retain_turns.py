"""Retention on tables of any size: oldest first, each store its turn, each question its index (rules 42, 66)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from tests.actions.privacy.life import lived
from tests.builders import NOW, SAM
from tests.plans import plan_of
from worker import clock, tasks
from worker.actions.privacy import in_turn, of_erased
from worker.actions.privacy import retain as retention
from worker.actions.privacy.erase import erase
from worker.actions.privacy.retain import retain
from worker.models import Attempt, Client, Inbound, Watermark
from worker.models.kept import KEPT

DAY = timedelta(days=1)
LATER = NOW + 100 * DAY
INDEXES = {
    "staff.words": "staff_words_kept",
    "checkin.answers": "checkin_kept",
    "attempt.body": "attempt_kept",
    "receipt.raw": "receipt_kept",
    "inbound.body": "inbound_kept",
    "inbound.follow_up": "inbound_unsettled",
    "message.address": "message_address_kept",
}


@pytest.fixture
def slow(monkeypatch):
    """Each look at the clock finds it a second later, and each batch is of one row."""
    monkeypatch.setattr(clock, "running", itertools.count().__next__)
    monkeypatch.setattr(retention, "BATCH", 1)


def many_old(rows, **own):
    """Sixty more of the newest of these, each an hour older than the one before it, so that keys tell no age."""
    each = rows.order_by("pk").last()
    for number in range(60):
        each.pk = None
        for name, value in own.items():
            setattr(each, name, value(number))
        each.save(force_insert=True)


def test_no_store_starves(house, slow):
    """With time for a part of it, a part of each store is emptied: a large one keeps none from its turn."""
    lived(house)
    many_old(Attempt.objects.all(), pk=lambda _: uuid4(), state=lambda _: "refused")
    told = retain(now=LATER, longest=40.0)
    assert Attempt.objects.filter(body_sealed__isnull=False).exists(), "time for all of it shows nothing"
    assert all(told[name] for name in ("attempt.body", "receipt.raw", "inbound.body")), told


def test_who_waits_has_had_least_time(house, monkeypatch):
    """A store whose batches take long gets fewer of them: turns are shares of time, not of batches."""
    now, done = [0.0], []
    monkeypatch.setattr(clock, "running", lambda: now[0])

    def walk(name, seconds):
        while True:
            now[0] += seconds
            done.append(name)
            yield 1

    told = in_turn.in_turn([("slow", walk("slow", 5.0)), ("quick", walk("quick", 1.0))], longest=30.0)
    assert told["slow"] in {3, 4}
    assert told["quick"] >= 12


def test_the_oldest_goes_first(house, slow):
    """What is longest past its time goes before what came in later, whatever the order of the keys."""
    lived(house)
    many_old(Inbound.objects.all(), provider_id="IN{}".format, received_at=lambda hours: NOW - timedelta(hours=hours))
    retain(now=LATER, longest=40.0)
    left = Inbound.objects.filter(body_sealed__isnull=False).earliest("received_at").received_at
    gone = Inbound.objects.filter(body_sealed__isnull=True).latest("received_at").received_at
    assert gone <= left


def fails_at(table):
    """A database that gives up every question about a table."""

    def execute(run, sql, params, many, context):
        if f'FROM "{table}"' in sql:
            raise OperationalError("canceling statement due to statement timeout")
        return run(sql, params, many, context)

    return execute


def test_a_store_that_takes_too_long_leaves_the_others_their_turn(house):
    """P11: what could not be asked in time is logged and found again the next day; the rest is emptied."""
    lived(house)
    with connection.execute_wrapper(fails_at("aftercare_attempt")), capture_logs() as logs:
        told = retain(now=LATER, longest=30.0)
    assert told["attempt.body"] == 0
    assert told["receipt.raw"] > 0
    assert told["inbound.body"] > 0
    assert ("retention_gave_up", "attempt.body") in [(each["event"], each.get("store")) for each in logs]
    assert retain(now=LATER, longest=30.0)["attempt.body"] > 0


def test_without_a_limit_a_failure_is_told(house):
    """P12: a person who typed the command hears of it."""
    with connection.execute_wrapper(fails_at("aftercare_attempt")), pytest.raises(OperationalError):
        retain(now=LATER)


def selects(asked):
    """The questions among the statements."""
    return [each["sql"] for each in asked if each["sql"].startswith("SELECT")]


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_each_store_is_walked_along_its_index(house, kept):
    """Of fifty million rows those past their time are found without looking at any other, oldest first."""
    with CaptureQueriesContext(connection) as asked:
        retain(now=LATER)
    table, column = f'FROM "{kept.model._meta.db_table}"', f'."{kept.column}" IS NOT NULL'
    (sql, *_) = [each for each in selects(asked) if table in each and column in each and "ORDER BY" in each]
    plan = plan_of(sql)
    assert INDEXES[kept.name] in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    assert "Sort" not in plan, plan


def test_who_was_erased_is_looked_through_once_a_day(house):
    """Ten thousand of them cost half a minute: not each hour; whoever types the command wants it now."""
    client = lived(house).client
    erase(client_id=client.pk, by=SAM, now=NOW + DAY)
    bodies = Attempt.objects.filter(message__client=client)
    retain(now=LATER, longest=30.0)
    bodies.update(decided_at=LATER, body_sealed=b"of a copy that was restored")
    assert retain(now=LATER + timedelta(hours=1), longest=30.0)["attempt.body"] == 0
    assert retain(now=LATER + DAY, longest=30.0)["attempt.body"] == bodies.count() > 0
    bodies.update(body_sealed=b"once more")
    assert retain(now=LATER + DAY)["attempt.body"] == bodies.count()


def test_erased_clients_are_found_from_their_own_side(house):
    """Not among all that is kept: by the index of who was erased, and by what was sent to each."""
    client = lived(house).client
    erase(client_id=client.pk, by=SAM, now=NOW + DAY)
    with CaptureQueriesContext(connection) as asked:
        retain(now=NOW + DAY)
    (sql, *_) = [each for each in selects(asked) if 'FROM "aftercare_client"' in each]
    assert "client_erased" in plan_of(sql)
    assert not [each["sql"] for each in asked if " OR " in each["sql"] and "aftercare_attempt" in each["sql"]]


def test_of_many_who_were_erased_each_gets_her_turn(house, monkeypatch):
    """A run that ends in the middle is gone on with, and after the last of them the first comes again."""
    monkeypatch.setattr(of_erased, "PAGE", 1)
    client = lived(house).client
    others = [Client.objects.create(clinic=house.lakeside, external_id=f"gone-{day}", language="en", zone="UTC",
                                    intake_hash="", created_at=NOW, erased_at=NOW + day * timedelta(hours=1))
              for day in range(3)]  # fmt: skip
    erase(client_id=client.pk, by=SAM, now=NOW + 2 * DAY)
    Attempt.objects.filter(message__client=client).update(body_sealed=b"of a copy that was restored")
    (body,) = [each for each in KEPT if each.name == "attempt.body"]
    walk = of_erased.of_erased(body, now=LATER, rest=DAY)
    assert [next(walk), next(walk)] == [0, 0]
    assert Watermark.objects.get(name="erased:attempt.body").read_to == others[1].erased_at
    again = of_erased.of_erased(body, now=LATER, rest=DAY)
    assert sum(again) == Attempt.objects.filter(message__client=client).count() > 0
    assert Watermark.objects.get(name="erased:attempt.body").read_to < NOW - 3650 * DAY


@pytest.mark.filterwarnings("ignore::celery.exceptions.CDeprecationWarning")  # how worker/tasks.py names its queues
def test_the_other_parts_of_the_task_get_their_turn(db, monkeypatch):
    """Whatever happens to this part, the provider's copies are asked for and old signs of life go."""
    done = []

    def broken(**_):
        raise OperationalError("away")

    monkeypatch.setattr(retention, "retain", broken)
    monkeypatch.setattr(tasks.redact, "ask_to_redact", lambda **_: done.append("redact"))
    monkeypatch.setattr(tasks.pulse, "forget_old", lambda **_: done.append("forget"))
    with pytest.raises(OperationalError):
        tasks.retain()
    assert sorted(done) == ["forget", "redact"]
