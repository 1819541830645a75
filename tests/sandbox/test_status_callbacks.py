"""Signed status callbacks, on time or not (rules 79, 91, 98 and 99)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.provider.carrier import planned
from worker.sandbox.provider.faults import Callbacks

from .setting import ACCOUNT, ALICE, CLINIC, SERVICE


def _statuses(receiver):
    return [heard.form["MessageStatus"] for heard in receiver.heard]


def test_sent_and_delivered_are_reported_signed_over_the_exact_url(outside, receiver):
    """Rules 79 and 91: the query is in the signature; no callback for the initial status (rule 98)."""
    created = outside.text(status_callback=outside.callback("?d=a%20b&x=%C3%A9"))
    outside.sandbox.wait_quiet()
    assert _statuses(receiver) == ["sent", "delivered"]
    for heard in receiver.heard:
        assert heard.path == "/hooks/twilio/status?d=a%20b&x=%C3%A9"
        assert receiver.valid(heard)
        assert heard.form["MessageSid"] == created.sid
        assert (heard.form["AccountSid"], heard.form["To"]) == (ACCOUNT, ALICE)
        assert heard.form["MessagingServiceSid"] == SERVICE
        assert heard.form["From"].startswith("+1")
        assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_signature_holds_for_nothing_else(outside, receiver):
    """Rule 91: another URL or a changed value does not verify, so the check above can fail."""
    outside.text(status_callback=outside.callback("?d=1"))
    outside.sandbox.wait_quiet()
    heard = receiver.heard[0]
    heard.form["MessageStatus"] = "delivered"
    assert not receiver.valid(heard)


def test_without_a_callback_address_nobody_is_called(outside, receiver):
    """A message without StatusCallback still arrives, in silence."""
    created = outside.text(from_=CLINIC)
    outside.sandbox.wait_quiet()
    assert receiver.heard == []
    assert outside.twilio.messages(created.sid).fetch().status == "delivered"


def test_a_handset_can_fail_with_a_code(outside, receiver):
    """Rule 87's table: 30005 ends undelivered, and says so in the callback and in the resource."""
    outside.sandbox.faults(handsets={ALICE: {"status": "undelivered", "error_code": 30005}})
    created = outside.text(status_callback=outside.callback())
    outside.sandbox.wait_quiet()
    assert _statuses(receiver) == ["sent", "undelivered"]
    assert receiver.heard[-1].form["ErrorCode"] == "30005"
    assert "ErrorCode" not in receiver.heard[0].form
    assert outside.twilio.messages(created.sid).fetch().error_code == 30005


def test_a_handset_may_stay_at_sent_for_ever(outside, receiver):
    """Rule 88: many carriers give no receipt."""
    outside.sandbox.faults(handsets={"*": {"status": "sent"}})
    created = outside.text(status_callback=outside.callback())
    outside.sandbox.wait_quiet()
    assert _statuses(receiver) == ["sent"]
    assert outside.twilio.messages(created.sid).fetch().status == "sent"


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"copies": 2}, ["sent", "sent", "delivered", "delivered"]),
        ({"reversed": True}, ["delivered", "sent"]),
        ({"missing": 1.0}, []),
        ({"delay_ms": 200}, ["sent", "delivered"]),
    ],
)
def test_callbacks_come_twice_turned_round_late_or_never(outside, receiver, faults, told):
    """Rule 98: status may come late, twice, out of order, or never; the resource itself is not touched by that."""
    outside.sandbox.faults(callbacks=faults)
    created = outside.text(status_callback=outside.callback())
    outside.sandbox.wait_quiet()
    assert _statuses(receiver) == told
    assert outside.twilio.messages(created.sid).fetch().status == "delivered"


def test_quiet_waits_for_what_is_late(outside):
    """A late callback counts as pending until it has been made."""
    outside.sandbox.faults(callbacks={"delay_ms": 60_000})
    outside.text(status_callback=outside.callback())
    while outside.sandbox.quiet()["moving"]:
        pass
    state = outside.sandbox.quiet()
    assert (state["quiet"], state["pending_callbacks"]) == (False, 2)
    assert outside.stop() == (0, "")
    outside.restart()


def test_a_callback_may_come_before_the_answer(outside, receiver):
    """Rule 99: the race is real; here the callback is always first."""
    outside.sandbox.faults(callbacks={"before_answer": True}, api=[{"kind": "drop"}])
    status, _, _ = outside.post_or_hang_up(
        {"To": ALICE, "From": CLINIC, "Body": "x", "StatusCallback": outside.callback()}
    )
    assert status is None
    assert _statuses(receiver) == ["sent", "delivered"]


def test_the_hooks_answer_is_in_the_log(outside, receiver):
    """The witness says what each callback got, and tries only a broken connection again, not an error page."""
    receiver.answers[:] = [(500, "no")]
    before = outside.mark()
    created = outside.text(status_callback=outside.callback())
    outside.sandbox.wait_quiet()
    first, second = outside.log("callback", since=before)
    assert (first["sid"], first["answer"]["status"], first["answer"]["attempts"]) == (created.sid, 500, 1)
    assert second["answer"]["status"] == 200
    assert first["at"] <= first["done"]


def test_nobody_outside_this_machine_is_ever_called(outside):
    """Rule 146: a callback to another host is noted and not made."""
    before = outside.mark()
    outside.text(status_callback="https://aftercare.example.com/hooks/twilio/status")
    outside.sandbox.wait_quiet()
    answers = [entry["answer"] for entry in outside.log("callback", since=before)]
    assert [(answer["status"], answer["attempts"]) for answer in answers] == [(None, 1), (None, 1)]
    assert {answer["error"] for answer in answers} == {"not called: outside the sandbox"}


def test_a_message_that_waited_too_long_fails_with_30036(outside, receiver):
    """Rule 89: past its validity on the calendar it is not sent any more."""
    outside.sandbox.faults(hold=True)
    late, good = (outside.text(validity_period=s, status_callback=outside.callback()) for s in (3599, 3700))
    outside.step_calendar(3600)
    assert outside.twilio.messages(late.sid).fetch().status == "accepted"
    outside.sandbox.faults(hold=False)
    outside.sandbox.wait_quiet()
    ended = [outside.twilio.messages(message.sid).fetch() for message in (late, good)]
    outside.step_calendar(0)
    assert [(message.status, message.error_code) for message in ended] == [("failed", 30036), ("delivered", None)]
    assert [h.form.get("ErrorCode") for h in receiver.heard if h.form["MessageSid"] == late.sid] == ["30036"]


@given(
    copies=st.integers(1, 3),
    delay=st.integers(0, 1000),
    turned=st.booleans(),
    missing=st.floats(0, 1),
    luck=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
)
def test_a_plan_of_callbacks_holds_what_was_asked_for_and_no_more(copies, delay, turned, missing, luck):
    """Rule 98: each status told is told `copies` times, none before its delay, in the order asked for."""
    faults = Callbacks(copies=copies, delay_ms=delay, reversed=turned, missing=missing)
    plan = planned(["sent", "delivered"], faults, luck)
    told = [status for status, dice in zip(["sent", "delivered"], luck, strict=True) if dice >= missing]
    assert [status for _, status in plan] == [
        status for status in (reversed(told) if turned else told) for _ in range(copies)
    ]
    assert all(due >= delay / 1000 for due, _ in plan)
    assert [due for due, _ in plan] == sorted(due for due, _ in plan)
