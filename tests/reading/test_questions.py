"""Lists, explanations and the state of the house: from what was recorded, and changing nothing (P5, P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.consent.hold import pause
from worker.actions.receive.receipt import receipt
from worker.actions.send import claim as claiming
from worker.models import Attempt, Event
from worker.models.hold import PauseScope
from worker.reading.explain import PLAIN, explained
from worker.reading.messages import listed
from worker.reading.scopes import scope_of
from worker.reading.status import status
from worker.rules.gate import Reason
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    return client


def test_a_sent_message_is_explained_with_its_attempt_and_receipts(alice):
    """P8: decision, attempt and receipt, each with its moment."""
    post.round_of_post(DUE)
    message = builders.message(alice, "same-day")
    attempt = Attempt.objects.get(message=message)
    receipt(attempt_id=attempt.pk, provider_id="SM1", status="delivered", code="", raw={}, now=DUE)
    told = explained(message.pk)
    assert (told["state"], [each["code"] for each in told["decisions"]]) == ("delivered", ["sent"])
    assert told["decisions"][0]["attempt"] == told["attempts"][0]["id"] == attempt.pk.hex
    assert told["attempts"][0]["receipts"][0]["status"] == "delivered"


def test_a_stopped_message_is_explained_from_the_record_not_anew(alice, house):
    """P8: what was true then, also after everything changed."""
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=DUE)
    told = explained(builders.message(alice, "same-day").pk)
    assert [(each["code"], each["at"]) for each in told["decisions"]] == [("revoked", DUE.isoformat())]
    assert told["plain"] == "the client said stop"
    assert told["attempts"] == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason):
    """P8: no code without a sentence."""
    assert PLAIN[reason]


def test_a_message_nobody_knows_is_refused(db):
    """P12."""
    with pytest.raises(Refusals, match="is no message here"):
        explained(4711)


def test_the_list_shows_a_live_lease_as_claimed(alice):
    """The lease is where that state is kept; the machine's clock tells whether it lives."""
    from worker import clock

    machine = clock.machine()
    post.promote(now=DUE)
    claiming.claim(channel="sms", limit=1, now=DUE, machine=machine, lease=timedelta(hours=1), worker="tests")
    (row,) = listed(client_id=alice.pk, state="claimed")
    assert row["step"] == "same-day"
    assert row["id"] not in {each["id"] for each in listed(client_id=alice.pk, state="planned")}


def test_the_list_names_times_in_utc_and_on_the_clients_clock(alice):
    """P6."""
    rows = listed(client_id=alice.pk)
    assert [row["due_at"] for row in rows] == sorted(row["due_at"] for row in rows)
    row = next(row for row in rows if row["step"] == "day-1")
    assert (row["due_at"], row["local"]) == ("2027-01-13T15:00:00+00:00", "2027-01-13 10:00 EST")


def test_one_clients_list_holds_no_other_clients_rows(house):
    """P10."""
    alice, bob = builders.alice().client, builders.bob().client
    assert {row["client"] for row in listed(client_id=alice.pk)} == {alice.pk}
    assert {row["client"] for row in listed()} == {alice.pk, bob.pk}
    assert listed(limit=3) == listed()[:3]


def test_the_state_of_the_house(alice):
    """P5: what is due, how old the oldest is, what is unknown, and what is paused."""
    post.promote(now=DUE)
    said = status(now=DUE + timedelta(minutes=5))
    assert (said["channels"]["sms"]["due_now"], said["channels"]["sms"]["oldest_due_seconds"]) == (1, 300.0)
    pause(scope=PauseScope.CHANNEL, value="sms", why="tests", by="tests", now=DUE)
    post.round_of_post(DUE)
    said = status(now=DUE)
    assert (said["held"], said["unknown"], said["in_flight"]) == (1, 0, 0)
    assert [(each["scope"], each["value"]) for each in said["paused"]] == [("channel", "sms")]


def test_reading_changes_nothing(alice):
    """Layers: questions never write."""
    before = builders.counts()
    status(now=DUE)
    listed()
    explained(builders.message(alice, "same-day").pk)
    assert builders.counts() == before
    assert Event.objects.count() == before["Event"]


def test_a_scope_names_what_is_there(house):
    """P12, rule 144: unknown and ambiguous names are refused."""
    rest = {"everything": False, "clinic": "", "channel": "", "protocol": "", "sender": ""}
    assert scope_of(**{**rest, "everything": True}) == ("all", "")
    assert scope_of(**{**rest, "clinic": "lakeside"}) == ("clinic", str(house.lakeside.pk))
    assert scope_of(**{**rest, "channel": "sms"}) == ("channel", "sms")
    assert scope_of(**{**rest, "protocol": builders.PROTOCOL, "clinic": "lakeside"})[0] == "protocol"
    for wrong in ({"clinic": "riverside"}, {"protocol": builders.PROTOCOL}, {"sender": "+1999"}, {}):
        with pytest.raises(Refusals):
            scope_of(**{**rest, **wrong})
