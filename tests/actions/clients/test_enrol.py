"""What an enrolment leaves behind: complete evidence, a plan, one audit event, all in one transaction."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.db import connection

from tests import builders
from tests.builders import NOW
from worker import sealed
from worker.actions.clients import enrol as enrolling
from worker.models import Client, ConsentEvent, Event, Evidence, Grant, Message, Seal, Standing, Treatment, Wording
from worker.reading.chain import faults


def test_consent_evidence_is_complete(house):
    """Rule 2: who, which address as written and as sent to, when, how, which words, which language, by whom."""
    alice = builders.alice().client
    events = list(ConsentEvent.objects.filter(client_id=alice.pk).order_by("pk"))
    assert [(event.channel, event.purpose) for event in events] == list(builders.SERVICE)
    wording = Wording.objects.get(code="service", version=1, language="en", clinic=None)
    for event in events:
        assert (event.act, event.method, event.source) == ("given", "paper", "form-17")
        assert event.happened_at == NOW - timedelta(hours=2)
        assert event.recorded_at == NOW
        assert event.zone == "America/New_York"
        assert event.recorded_by == f"staff:{house.lakeside.staff.get(email=builders.SAM).pk}"
        assert (event.wording, event.wording_sha256, event.language) == (wording, wording.sha256, "en")
        assert hashlib.sha256(wording.text.encode()).hexdigest() == event.wording_sha256
        evidence = Evidence.objects.get(event=event)
        said = sealed.unseal(evidence.sealed, "consent.evidence")
        assert sealed.commitment(said, bytes(evidence.salt)) == event.commitment
        as_written, sent_to = {
            "sms": ("(212) 555-0123", "+12125550123"),
            "email": ("alice@example.com", "alice@example.com"),
        }[event.channel]
        assert json.loads(said) == {"address": sent_to, "as_written": as_written, "name": "Alice Moreau"}


def test_the_holder_of_a_borrowed_phone_is_part_of_the_evidence(house):
    """Rule 15: whose phone it is, when it is not the client's own."""
    alice = builders.alice(holder={"name": "Mia Moreau", "relationship": "mother"}).client
    contact = alice.contacts.get(channel="sms")
    assert contact.relationship == "mother"
    assert sealed.unseal(contact.holder_sealed, "contact.holder") == "Mia Moreau"
    event = ConsentEvent.objects.filter(client_id=alice.pk).first()
    said = json.loads(sealed.unseal(event.evidence.sealed, "consent.evidence"))
    assert said["holder"] == {"name": "Mia Moreau", "relationship": "mother"}


def test_a_no_enrols_and_plans_nothing(house):
    """P1, rule 3: a client who says no is a client; there is no grant, no consent row and no message."""
    enrolled = builders.alice(consents=[], refused=builders.SERVICE)
    assert enrolled.client.contacts.count() == 2
    assert enrolled.result.messages == []
    assert enrolled.result.hand_over == []
    for model in (Message, Grant, ConsentEvent):
        assert not model.objects.exists()


@pytest.mark.parametrize("agreed", [*[[pair] for pair in builders.SERVICE], list(builders.SERVICE[:2])], ids=str)
def test_only_what_was_agreed_to_is_planned(house, agreed):
    """P1, rule 1: per channel and purpose; the opt-in confirmation belongs to any consent of its channel."""
    enrolled = builders.alice(consents=agreed, refused=[pair for pair in builders.SERVICE if pair not in agreed])
    course = {(each.channel, each.purpose) for each in enrolled.result.messages if each.cls == "course"}
    assert course == set(agreed)
    answers = {(each.channel, each.kind) for each in enrolled.result.messages if each.cls == "answer"}
    assert answers == {(channel, "optin_confirmation") for channel, _ in agreed}


def test_the_first_message_is_the_confirmation(house):
    """Rule 6: nothing is due on a channel before its opt-in confirmation."""
    messages = builders.messages_of(builders.alice().client)
    for channel in ("sms", "email"):
        first = next(each for each in messages if each.channel == channel)
        assert (first.kind, first.due_at) == ("optin_confirmation", NOW)


def test_nothing_personal_lies_readable_in_any_table(house):
    """P9, rule 61: name, phone, mailbox and the form's own spelling are in no column that could be read."""
    builders.alice(name="Zzcanary Zzperson", email="zzcanary@example.com", phone="(212) 555-0123")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            held = repr([[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in cursor])
            for canary in ("zzcanary", "zzperson", "5550123", "555-0123"):
                assert canary not in held.lower(), table


def test_a_failure_at_the_very_end_stores_nothing(house, monkeypatch):
    """Enrolling is one transaction: when the audit event can't be written, there is no client either."""
    before = builders.counts()

    class DiskFull(Exception):
        pass

    def full(**_):
        raise DiskFull

    monkeypatch.setattr(enrolling, "record", full)
    with pytest.raises(DiskFull):
        builders.alice()
    assert builders.counts() == before
    monkeypatch.undo()
    assert builders.alice().result.messages


def test_the_event_says_what_was_planned_under_which_version(house):
    """Rule 142: one sealed event, ids and codes only."""
    enrolled = builders.alice()
    event = Event.objects.get(kind="enrolled")
    version = Treatment.objects.get(client=enrolled.client).version
    assert event.facts == {"messages": len(enrolled.result.messages), "hand_over": [], "version": version.pk}
    assert event.subject == f"client:{enrolled.client.pk}"
    assert Seal.objects.filter(table="event", row_id=event.pk).exists()
    assert faults() == []


def test_a_family_shares_one_standing_row(house):
    """Rule 134: two clients with one phone have one standing, and a grant each."""
    alice, ann = builders.alice().client, builders.alice(external_id="A-1002", email="ann@example.com").client
    assert builders.standing_of(alice) == builders.standing_of(ann)
    assert Grant.objects.filter(standing=builders.standing_of(alice)).count() == 4
    assert Standing.objects.filter(channel="sms").count() == 1


def test_two_clinics_never_share_a_standing_row(house):
    """P10, rule 61: one phone has another fingerprint in every clinic."""
    alice, bob = builders.alice().client, builders.bob(phone=builders.ALICES_PHONE).client
    mine, other = builders.standing_of(alice), builders.standing_of(bob)
    assert mine != other
    assert bytes(mine.fingerprint) != bytes(other.fingerprint)


def test_a_client_without_treatment_and_visit_gets_nothing(house):
    """A client may be enrolled before anything was done."""
    enrolled = builders.alice(treated=None)
    assert enrolled.result.messages == []
    assert Client.objects.filter(pk=enrolled.client.pk).exists()
