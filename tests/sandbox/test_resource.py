"""The Messages resource, spoken to by the real twilio package (rules 76, 77 and 86, section 15)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from twilio.base.exceptions import TwilioRestException

from .setting import ACCOUNT, ALICE, CLINIC, SERVICE

PROPERTIES = {
    "body",
    "num_segments",
    "direction",
    "from",
    "to",
    "date_updated",
    "price",
    "error_message",
    "uri",
    "account_sid",
    "num_media",
    "status",
    "messaging_service_sid",
    "sid",
    "date_sent",
    "date_created",
    "error_code",
    "price_unit",
    "api_version",
    "subresource_uris",
}
STATUSES = {
    "queued",
    "sending",
    "sent",
    "failed",
    "delivered",
    "undelivered",
    "receiving",
    "received",
    "accepted",
    "scheduled",
    "read",
    "partially_delivered",
    "canceled",
}


def _raw(outside, **form):
    status, headers, body = outside.post({"To": ALICE, "Body": "Hello", **form})
    return status, headers, json.loads(body)


def test_a_created_message_has_all_20_properties_and_no_other(outside):
    """Section 15: every property name of the Message resource, nothing extra, each of its documented shape."""
    status, headers, shown = _raw(outside, From=CLINIC)
    assert status == 201
    assert headers["Content-Type"].startswith("application/json")
    assert set(shown) == PROPERTIES
    assert len(PROPERTIES) == 20
    assert re.fullmatch(r"(SM|MM)[0-9a-f]{32}", shown["sid"])
    assert shown["status"] in STATUSES
    assert shown["num_segments"] == "1"
    assert shown["num_media"] == "0"
    assert parsedate_to_datetime(shown["date_created"]).utcoffset().total_seconds() == 0
    assert (shown["date_sent"], shown["price"], shown["error_code"]) == (None, None, None)
    assert shown["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{shown['sid']}.json"


def test_with_a_messaging_service_nothing_is_counted_yet(outside):
    """Rule 86: num_segments is "0" and From null at creation with a service; both are known once it was sent."""
    created = outside.text(body="x" * 200)
    assert (created.num_segments, created.from_, created.status) == ("0", None, "accepted")
    assert created.messaging_service_sid == SERVICE
    outside.sandbox.wait_quiet()
    fetched = outside.twilio.messages(created.sid).fetch()
    assert (fetched.num_segments, fetched.status) == ("2", "delivered")
    assert re.fullmatch(r"\+1\d{3}55501\d\d", fetched.from_)
    assert fetched.date_sent.tzinfo is UTC


def test_media_makes_an_mm_sid(outside):
    """Section 15: a message with media has an MM SID."""
    created = outside.text(body="", media_url=["http://127.0.0.1/a.png", "http://127.0.0.1/b.png"])
    assert re.fullmatch("MM[0-9a-f]{32}", created.sid)
    assert created.num_media == "2"


def test_the_idempotency_header_is_ignored(outside):
    """Rule 77: Twilio dedupes nothing; two creates with the same token are two messages."""
    before = outside.mark()
    token = {"I-Twilio-Idempotency-Token": "11111111-1111-1111-1111-111111111111"}
    form = {"To": ALICE, "From": CLINIC, "Body": "Once?"}
    sids = [json.loads(outside.post(form, headers=token)[2])["sid"] for _ in range(2)]
    assert sids[0] != sids[1]
    assert [entry["sid"] for entry in outside.log("create", since=before)] == sids


@pytest.mark.parametrize(("user", "token"), [(ACCOUNT, "wrong"), ("AC" + "9" * 32, "sandbox-token"), (None, None)])
def test_wrong_credentials_are_401_with_20003(outside, user, token):
    """Rule 87's table: bad credentials are 401, code 20003, and nothing is accepted."""
    before = outside.mark()
    status, _, body = outside.post({"To": ALICE, "From": CLINIC, "Body": "x"}, user=user, token=token)
    assert status == 401
    assert set(json.loads(body)) == {"code", "message", "more_info", "status"}
    assert json.loads(body)["code"] == 20003
    assert [entry["accepted"] for entry in outside.log("create", since=before)] == [False]


def test_a_foreign_account_in_the_path_is_404(outside):
    """The credentials of one account open no other."""
    status, _, body = outside.ask("GET", f"/2010-04-01/Accounts/AC{'9' * 32}/Messages.json")
    assert (status, json.loads(body)["code"]) == (404, 20404)


def test_a_body_is_redacted_by_an_empty_update(outside):
    """Rule 57: Body="" empties the stored text, on the provider's side only."""
    created = outside.text(body="About your skin")
    outside.sandbox.wait_quiet()
    assert outside.twilio.messages(created.sid).update(body="").body == ""
    assert outside.twilio.messages(created.sid).fetch().body == ""
    with pytest.raises(TwilioRestException) as refused:
        outside.twilio.messages(created.sid).update(body="Something else")
    assert refused.value.status == 400


def test_only_a_scheduled_message_can_be_cancelled(outside):
    """Rule 21: a scheduled message is cancelled by Status=canceled; any other answers 30409."""
    soon = datetime(2027, 1, 1, tzinfo=UTC)
    scheduled = outside.text(schedule_type="fixed", send_at=soon)
    assert scheduled.status == "scheduled"
    assert outside.twilio.messages(scheduled.sid).update(status="canceled").status == "canceled"
    sent = outside.text()
    with pytest.raises(TwilioRestException) as refused:
        outside.twilio.messages(sent.sid).update(status="canceled")
    assert refused.value.code == 30409


def test_a_message_is_deleted_once_it_has_arrived(outside):
    """Rule 57: DELETE answers 204, then the message is gone; while it is on its way, 20009."""
    created = outside.text()
    with pytest.raises(TwilioRestException) as early:
        outside.twilio.messages(created.sid).delete()
    assert early.value.code == 20009
    outside.sandbox.wait_quiet()
    assert outside.twilio.messages(created.sid).delete() is True
    with pytest.raises(TwilioRestException) as gone:
        outside.twilio.messages(created.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)
