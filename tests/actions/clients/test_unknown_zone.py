"""A client whose zone nobody knows: her plan and each decision keep the hours wherever she may be (P6, rule 47)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.clients import zone
from worker.actions.clients.contact import change_contact
from worker.actions.course import resend
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Appointment, Client, Event, Message
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN

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


LATER = NOW + timedelta(hours=2)


def told(client, name="America/Los_Angeles", *, by=builders.SAM, now=LATER):
    return zone.tell_zone(client_id=client.pk, name=name, by=by, now=now)


def test_a_zone_told_later_moves_the_plan_as_one(house):
    """P6, P7, P8: from that moment ten is ten on her own wall; nothing of the old plan is left, and it is on record."""
    client = nowhere(visit=NOW + timedelta(days=35))
    post.round_of_post(NOW)
    before = {each.pk for each in builders.messages_of(client, state__in=OPEN, cls="course")}
    done = told(client)
    left = builders.messages_of(client, state__in=OPEN, cls="course")
    assert not before & {each.pk for each in left}
    assert {each.pk for each in left} == {each.pk for each in done.planned}
    assert len(left) == done.ended == len(before)
    assert {each.zone for each in left} == {str(LOS_ANGELES)}
    assert builders.message(client, "day-1").due_at == datetime(2027, 1, 13, 10, 0, tzinfo=LOS_ANGELES)
    ended = Message.objects.filter(pk__in=before)
    assert set(ended.values_list("state", "reason")) == {("cancelled", "zone_told")}
    assert Event.objects.get(kind="zone_told").facts == {"ended": len(before), "planned": len(left)}
    row = Client.objects.get(pk=client.pk)
    assert (row.clocks, row.zone_is_known) == ((str(LOS_ANGELES),), True)
    assert Appointment.objects.get().zone == str(LOS_ANGELES)


def test_what_went_or_was_missed_stays_so(house):
    """P4: her own clock is no second treatment: no step goes twice, and none that was over comes back."""
    client = nowhere()
    post.round_of_post(NOW)
    same_day = builders.message(client, "same-day")
    assert "same-day" in post.round_of_post(same_day.due_at)
    Message.objects.filter(client=client, step__code="day-1").update(state="missed")
    told(client, now=same_day.due_at + timedelta(hours=1))
    assert Message.objects.filter(client=client, step__code__in=["same-day", "day-1"]).count() == 2
    again = [builders.message(client, step).due_at for step in ("day-3", "day-7")]
    assert [at.astimezone(LOS_ANGELES).hour for at in again] == [10, 10]


def test_what_a_person_sent_again_is_on_its_way_still(house):
    """P5: it is due now and stays due now; only its hours are read on the new clock."""
    client = nowhere()
    post.round_of_post(NOW)
    row = builders.message(client, "day-3")
    Message.objects.filter(pk=row.pk).update(state="refused")
    made = resend.resend(message_id=row.pk, by="staff:1", now=LATER)
    told(client)
    made.refresh_from_db()
    assert (made.state, made.due_at, made.zone) == ("planned", LATER, str(LOS_ANGELES))


def test_the_same_zone_again_changes_nothing(house):
    """P4: pressed twice, planned once."""
    client = nowhere()
    told(client)
    before = builders.counts()
    assert told(client, now=LATER + timedelta(hours=1)).planned == []
    assert builders.counts() == before


@pytest.mark.parametrize(
    ("name", "by", "field"),
    [
        ("EST5EDT", builders.SAM, "zone"),
        ("Mars/Olympus", builders.SAM, "zone"),
        ("", builders.SAM, "zone"),
        ("America/Denver", builders.CHARLIE, "by"),
    ],
)
def test_what_is_no_zone_or_comes_from_elsewhere_is_refused(house, name, by, field):
    """P10, P12, rule 139: the field is named, and nothing changed."""
    client = nowhere()
    before = builders.counts()
    with pytest.raises(Refusals) as refused:
        told(client, name, by=by)
    assert [fault.field for fault in refused.value.faults] == [field]
    assert builders.counts() == before
    assert not Client.objects.get(pk=client.pk).zone_is_known


def test_a_zone_that_leaves_no_hour_is_refused(house):
    """Rule 47: Florida presumes Florida for its numbers; with Perth beside it no hour would be left."""
    client = builders.alice(consents=SMS, phone="+13055550123").client
    with pytest.raises(Refusals, match="zone"):
        told(client, "Australia/Perth")
    assert Client.objects.get(pk=client.pk).zone == str(NEW_YORK)
