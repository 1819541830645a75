"""Which refusals may be answered on the other channel, and which may be the client's own no (P1, P2, P4)."""

from __future__ import annotations

import pytest

from worker.rules.errors import email_event, smtp_reply, twilio_code
from worker.rules.fallback import may_fall_back
from worker.rules.names import Channel


@pytest.mark.parametrize("code", [30003, 30005, 30006, 30007, 30008, 30034, 30036, 21211, 21614, 21408])
def test_a_number_that_can_not_be_reached_may_be_written_to_by_mail(code):
    """The phone is off, is a landline, or the carrier filtered it: none of it is the client's wish."""
    assert may_fall_back(Channel.SMS, twilio_code(code, 200))


@pytest.mark.parametrize("code", [21610, 30640, 30004, 12345])
def test_what_may_be_her_own_no_is_never_answered_by_another_message(code):
    """P2: a STOP that the provider knew, a litigator, a phone that blocks us, and a code that nobody knows."""
    assert not may_fall_back(Channel.SMS, twilio_code(code, 400))


def test_what_is_unknown_may_have_arrived():
    """P4: a server error says nothing; a text and a mail of the same step would be two."""
    assert not may_fall_back(Channel.SMS, twilio_code(20500, 500))
    assert not may_fall_back(Channel.EMAIL, email_event("somethingnew"))


@pytest.mark.parametrize(
    ("verdict", "may"),
    [
        (smtp_reply(550, "5.1.1 no such user"), True),
        (email_event("bounced", "invalid"), True),
        (email_event("bounced", "spam"), False),
        (email_event("rejected", "unsubscribed"), False),
        (email_event("complained"), False),
        (email_event("unsubscribed"), False),
        (None, True),
    ],
)
def test_a_lost_mailbox_is_no_wish_and_a_complaint_is_one(verdict, may):
    """The reverse way: a mail that bounced may go as a text; one that she called spam may not."""
    assert may_fall_back(Channel.EMAIL, verdict) is may
