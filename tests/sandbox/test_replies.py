"""What clients write back, and the provider's own STOP list (rules 18, 23, 30, 96 and 97)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException

from worker.sandbox.provider.client import SandboxError
from worker.sandbox.provider.optout import keyword
from worker.sandbox.provider.senders import Senders

from .setting import ACCOUNT, ALICE, CLINIC, SERVICE


def _written_to(outside, phone=ALICE, **more):
    outside.text(to=phone, **more)
    outside.sandbox.wait_quiet()


def test_a_reply_goes_signed_to_whoever_wrote_last(outside, receiver):
    """Rule 91: MessageSid, From, To, Body and AccountSid, signed; Body untouched (rule 93)."""
    _written_to(outside, from_=CLINIC)
    reply = outside.sandbox.reply(ALICE, "  Merci, à demain \u2764 ")
    assert reply["hook"]["status"] == 200
    (heard,) = receiver.heard
    assert heard.path == "/hooks/twilio/inbound"
    assert receiver.valid(heard)
    assert heard.form["Body"] == "  Merci, à demain \u2764 "
    assert (heard.form["From"], heard.form["To"]) == (ALICE, CLINIC)
    assert (heard.form["AccountSid"], heard.form["MessageSid"]) == (ACCOUNT, reply["sid"])
    assert (heard.form["NumMedia"], "OptOutType" in heard.form) == ("0", False)


def test_a_reply_to_a_service_names_the_service(outside, receiver):
    """Rule 26: the application can tell the clinic by its Messaging Service."""
    _written_to(outside)
    outside.sandbox.reply(ALICE, "Thanks")
    assert receiver.heard[0].form["MessagingServiceSid"] == SERVICE


def test_a_phone_nobody_wrote_to_needs_a_recipient(outside, receiver):
    """P12: a reply to nobody is refused by field; with `to`, a service too, it goes through (rule 34)."""
    with pytest.raises(SandboxError, match=r"^to: nobody has written"):
        outside.sandbox.reply("+14155550190", "STOP")
    with pytest.raises(SandboxError, match=r"^phone: "):
        outside.sandbox.reply("0415 555", "STOP", to=CLINIC)
    assert outside.sandbox.reply("+14155550190", "STOP", to=SERVICE)["hook"]["status"] == 200
    assert receiver.heard[0].form["MessagingServiceSid"] == SERVICE


def test_a_hook_that_answers_5xx_is_tried_again(outside, receiver):
    """Rule 33: 5xx until the STOP is stored; the same MessageSid and token come again (rule 97)."""
    receiver.answers[:] = [(503, ""), (500, "")]
    reply = outside.sandbox.reply(ALICE, "STOP", to=CLINIC)
    assert (reply["hook"]["status"], reply["hook"]["attempts"]) == (200, 3)
    assert {heard.form["MessageSid"] for heard in receiver.heard} == {reply["sid"]}
    assert len({heard.headers["I-Twilio-Idempotency-Token"] for heard in receiver.heard}) == 1


def test_a_hook_that_refuses_is_not_asked_again(outside, receiver):
    """Rule 91: 403 is an answer."""
    receiver.answers[:] = [(403, "")]
    assert outside.sandbox.reply(ALICE, "Hello", to=CLINIC)["hook"]["attempts"] == 1


def test_a_redirect_is_not_followed(outside, receiver):
    """Rule 101: hooks do not redirect; one that does has not heard."""
    receiver.answers[:] = [(302, "")]
    assert outside.sandbox.reply(ALICE, "Hello", to=CLINIC)["hook"]["status"] == 302
    assert len(receiver.heard) == 1


def test_a_webhook_can_be_lost_or_come_twice(outside, receiver):
    """Rule 33: lost, the message is still in the list; rule 97: twice, with one MessageSid."""
    outside.sandbox.faults(inbound={"lose": 1})
    lost = outside.sandbox.reply(ALICE, "STOP", to=CLINIC)
    assert (lost["hook"], receiver.heard) == ({"lost": True}, [])
    assert outside.twilio.messages(lost["sid"]).fetch().body == "STOP"
    outside.sandbox.faults(inbound={"copies": 3})
    outside.sandbox.reply(ALICE, "STOP", to=CLINIC)
    assert len(receiver.heard) == 3
    assert len({heard.form["MessageSid"] for heard in receiver.heard}) == 1


def test_a_twiml_answer_rings_the_phone_and_the_witness_saw_it(outside, receiver):
    """Rules 22 and 23: a confirmation sent as TwiML is a message like any other, and is counted."""
    receiver.body = "<Response><Message>You&apos;re out &amp; done</Message></Response>"
    before = outside.mark()
    outside.sandbox.reply(ALICE, "STOP", to=CLINIC)
    (entry,) = outside.log("answer", since=before)
    assert (entry["origin"], entry["to"], entry["body"]) == ("twiml", ALICE, "You're out & done")


def test_off_means_that_only_we_stop(outside):
    """Rule 18: our own ledger is the source of truth; without the provider's list STOP blocks nothing there."""
    outside.sandbox.reply("+14155550191", "STOP", to=CLINIC)
    assert outside.text(to="+14155550191", from_=CLINIC).sid


@pytest.mark.parametrize("mode", ["default", "advanced"])
def test_a_lone_keyword_blocks_until_start(outside, receiver, mode):
    """Rule 18: 21610 after STOP; START lifts it; the provider confirms once itself (rule 23)."""
    phone = {"default": "+14155550192", "advanced": "+14155550193"}[mode]
    outside.sandbox.faults(optout=mode)
    before = outside.mark()
    _written_to(outside, phone, from_=CLINIC)
    outside.sandbox.reply(phone, " stop ")
    with pytest.raises(TwilioRestException) as refused:
        outside.text(to=phone, from_=CLINIC)
    assert refused.value.code == 21610
    assert outside.text(to=phone, from_="+13125550199").sid
    outside.sandbox.reply(phone, "START", to=CLINIC)
    assert outside.text(to=phone, from_=CLINIC).sid
    assert [heard.form.get("OptOutType") for heard in receiver.heard] == (
        ["STOP", "START"] if mode == "advanced" else [None, None]
    )
    assert [entry["origin"] for entry in outside.log("answer", since=before)] == ["provider", "provider"]


@pytest.mark.parametrize("body", ["STOP PLEASE", "PLEASE CANCEL", "please stop", "stop all", "opt out"])
def test_what_is_not_one_keyword_passes_the_providers_list(outside, body):
    """Rule 18: "STOP PLEASE" is not blocked by Twilio, so our gate must stop it."""
    outside.sandbox.faults(optout="default")
    outside.sandbox.reply("+14155550194", body, to=CLINIC)
    assert outside.text(to="+14155550194", from_=CLINIC).sid


def test_yes_starts_again_except_on_toll_free():
    """Rule 30: YES counts on a long code; toll-free numbers know only START and UNSTOP."""
    assert keyword("Yes", to="+13125550100") == "START"
    assert keyword("Yes", to="+18005550100") is None
    assert keyword("unstop", to="+18005550100") == "START"
    assert keyword("info", to="+18005550100") == "HELP"
    assert keyword("Thanks", to="+13125550100") is None


@given(st.sets(st.from_regex("MG[0-9a-f]{32}", fullmatch=True), min_size=2, max_size=8))
def test_each_service_keeps_a_fictitious_number_of_its_own(services):
    """Rules 26 and 131: one number a service, from +1 NXX 555-0100...0199, the same at every start when it is alone."""
    senders = Senders()
    numbers = {service: senders.number(service) for service in services}
    assert len(set(numbers.values())) == len(services)
    assert all(re.fullmatch(r"\+1[2-9]\d{2}55501\d{2}", number) for number in numbers.values())
    assert {senders.service(number) for number in numbers.values()} == services


def test_a_service_has_the_same_number_after_a_restart():
    """Rule 131: a clinic's number does not depend on who wrote first, short of a clash."""
    first, second = "MG" + "a" * 32, "MG" + "b" * 32
    one, other = Senders(), Senders()
    assert (one.number(first), one.number(second)) == (other.number(second), other.number(first))[::-1]
