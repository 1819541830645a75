"""Ending one purpose leaves the other one whole: what it waits for is planned again (P5, rules 6, 7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, standing_of, text_from
from worker.actions.consent.desk_revoke import part_from_desk
from worker.actions.consent.preferences import end_purpose
from worker.models import Grant, Message
from worker.rules.names import Channel, Purpose

SMS = builders.SERVICE[:2]
SOON = NOW + timedelta(seconds=20)


def _by_desk(client, purpose):
    part_from_desk(
        client=client, channel=Channel.SMS, purpose=purpose, reason="told Sam", by="staff:1", received_at=SOON, now=SOON
    )


def _by_link(client, purpose):
    contact = client.contacts.get(channel="sms")
    assert end_purpose(contact=contact, channel=Channel.SMS, purpose=purpose, now=SOON)


@pytest.fixture(params=[_by_desk, _by_link])
def end(request):
    """Both ways in which one purpose ends."""
    return request.param


def test_what_was_kept_is_confirmed_and_goes(house, end):
    """P5, rule 6: aftercare ends before the confirmation left; the reminders are confirmed, and both of them go."""
    client = builders.alice(consents=SMS, visit=NOW + timedelta(days=35)).client
    end(client, Purpose.AFTERCARE)
    assert post.round_of_post(SOON + timedelta(minutes=1)) == ["optin-confirmation"]
    assert Grant.objects.get(client=client, purpose="reminders").confirmed_at is not None
    reminders = builders.messages_of(client, channel="sms", appointment__isnull=False, state="planned")
    assert len(reminders) > 1
    for each in reminders:
        assert each.step.code in post.round_of_post(each.due_at)


def test_the_question_is_asked_for_what_still_waits(house, end):
    """P5, rule 7: one purpose ends before the question left; the other one stays pending, and her yes opens it."""
    house.lakeside.double_opt_in = ["sms"]
    house.lakeside.save()
    client = builders.alice(consents=SMS).client
    end(client, Purpose.AFTERCARE)
    assert Grant.objects.get(client=client, purpose="reminders").state == "pending"
    asked = builders.message(client, "optin-question")
    assert asked.expires_at == NOW + timedelta(hours=house.lakeside.optin_hours)
    assert post.round_of_post(SOON + timedelta(minutes=1)) == ["optin-question"]
    text_from(house.lakeside, ALICES_PHONE, "YES", now=SOON + timedelta(minutes=2))
    assert Grant.objects.get(client=client, purpose="reminders").state == "active"


@pytest.mark.parametrize("asking", [[], ["sms"]])
def test_with_the_last_purpose_nothing_is_asked_or_confirmed(house, end, asking):
    """P2, rules 6, 7: whatever was on its way to open the address ends with what it would have opened."""
    house.lakeside.double_opt_in = asking
    house.lakeside.save()
    client = builders.alice(consents=SMS).client
    for purpose in (Purpose.REMINDERS, Purpose.AFTERCARE):
        end(client, purpose)
    assert not Message.objects.filter(standing=standing_of(client), state__in=("planned", "held")).exists()
