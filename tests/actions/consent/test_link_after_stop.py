"""What a client ends behind her link stays ended, also where her own STOP had ended it before (P2, rules 30, 64)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, standing_of, text_from
from worker.actions.consent import preferences
from worker.models import ConsentEvent, Contact, Grant
from worker.reading.chain import faults
from worker.rules.names import Channel, Purpose

HOUR = timedelta(hours=1)


@pytest.fixture
def alice(house):
    """Alice, whose opt-in confirmations have gone."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


def by_mail(client):
    """The contact behind the link in her mails."""
    return Contact.objects.get(client=client, channel="email")


def texts(client):
    return dict(Grant.objects.filter(client=client, standing__channel="sms").values_list("purpose", "state"))


def test_start_does_not_bring_back_what_her_link_ended(alice, house):
    """Rule 30: STOP by text, then "no reminders" on a page that was open; START brings the aftercare alone."""
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW + HOUR)
    link = by_mail(alice)
    for _ in range(2):
        assert preferences.end_purpose(contact=link, channel=Channel.SMS, purpose=Purpose.REMINDERS, now=NOW + 2 * HOUR)
    assert ConsentEvent.objects.filter(method="link").count() == 1
    text_from(house.lakeside, ALICES_PHONE, "START", now=NOW + 3 * HOUR)
    assert texts(alice) == {"aftercare": "active", "reminders": "revoked"}
    assert faults() == []


def test_her_sisters_start_does_not_bring_her_back(alice, house):
    """Rules 30, 134: they share a phone and one said STOP; Alice ends everything by mail, then the other says START."""
    sister = builders.alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com").client
    assert standing_of(sister) == standing_of(alice)
    post.confirmed(NOW)
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW + HOUR)
    assert preferences.end_everything(contact=by_mail(alice), now=NOW + 2 * HOUR)
    text_from(house.lakeside, ALICES_PHONE, "START", now=NOW + 3 * HOUR)
    assert texts(alice) == {"aftercare": "revoked", "reminders": "revoked"}
    assert texts(sister) == {"aftercare": "active", "reminders": "active"}
    assert faults() == []
