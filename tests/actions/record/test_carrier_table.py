"""What each code of rule 87 changes beyond its message: stop, staff task, a new question, a hold, or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker.actions.receive.receipt import receipt
from worker.channels.base import Refused
from worker.models import Attempt, Event, Grant, Message, StaffTask, Suppression
from worker.reading.status import status
from worker.rules.errors import TWILIO

DUE = NOW + timedelta(hours=1)
STOPS = {21610, 30640}
ASKS_AGAIN = {30005}
HOLDS = {30004}
HOLDS_AFTER_THREE = {30003}
ASKS_STAFF = {21211, 21612, 21614, 21635, 30006}
OPERATOR = {20003, 21212, 21408, 21602, 21603, 21606, 21608, 21617, 21659, 21703, 30002, 30032, 30034, 30450}
NOTHING = {20429, 21611, 30001, 30007, 30008, 30036, 30610}
AMBIGUOUS = {20500, 20503}
HTTP = {20003: 401, 20429: 429, 20500: 500, 20503: 503, 21408: 403}


@pytest.fixture
def alice(house):
    """Alice, by text only, her opt-in confirmation accepted."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


def _answered(code, now=DUE):
    provider = post.Provider([Refused(str(code), HTTP.get(code, 400))])
    assert post.round_of_post(now, provider) == ["same-day"]


def _reported(code, now=DUE):
    assert post.round_of_post(now) == ["same-day"]
    attempt = Attempt.objects.get(message__step__code="same-day")
    told = {"attempt_id": attempt.pk, "provider_id": attempt.provider_id, "raw": {}, "now": now}
    assert receipt(status="undelivered", code=str(code), **told)
    assert receipt(status="undelivered", code=str(code), **told), "a second one is the same one (rule 97)"


def test_the_rows_below_are_the_whole_table():
    """No code slips in without a word here on what it changes."""
    rows = [STOPS, ASKS_AGAIN, HOLDS, HOLDS_AFTER_THREE, ASKS_STAFF, OPERATOR, NOTHING, AMBIGUOUS]
    assert sum(map(len, rows)) == len(set().union(*rows)) == len(TWILIO)
    assert set().union(*rows) == set(TWILIO)


@pytest.mark.parametrize("told", [_answered, _reported])
@pytest.mark.parametrize("code", sorted(TWILIO))
def test_a_code_changes_what_the_table_says_and_no_more(alice, code, told):
    """Rules 32, 87: as the answer to the create call, and as the code of a receipt."""
    told(code)
    row = builders.standing_of(alice)
    grants = {grant.state for grant in Grant.objects.filter(client=alice)}
    kinds = set(StaffTask.objects.exclude(kind__startswith="hand_over").values_list("kind", flat=True))
    assert (row.suppressed_why == "carrier") == (code in STOPS) == (grants == {"revoked"})
    assert (grants == {"needs_reconfirmation"}) == (code in ASKS_AGAIN)
    assert (row.held_why == "provider_review") == (code in HOLDS)
    assert ("provider_staff_task" in kinds) == (code in ASKS_STAFF)
    assert ("ledger_drift" in kinds) == (code == 21610)
    silent = code in NOTHING | AMBIGUOUS | HOLDS_AFTER_THREE
    assert bool(kinds) != silent
    if silent:
        assert grants == {"active"}
        assert row.suppressed_at is None
    again = Message.objects.filter(client=alice, state="planned", cls="course").exists()
    assert again != (code in STOPS)


def test_an_unknown_code_is_seen_by_an_operator_and_never_repeated(alice):
    """Rule 87: code 99999."""
    _answered(99999)
    assert builders.message(alice, "same-day").state == "refused"
    assert StaffTask.objects.get().kind == "provider_page_operator"
    assert post.round_of_post(DUE + timedelta(hours=1)) == []


def test_the_queue_is_cancelled_and_nothing_is_retried_after_21610(alice):
    """Rule 32: an opt-out that the provider knew of; nothing more is ever called for."""
    _answered(21610)
    assert not Message.objects.filter(client=alice, state__in=("planned", "held")).exists()
    provider = post.Provider()
    for days in range(1, 40, 3):
        post.round_of_post(DUE + timedelta(days=days), provider)
    assert provider.taken == []
    assert Suppression.objects.get().reason == "carrier"


@pytest.mark.parametrize("told", [_answered, _reported])
def test_drift_is_counted_and_alarmed(alice, told, capfd):
    """Rule 32: our ledger said active, the provider knew better: `status` counts it until somebody has looked."""
    told(21610)
    assert status(now=DUE)["drift"] == 1
    assert StaffTask.objects.get(kind="ledger_drift").client_id == alice.pk


def test_no_drift_where_we_knew(alice, house):
    """Rule 32: a confirmation that the provider blocks after STOP tells nothing new."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=DUE)
    provider = post.Provider([Refused("21610", 400)])
    assert post.round_of_post(DUE, provider) == ["stop-confirmation"]
    assert status(now=DUE)["drift"] == 0


def test_three_in_a_row_bring_a_review(alice):
    """Rule 87: 30003 once is a dead battery; three times running somebody looks."""
    for number, step in enumerate(("same-day", "day-1", "day-3")):
        message = builders.message(alice, step)
        assert post.round_of_post(message.due_at) == [step]
        attempt = Attempt.objects.get(message=message)
        assert builders.standing_of(alice).held_at is None
        receipt(
            attempt_id=attempt.pk,
            provider_id=attempt.provider_id,
            status="undelivered",
            code="30003",
            raw={},
            now=message.due_at,
        )
        assert (builders.standing_of(alice).held_why == "provider_review") == (number == 2)
    assert Event.objects.filter(kind="provider_verdict", code="30003").count() == 1
