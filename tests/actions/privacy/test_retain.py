"""What was said is emptied when its time is over; who said stop, and who agreed, is never touched (rules 11, 66)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.schedules import crontab
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from config.celery import app
from tests.actions.privacy.life import NEXT_DAY, copy_of, delivered, lived
from tests.builders import ALICES_PHONE, NOW, SAM, counts, text_from
from worker import tasks
from worker.actions.privacy import retain as retention
from worker.actions.privacy.erase import erase
from worker.actions.privacy.retain import retain
from worker.models import (
    Attempt,
    CheckinAnswer,
    ConsentEvent,
    Event,
    Evidence,
    Grant,
    Inbound,
    Message,
    Receipt,
    StaffWords,
    Standing,
    Suppression,
)
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

DAY = timedelta(days=1)
STRANGER = "+12125550199"


def untouchable():
    """What no age ends."""
    tables = (ConsentEvent, Evidence, Grant, Standing, Suppression)
    return [list(table.objects.order_by("pk").values_list()) for table in tables]


def full():
    """How much there is to read."""
    return {
        "attempt.body": Attempt.objects.filter(body_sealed__isnull=False).count(),
        "receipt.raw": Receipt.objects.filter(raw_sealed__isnull=False).count(),
        "inbound.body": Inbound.objects.filter(body_sealed__isnull=False).count(),
        "inbound.follow_up": Inbound.objects.filter(follow_up_sealed__isnull=False).count(),
        "message.address": Message.objects.filter(address_sealed__isnull=False).count(),
        "staff.words": StaffWords.objects.filter(words_sealed__isnull=False).count(),
        "checkin.answers": CheckinAnswer.objects.filter(answers_sealed__isnull=False).count(),
    }


def test_what_is_old_goes_and_what_counts_stays(house):
    """Ten years on every text, reply and raw receipt is empty; consents, evidence and the stop are as they were."""
    client = lived(house).client
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NEXT_DAY)
    before, there = untouchable(), full()
    assert retain(now=NOW + 3650 * DAY) == there
    assert not any(full().values())
    assert untouchable() == before
    assert {act["evidence"] and act["evidence"].get("name") for act in copy_of(client)["consents"][:4]} == {
        "Alice Moreau"
    }
    assert faults() == []
    assert Event.objects.get(kind="retained").facts == {"days": 90, **there}
    assert not any(retain(now=NOW + 3650 * DAY).values())
    assert Event.objects.filter(kind="retained").count() == 1


@hypothesis(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.integers(1, 3650), late=st.timedeltas(min_value=-2 * DAY, max_value=2 * DAY))
def test_exactly_what_is_older_than_that(house, days, late):
    """A reply goes when it is older than the number of days, not a moment sooner."""
    if not Inbound.objects.exists():
        text_from(house.lakeside, STRANGER, "thanks", now=NOW)
    told = retain(bodies_days=days, dry_run=True, now=NOW + days * DAY + late)
    assert told["inbound.body"] == (1 if late > timedelta(0) else 0)


def test_a_dry_run_counts_and_changes_nothing(house):
    """It says what the real run then does."""
    lived(house)
    before = (full(), counts())
    told = retain(dry_run=True, now=NOW + 91 * DAY + 2 * DAY)
    assert (full(), counts()) == before
    assert retain(now=NOW + 93 * DAY) == told == before[0]


def test_many_batches_and_a_limit_of_time(house, monkeypatch):
    """Batch after batch; without any time left nothing is done, and the next run finds it all (P11)."""
    monkeypatch.setattr(retention, "BATCH", 1)
    lived(house)
    there = full()
    assert there["attempt.body"] > 2
    assert sum(retain(now=NOW + 100 * DAY, longest=0.0).values()) == 0
    assert full() == there
    assert retain(now=NOW + 100 * DAY, longest=600.0) == there


def test_what_comes_in_about_an_erased_client_goes_at_once(house):
    """What a restored copy brings back of her need not grow old; a late receipt leaves nothing to empty (rule 62)."""
    client = lived(house).client
    erase(client_id=client.pk, by=SAM, now=NEXT_DAY)
    delivered(Attempt.objects.filter(channel="sms").first(), ALICES_PHONE, now=NEXT_DAY, status="read")
    assert retain(now=NEXT_DAY)["receipt.raw"] == 0
    Receipt.objects.filter(status="read").update(raw_sealed=b"of a copy that was restored")
    assert retain(now=NEXT_DAY) == {
        "attempt.body": 0, "receipt.raw": 1, "inbound.body": 0, "inbound.follow_up": 0, "message.address": 0,
        "staff.words": 0, "checkin.answers": 0,
    }  # fmt: skip


def test_an_answer_that_is_still_to_go_keeps_its_address(house):
    """A stranger's number is emptied with the rest, but never before the answer to her was decided (P5)."""
    text_from(house.lakeside, STRANGER, "STOP", now=NOW)
    assert full()["message.address"] == 1
    assert retain(now=NOW + 100 * DAY)["message.address"] == 0
    Message.objects.update(state="missed")
    assert retain(now=NOW + 100 * DAY)["message.address"] == 1
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_number_of_days_that_is_none_is_refused(db, days):
    """The refusal names the option and the mend (P12)."""
    with pytest.raises(Refusals, match="bodies-days: is no useful number of days; between 1 and 3650"):
        retain(bodies_days=days, now=NOW)


@pytest.mark.filterwarnings("ignore::celery.exceptions.CDeprecationWarning")  # how this file names its queues
def test_beat_says_so_each_hour(house):
    """Beat's own schedule names the task, and the task is the action (rule 66)."""
    entry = app.conf.beat_schedule["retain"]
    assert entry["schedule"] == crontab(minute=17)
    assert entry["task"] == tasks.retain.name == "aftercare.retain"
    assert entry["options"]["queue"] == "tend"
    text_from(house.lakeside, STRANGER, "thanks", now=NOW - 3650 * DAY)
    tasks.retain()
    assert full()["inbound.body"] == 0
