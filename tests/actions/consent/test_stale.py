"""A consent that nobody has heard of for long, or whose carrier lost the phone, is asked for again (rule 9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, standing_of, text_from
from worker.actions.consent.stale import find_stale
from worker.actions.receive.receipt import receipt
from worker.models import Attempt, ConsentEvent, Grant, StaffTask, Treatment
from worker.reading.chain import faults

OVER = datetime(2028, 7, 12, 15, 1, tzinfo=UTC)  # a minute more than 18 months after NOW


@pytest.fixture
def alice(house):
    """Alice, enrolled without a treatment: nothing was ever sent to her."""
    return builders.alice(treated=None).client


def states(client):
    return set(Grant.objects.filter(client=client).values_list("state", flat=True))


def test_eighteen_months_of_silence_make_it_stale(alice):
    """Rule 9: to the minute, once, on the ledger, and staff are asked; P1: nothing goes."""
    assert find_stale(now=OVER - timedelta(minutes=2)) == 0
    assert find_stale(now=OVER) == 2
    assert find_stale(now=OVER + timedelta(days=1)) == 0
    assert states(alice) == {"needs_reconfirmation"}
    assert set(ConsentEvent.objects.filter(act="stale").values_list("method", "recorded_by")) == {("stale", "system")}
    assert StaffTask.objects.filter(kind="reconfirm", client=alice).count() == 2
    assert faults() == []


def test_any_contact_keeps_it(house):
    """Rule 9: a message that left, a reply, a session or a visit after the day counts."""
    builders.alice(treated=None)
    text_from(house.lakeside, ALICES_PHONE, "thank you", now=OVER - timedelta(days=30))
    assert find_stale(now=OVER) == 1  # the mailbox: nobody wrote from there
    bob = builders.bob().client
    Treatment.objects.filter(client=bob).update(performed_at=OVER - timedelta(days=60))
    assert find_stale(now=OVER) == 0
    assert states(bob) == {"active"}


def test_a_clinic_sets_its_own_months(alice, house):
    """Rule 9: six months here."""
    house.lakeside.stale_after_months = 6
    house.lakeside.save()
    assert find_stale(now=NOW + timedelta(days=182)) == 2


def test_what_is_revoked_or_waits_is_not_stale(alice, house):
    """Rule 9: only what is active can grow old."""
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW)
    Grant.objects.filter(client=alice, standing__channel="email").update(state="pending")
    assert find_stale(now=OVER) == 0


def test_an_unknown_handset_makes_it_stale_at_once(house):
    """Rules 9, 87: 30005 on a receipt: needs_reconfirmation with its act on the ledger, and the chain agrees."""
    alice = builders.alice().client
    post.confirmed(NOW)
    attempt = Attempt.objects.get(message__client=alice, channel="sms")
    receipt(attempt_id=attempt.pk, provider_id="SM1", status="undelivered", code="30005", raw={}, now=NOW)
    row = standing_of(alice)
    assert set(Grant.objects.filter(standing=row).values_list("state", flat=True)) == {"needs_reconfirmation"}
    acts = ConsentEvent.objects.filter(standing_id=row.pk, act="stale")
    assert set(acts.values_list("method", "recorded_by")) == {("provider", "provider")}
    assert post.round_of_post(NOW + timedelta(hours=2)) == []
    assert builders.message(alice, "same-day").reason == "needs_reconfirmation"
    assert faults() == []
