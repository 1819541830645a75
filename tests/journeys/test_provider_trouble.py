"""A provider on its bad days: whatever it does, a client's phone rings once for each step (P4, P11)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

pytestmark = pytest.mark.processes


@pytest.fixture
def alice(fair):
    """Alice, confirmed, on a morning whose same-day text is not due yet."""
    fair.morning()
    enrolled = fair.enrol()
    fair.quiet()
    return enrolled


def creates(house, person):
    """Every create call for her phone, whatever became of it."""
    return [each for each in house.sandbox.log("create") if each["params"].get("To") == person.phone]


def test_an_outage_costs_time_and_nothing_else(fair, alice):
    """With the provider's door shut nothing is claimed or counted as tried; open again, the text goes once (P11)."""
    fair.sandbox.faults(outage=True)
    fair.step_to(fair.message(alice, "same-day")["due_at"], down=True)
    row = fair.message(alice, "same-day")
    assert (row["state"], row["attempts"]) == ("planned", 0)
    fair.sandbox.clear_faults()
    fair.quiet()
    row = fair.message(alice, "same-day")
    assert (row["state"], row["attempts"]) == ("delivered", 1)
    assert len(creates(fair, alice)) == 2


def test_a_lost_answer_is_settled_by_its_receipt(fair, alice):
    """The provider took the text and the line broke: unknown, never repeated, and its receipt tells (P4, rule 79)."""
    fair.sandbox.faults(api=[{"kind": "drop"}], callbacks={"delay_ms": 500})
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    told = fair.explain(fair.message(alice, "same-day"))
    assert told["state"] == "delivered"
    assert [(each["state"], len(each["receipts"])) for each in told["attempts"]] == [("accepted", 2)]
    assert [each["fault"] for each in creates(fair, alice)] == [None, "drop"]


def test_a_lost_answer_without_receipt_stays_unknown(fair, alice):
    """Nobody knows whether it left: no second call, and operators see it in `status` (P4, P5)."""
    fair.sandbox.faults(api=[{"kind": "drop"}], callbacks={"missing": 1.0})
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    fair.sandbox.clear_faults()
    fair.step_to(fair.message(alice, "day-1")["due_at"])
    assert fair.message(alice, "same-day")["state"] == "unknown"
    assert fair.cli("status", "--json").data["unknown"] >= 1
    assert fair.message(alice, "day-1")["state"] == "delivered"
    assert len(creates(fair, alice)) == 3


def test_a_server_error_is_never_repeated_blindly(fair, alice):
    """A 500 may have been taken: unknown until a receipt says so (P4, rule 81)."""
    fair.sandbox.faults(api=[{"kind": "500", "accepted": True}], callbacks={"delay_ms": 300})
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    assert fair.message(alice, "same-day")["state"] == "delivered"
    assert len(creates(fair, alice)) == 2


def test_too_many_requests_wait_as_long_as_asked(fair, alice):
    """A 429 was not taken: planned again, no earlier than Retry-After, and then once (P4, rule 81)."""
    fair.sandbox.faults(api=[{"kind": "429", "retry_after": 900}])
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    row = fair.message(alice, "same-day")
    assert (row["state"], row["reason"], row["attempts"]) == ("planned", "provider_busy", 1)
    asked = datetime.fromtimestamp(creates(fair, alice)[-1]["calendar"]).astimezone()
    assert datetime.fromisoformat(row["due_at"]) >= asked + timedelta(seconds=900)
    fair.step_to(row["due_at"])
    assert fair.message(alice, "same-day")["state"] == "delivered"
    assert [each["accepted"] for each in creates(fair, alice)] == [True, False, True]


def test_a_receipt_may_overtake_the_answer(fair, alice):
    """The last word of a receipt that came first is not undone by our own answer (rules 98 and 99)."""
    fair.sandbox.faults(callbacks={"before_answer": True, "copies": 3, "reversed": True})
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    told = fair.explain(fair.message(alice, "same-day"))
    assert told["state"] == "delivered"
    assert [each["status"] for each in told["attempts"][0]["receipts"]] == ["delivered", "sent"]
    assert len(creates(fair, alice)) == 2


def test_the_course_waits_for_its_optin_confirmation(fair):
    """A confirmation that could not leave holds everything behind it, and the course begins after it (P1, rule 6)."""
    fair.morning()
    fair.sandbox.faults(api=[{"kind": "429", "retry_after": 3 * 3600}])
    alice = fair.enrol()
    fair.quiet()
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    row = fair.message(alice, "same-day")
    assert (row["state"], row["reason"]) == ("planned", "awaiting_optin_confirmation")
    assert fair.texts(alice) == []

    fair.step_to(fair.message(alice, "optin-confirmation")["due_at"])
    fair.step_to(fair.message(alice, "same-day")["due_at"])
    assert ["signed up" in text for text in fair.texts(alice)] == [True, False]
