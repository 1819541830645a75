"""Everything that can go wrong at the provider, on request (rules 79, 81, 84 and 119)."""

from __future__ import annotations

import json
import smtplib

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from worker.sandbox.provider.client import SandboxError
from worker.sandbox.provider.faults import Weather

from .setting import ALICE, CLINIC

FORM = {"To": ALICE, "From": CLINIC, "Body": "Hello"}


def test_429_carries_retry_after_and_accepts_nothing(outside):
    """Rule 84: 20429 with Retry-After; safe to send again, because nothing was processed."""
    outside.sandbox.faults(api=[{"kind": "429", "count": 2, "retry_after": 7}])
    before = outside.mark()
    for _ in range(2):
        status, headers, body = outside.post(FORM)
        assert (status, headers["Retry-After"], json.loads(body)["code"]) == (429, "7", 20429)
    assert outside.post(FORM)[0] == 201
    assert [entry["accepted"] for entry in outside.log("create", since=before)] == [False, False, True]


@pytest.mark.parametrize(("kind", "code"), [("500", 20500), ("503", 20503)])
@pytest.mark.parametrize("accepted", [False, True])
def test_5xx_tells_nothing(outside, kind, code, accepted):
    """Rule 81: after 5xx nobody knows; both truths can be made, and the witness knows which it was."""
    outside.sandbox.faults(api=[{"kind": kind, "accepted": accepted}])
    before = outside.mark()
    with pytest.raises(TwilioRestException) as broken:
        outside.text()
    assert (broken.value.status, broken.value.code) == (int(kind), code)
    (entry,) = outside.log("create", since=before)
    assert (entry["accepted"], entry["sid"] is not None, entry["fault"]) == (accepted, accepted, kind)


def test_a_dropped_answer_leaves_a_message_that_calls_back(outside, receiver):
    """Rule 79: the 201 is lost, the message exists, its callback and the list prove it."""
    outside.sandbox.faults(api=[{"kind": "drop"}])
    with pytest.raises(requests.ConnectionError):
        outside.text(to="+14155550140", status_callback=outside.callback("?d=77"))
    outside.sandbox.wait_quiet()
    (found,) = outside.twilio.messages.list(to="+14155550140")
    assert {heard.form["MessageSid"] for heard in receiver.heard} == {found.sid}
    assert {heard.path for heard in receiver.heard} == {"/hooks/twilio/status?d=77"}


def test_a_refused_connection_accepts_nothing(outside):
    """Rule 81: the connection is reset, and no message exists."""
    outside.sandbox.faults(api=[{"kind": "refuse"}])
    with pytest.raises(requests.ConnectionError):
        outside.text(to="+14155550141")
    assert outside.twilio.messages.list(to="+14155550141") == []


def test_latency_keeps_the_answer_but_not_the_message(outside):
    """Rule 81: a read timeout is ambiguous; the message was accepted before the waiting began."""
    outside.sandbox.faults(latency_ms=600_000)
    with pytest.raises(requests.ReadTimeout):
        outside.impatient.messages.create(to="+14155550142", from_=CLINIC, body="x")
    outside.sandbox.clear_faults()
    assert len(outside.twilio.messages.list(to="+14155550142")) == 1


def test_the_list_can_be_down_while_creates_work(outside):
    """Rule 80, "list down": a fault may strike reads only."""
    outside.sandbox.faults(api=[{"kind": "503", "on": "read", "chance": 1.0}])
    sid = outside.text().sid
    with pytest.raises(TwilioRestException):
        outside.twilio.messages(sid).fetch()
    assert outside.twilio.messages.create(to=ALICE, from_=CLINIC, body="x").sid != sid


def test_an_outage_is_one_switch(outside):
    """P11: texts and mails alike are refused, nothing is kept, and it ends as it began."""
    before = outside.mark()
    outside.sandbox.faults(outage=True)
    with pytest.raises(requests.ConnectionError):
        outside.text()
    with pytest.raises(smtplib.SMTPConnectError) as closed:
        outside.mail()
    assert closed.value.smtp_code == 421
    assert not [entry for entry in outside.log(since=before) if entry.get("accepted")]
    outside.sandbox.faults(outage=False)
    assert outside.text().sid
    assert outside.mail() == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"outrage": True}, "outrage"),
        ({"outage": "yes"}, "outage"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"api": [{"kind": "418"}]}, "api.0.kind"),
        ({"api": [{"kind": "429", "count": 1, "chance": 0.5}]}, "api.0"),
        ({"smtp": [{"stage": "data", "reply": "250 fine"}]}, "smtp.0.reply"),
        ({"smtp": [{"stage": "data", "reply": "550 5.1.1 x\r\n250 y"}]}, "smtp.0.reply"),
        ({"optout": "sometimes"}, "optout"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_field(outside, wrong, field):
    """P12: the refusal names the field and changes nothing."""
    with pytest.raises(SandboxError, match=f"^{field}"):
        outside.sandbox.faults(latency_ms=5, **wrong) if "latency_ms" not in wrong else outside.sandbox.faults(**wrong)
    assert outside.sandbox.faults()["latency_ms"] == 0


def test_named_faults_change_and_the_others_stay(outside):
    """GET shows what is in force, with the counts still left; DELETE ends all."""
    outside.sandbox.faults(api=[{"kind": "429", "count": 3}])
    outside.sandbox.faults(latency_ms=1)
    outside.post(FORM)
    shown = outside.sandbox.faults()
    assert (shown["api"][0]["count"], shown["latency_ms"]) == (2, 1)
    assert outside.sandbox.clear_faults()["api"] == []


def test_a_browser_cannot_be_made_to_send_faults(outside):
    """A form from another site is no JSON."""
    status, _, _ = outside.ask("POST", "/sandbox/faults", {"outage": "true"}, user=None)
    assert status == 400
    assert outside.sandbox.faults()["outage"] is False


def test_the_dice_fall_the_same_way_again():
    """A run with chances can be repeated by its seed."""

    def fallen(seed):
        weather = Weather()
        weather.change({"api": [{"kind": "500", "chance": 0.5}], "seed": seed})
        return [weather.api("create") is not None for _ in range(50)]

    assert fallen(7) == fallen(7) != fallen(8)
    assert 5 < sum(fallen(7)) < 45


def test_sigterm_in_the_middle_of_all_this_is_a_clean_end(outside):
    """Exit status 0 and nothing on stderr, although answers and callbacks are held back for ten minutes."""
    outside.sandbox.faults(latency_ms=600_000, callbacks={"delay_ms": 600_000})
    with pytest.raises(requests.ReadTimeout):
        outside.impatient.messages.create(to=ALICE, from_=CLINIC, body="x", status_callback=outside.callback())
    assert outside.stop() == (0, "")
    outside.restart()
