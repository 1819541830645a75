"""What the provider refuses, with the code the real one would use (rules 76, 87 and 90)."""

from __future__ import annotations

import json

import pytest
from twilio.base.exceptions import TwilioRestException

from .setting import ALICE, CLINIC, SERVICE

GOOD = {"To": ALICE, "From": CLINIC, "Body": "Hello"}
WRONG = [
    ({"To": ""}, 21604),
    ({"To": "415 555 0111"}, 21211),
    ({"To": "+0123456789"}, 21211),
    ({"From": ""}, 21603),
    ({"From": "clinic with a far too long name"}, 21212),
    ({"From": ALICE}, 21266),
    ({"From": "", "MessagingServiceSid": "MG123"}, 21701),
    ({"Body": ""}, 21602),
    ({"Body": "x" * 1601}, 21617),
    ({"ValidityPeriod": "0"}, 90014),
    ({"ValidityPeriod": "ten"}, 90014),
    ({"ValidityPeriod": "36001"}, 90007),
    ({"StatusCallback": "ftp://127.0.0.1/x"}, 21609),
    ({"StatusCallback": "/hooks/twilio/status"}, 21609),
    ({"StatusCallback": "https://my_host.example/x"}, 21609),
    ({"StatusCallback": "http://127.0.0.1/a b"}, 21609),
    ({"StatusCallback": "http://[::1/x"}, 21609),
    ({"StatusCalback": "http://127.0.0.1/x"}, 20001),
    ({"SmartEncoded": "yes"}, 20001),
    ({"RiskCheck": "maybe"}, 20001),
    ({"ScheduleType": "fixed", "SendAt": "2027-01-01T00:00:00Z"}, 35118),
]


@pytest.mark.parametrize(("change", "code"), WRONG)
def test_an_unusable_create_is_refused_and_nothing_is_kept(outside, change, code):
    """Rule 76: only the documented parameters, in their documented shape; P12: a refusal changes nothing."""
    before = outside.mark()
    status, _, body = outside.post(GOOD | change)
    shown = json.loads(body)
    assert (status, shown["code"], shown["status"]) == (400, code, 400)
    assert shown["more_info"].endswith(f"/{code}")
    (entry,) = outside.log("create", since=before)
    assert (entry["accepted"], entry["sid"], entry["answer"]) == (False, None, {"status": 400, "code": code})


@pytest.mark.parametrize("change", [{"Body": "x" * 1600}, {"ValidityPeriod": "1"}, {"ValidityPeriod": "36000"}])
def test_the_edges_are_inside(outside, change):
    """Rule 76: 1,600 characters and 1 to 36,000 s are good."""
    assert outside.post(GOOD | change)[0] == 201


def test_a_parameter_given_twice_is_refused(outside):
    """Two recipients in one create would be two messages or one: nobody can say, so neither."""
    status, _, body = outside.post([*GOOD.items(), ("To", CLINIC)])
    assert (status, json.loads(body)["code"]) == (400, 20001)


def test_a_body_that_is_no_form_is_refused(outside):
    """Bytes that are no UTF-8 are answered, not crashed on."""
    status, _, body = outside.post(b"To=%ff&Body=\xff")
    assert (status, json.loads(body)["code"]) == (400, 20001)


@pytest.mark.parametrize(("last", "code"), [("1", 21211), ("2", 21612), ("3", 21408), ("4", 21610), ("9", 21614)])
def test_magic_recipients_fail_in_their_own_way(outside, last, code):
    """Rule 90: the magic To numbers, as the real package sees them."""
    with pytest.raises(TwilioRestException) as refused:
        outside.text(to=f"+1500555000{last}")
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize(("last", "code"), [("1", 21212), ("7", 21606), ("8", 21611)])
def test_magic_senders_fail_in_their_own_way(outside, last, code):
    """Rule 90: the magic From numbers."""
    with pytest.raises(TwilioRestException) as refused:
        outside.text(from_=f"+1500555000{last}")
    assert refused.value.code == code


def test_the_magic_sender_that_works_works(outside):
    """Rule 90: From +15005550006 is good."""
    assert outside.text(from_="+15005550006").status == "queued"


def test_the_real_parameters_of_our_adapter_are_all_known(outside):
    """Rule 76: what an adapter may send is accepted as it is."""
    created = outside.text(
        validity_period=3600,
        smart_encoded=True,
        risk_check="disable",
        status_callback=outside.callback("?d=1"),
        content_retention="retain",
        address_retention="retain",
        provide_feedback=False,
        attempt=1,
        message_intent="notifications",
        shorten_urls=False,
        from_=CLINIC,
        messaging_service_sid=SERVICE,
    )
    assert created.sid
