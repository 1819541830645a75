"""How far retention is behind is told by store, and costs the same however many rows there are (P5, rule 66)."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actions.privacy.life import lived
from tests.builders import NOW, text_from
from tests.plans import plan_of
from worker.actions.privacy.retain import retain
from worker.models import Attempt, Inbound, Message, Receipt
from worker.models.kept import KEPT
from worker.models.rows import plain
from worker.reading import overdue as reading
from worker.reading.metrics import House
from worker.reading.overdue import overdue

DAY = timedelta(days=1)


def test_it_is_the_age_past_its_time_of_the_oldest(house):
    """Ninety days and not a second more is nothing; from then on it grows with the calendar, each store for itself."""
    lived(house)
    assert not any(overdue(now=NOW + 90 * DAY).values())
    Attempt.objects.update(decided_at=NOW)
    Receipt.objects.update(received_at=NOW + 2 * DAY)
    Inbound.objects.update(received_at=NOW + 5 * DAY)
    told = overdue(now=NOW + 93 * DAY)
    assert told == dict.fromkeys(told, 0.0) | {"attempt.body": 3 * 86400.0, "receipt.raw": 86400.0}
    assert set(told) == {each.name for each in KEPT}


def test_what_is_emptied_is_not_behind(house):
    """The gauge and the job mean the same rows."""
    lived(house)
    text_from(house.lakeside, "+12125550199", "STOP", now=NOW)
    later = NOW + 400 * DAY
    assert retain(dry_run=True, now=later)["message.address"] == 0  # the answer to her is not decided yet
    assert overdue(now=later)["message.address"] == 0.0
    Message.objects.update(state="missed")
    assert {name for name, age in overdue(now=later).items() if age} == {
        name for name, many in retain(dry_run=True, now=later).items() if many
    }
    retain(now=later)
    assert not any(overdue(now=later).values())


def test_a_scrape_tells_it(house):
    """For the alert: one series for each store."""
    lived(house)
    Attempt.objects.update(decided_at=NOW)
    (found,) = [each for each in House(NOW + 91 * DAY).collect() if each.name == reading.NAME]
    ages = {each.labels["store"]: each.value for each in found.samples}
    assert set(ages) == {each.name for each in KEPT}
    assert ages["attempt.body"] == 86400


def test_it_is_one_question_and_each_part_is_its_index(db, monkeypatch):
    """Fifty million rows are not walked through."""
    with CaptureQueriesContext(connection) as asked:
        overdue(now=NOW)
    assert len(asked) <= 1
    parts = []
    monkeypatch.setattr(reading, "fetch", lambda sql, told: parts.append((sql, told)) or [(None,) * len(KEPT)])
    overdue(now=NOW)
    ((sql, told),) = parts
    plan = plan_of(sql, [plain(each) for each in told])
    names = {index.name for each in KEPT for index in each.model._meta.indexes}
    for name in ("attempt_kept", "receipt_kept", "inbound_kept", "inbound_unsettled", "message_address_kept",
                 "staff_words_kept", "checkin_kept"):  # fmt: skip
        assert name in names
        assert name in plan, plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
