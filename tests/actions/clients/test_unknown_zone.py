"""A client whose zone nobody knows: her plan and each decision keep the hours wherever she may be (P6, rule 47)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.clients.contact import change_contact
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Client, Message
from worker.rules.refusal import Refusals

SMS = builders.SERVICE[:2]
NEW_YORK, LOS_ANGELES = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")
CALIFORNIAN = "+13105550123"  # Los Angeles, and set aside for fiction


def nowhere(**changes):
    """Alice without a zone, with a number of Los Angeles, in a clinic of New York."""
    return builders.alice(consents=SMS, **{"zone": None, "phone": CALIFORNIAN, **changes}).client


def test_a_plan_keeps_the_hours_in_both_zones(house):
    """Rule 47: ten in the morning in New York is seven in Los Angeles, so what was for ten goes at noon."""
    client = nowhere(visit=NOW + timedelta(days=35))
    due = [each.due_at for each in builders.messages_of(client, channel="sms", cls="course")]
    assert len(due) >= 10
    assert all(9 <= at.astimezone(place).hour < 20 for at in due for place in (NEW_YORK, LOS_ANGELES))
    assert (client.zone, client.zone_is_known, client.other_clocks) == (str(NEW_YORK), False, str(LOS_ANGELES))
    assert builders.message(client, "day-1").due_at.astimezone(LOS_ANGELES).hour == 9


def test_a_decision_keeps_them_too(house):
    """Rule 48: what came forward to half past nine in New York waits for nine in Los Angeles."""
    client = nowhere()
    post.round_of_post(NOW)
    Message.objects.filter(step__code="same-day").update(state="missed")
    early = datetime(2027, 1, 13, 9, 30, tzinfo=NEW_YORK)
    Message.objects.filter(step__code="day-1").update(due_at=early)
    assert "day-1" not in post.round_of_post(early)
    row = builders.message(client, "day-1")
    assert (row.state, row.reason) == ("planned", "quiet_hours")
    assert row.due_at == datetime(2027, 1, 13, 9, 0, tzinfo=LOS_ANGELES)
    assert "day-1" in post.round_of_post(row.due_at)


def test_the_provider_keeps_nothing_past_the_first_closing(house):
    """Rule 49: a text that leaves at 19:00 in New York is given up at 20:00 there, five in the afternoon on hers."""
    nowhere()
    post.round_of_post(NOW)
    Message.objects.filter(step__code="same-day").update(state="missed")
    evening = datetime(2027, 1, 13, 19, 0, tzinfo=NEW_YORK)
    Message.objects.filter(step__code="day-1").update(due_at=evening)
    provider = post.Provider()
    post.round_of_post(evening, provider)
    assert [text.validity_seconds for text in provider.taken] == [3600]


@pytest.mark.parametrize("own", [None, "America/New_York"])
def test_another_number_brings_its_own_zones(house, own):
    """Rules 8, 47: where her zone is not known those of the new number count; a known one stays the only clock."""
    client = builders.alice(consents=SMS, zone=own).client
    raw = {"changed_by": builders.SAM, "phone": CALIFORNIAN, "consents": []}
    change_contact(client_id=client.pk, file=checked(ContactFile, raw), now=NOW + timedelta(hours=1))
    expected = ("America/New_York",) if own else ("America/New_York", "America/Los_Angeles")
    assert Client.objects.get(pk=client.pk).clocks == expected


def test_a_number_half_the_world_away_is_refused_without_its_zone(house):
    """P12, rule 47: no hour is between nine and eight in New York and in Perth, so the desk is told to ask her."""
    builders.load_clinic(builders.clinic_file(allowed_countries=["US", "AU"]))
    before = builders.counts()
    with pytest.raises(Refusals, match="zone"):
        nowhere(phone="+61412345678")
    assert builders.counts() == before
    nowhere(phone="+61412345678", zone="Australia/Perth")
