"""What an email provider tells us by webhook: proved or refused, each event once, by the rules' table (125 to 127)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests import builders
from tests.actions import mails
from tests.actions import post as rounds
from tests.builders import NOW, standing_of
from worker.channels.base import Accepted
from worker.models import Attempt, Message, Receipt, StaffTask, Suppression

SECRET = "hook:a long random word"
KEY = "key-of-the-hooks"
MAILGUN_TIME = "1799766000"


@pytest.fixture
def postmark(settings):
    """Postmark is the provider, and its webhook carries user and password."""
    settings.EMAIL_URL, settings.EMAIL_HOOK_SECRET = "anymail+postmark://TOKEN", SECRET


@pytest.fixture
def alice(house):
    """Alice, to whom one mail went out by the provider."""
    client = builders.alice().client
    provider = rounds.Provider(answers=[Accepted("pm-1")])
    rounds.round_of_post(NOW, provider, channel="email")
    return client


def attempt(client):
    return Attempt.objects.get(message__client=client, channel="email")


def said(client, **fields):
    """An event as Postmark posts it."""
    named = {"RecordType": "Bounce", "ID": 42, "MessageID": "pm-1", "Metadata": {"attempt_id": attempt(client).pk.hex}}
    return named | {"Email": "alice@example.com", "BouncedAt": "2027-01-12T15:00:00Z"} | fields


def tell(browser, event, *, path="/hooks/email/postmark/events", login=SECRET, **headers):
    proof = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    body = event if isinstance(event, (str, bytes)) else json.dumps(event)
    return browser.post(path, data=body, content_type="application/json", headers=proof | headers)


EVENTS = [
    ({"Type": "HardBounce", "Details": "smtp;550 5.1.1 The email account does not exist"}, "invalid"),
    ({"Type": "HardBounce", "Details": ""}, "bounce"),
    ({"Type": "HardBounce", "Details": "smtp;550 5.7.1 blocked by policy"}, None),
    ({"Type": "SoftBounce", "Details": "mailbox is full"}, None),
    ({"Type": "Blocked", "Details": ""}, None),
    ({"Type": "SpamNotification", "Details": ""}, None),
    ({"Type": "DMARCPolicy"}, None),
    ({"Type": "BadEmailAddress"}, "invalid"),
    ({"Type": "Transient"}, None),
    ({"Type": "NeverHeardOf"}, None),
    ({"RecordType": "SpamComplaint", "Type": "SpamComplaint"}, "complaint"),
    ({"RecordType": "SubscriptionChange", "SuppressSending": True, "SuppressionReason": "ManualSuppression"}, "link"),
    ({"RecordType": "SubscriptionChange", "SuppressSending": False}, None),
    ({"RecordType": "Delivery", "DeliveredAt": "2027-01-12T15:00:00Z"}, None),
    ({"RecordType": "Open", "ReceivedAt": "2027-01-12T15:00:00Z"}, None),
]


@pytest.mark.parametrize(("fields", "why"), EVENTS)
def test_each_event_does_what_the_table_says_and_does_it_once(alice, postmark, browser, fields, why):
    """Rules 125, 127: the receiving server's own code first; policy, spam filters and full mailboxes never suppress."""
    for _ in range(3):
        assert tell(browser, said(alice, **fields)).status_code == 200
    assert standing_of(alice, "email").suppressed_why == why
    assert Suppression.objects.count() == (why is not None)
    assert standing_of(alice, "sms").suppressed_at is None


def test_a_delivery_is_a_receipt(alice, postmark, browser):
    """The timeline says that it arrived (rule 125: accepted is not yet delivered)."""
    tell(browser, said(alice, RecordType="Delivery", DeliveredAt="2027-01-12T15:00:00Z"))
    assert Message.objects.get(client=alice, channel="email", attempts__gt=0).state == "delivered"
    assert Receipt.objects.get().status == "delivered"


def test_policy_is_before_an_operator(alice, postmark, browser):
    """5.7.x is our reputation: somebody has to look, and nobody is silenced (rule 125)."""
    tell(browser, said(alice, Type="HardBounce", Details="smtp;550 5.7.26 unauthenticated"))
    assert StaffTask.objects.filter(kind="provider_page_operator").exists()


def test_an_event_without_our_metadata_is_found_by_the_providers_id(alice, postmark, browser):
    """What some events lack."""
    tell(browser, said(alice, Metadata={}, Type="BadEmailAddress"))
    assert standing_of(alice, "email").suppressed_why == "invalid"


@pytest.mark.parametrize("metadata", [{}, {"attempt_id": "x"}, {"attempt_id": "0" * 32}, {"attempt_id": 7}])
def test_events_of_other_mails_are_left_alone(alice, postmark, browser, metadata):
    """The account may send more than ours: 200, so that the provider does not come again, and no effect."""
    before = builders.counts()
    event = said(alice, Metadata=metadata, MessageID="other", Type="BadEmailAddress")
    assert tell(browser, event).status_code == 200
    assert builders.counts() == before


@pytest.mark.parametrize("login", ["", "hook:wrong", "hook", ":", "é:é"])
def test_an_unproved_event_is_refused(alice, postmark, browser, login):
    """403, and nothing changes (rule 91, P10)."""
    before = builders.counts()
    assert tell(browser, said(alice, Type="BadEmailAddress"), login=login).status_code == 403
    assert tell(browser, "x", login="", Authorization="Basic %%%").status_code == 403
    assert builders.counts() == before


def test_the_door_is_shut_without_a_secret_and_for_every_other_provider(alice, settings, postmark, browser):
    """Fail closed: 503 while nothing can be checked, 404 for whom EMAIL_URL does not name (P10)."""
    event = said(alice, Type="BadEmailAddress")
    settings.EMAIL_HOOK_SECRET = ""
    assert tell(browser, event).status_code == 503
    assert tell(browser, event, login=":").status_code == 503
    settings.EMAIL_HOOK_SECRET = SECRET
    for other in ("mailgun", "sparkpost", "sendgrid", "x"):
        assert tell(browser, event, path=f"/hooks/email/{other}/events").status_code == 404
    for url in ("sandbox", "smtp://relay.example"):
        settings.EMAIL_URL = url
        assert tell(browser, event).status_code == 404
    assert standing_of(alice, "email").suppressed_at is None


@pytest.mark.parametrize("body", ["", "x", "[]", "7", "null", "{}", '{"RecordType": 7}', b"\xff\xfe", "[" * 5000])
def test_nonsense_is_an_answer_and_no_effect(alice, postmark, browser, body):
    """What even the provider should not say: 400 or left alone, never 500 (P12)."""
    before = builders.counts()
    assert tell(browser, body).status_code in (200, 400)
    assert builders.counts() == before


def test_looks_are_answered_and_other_methods_refused(postmark, browser):
    """Some providers look with HEAD; nothing else is for them. No redirect, no cookie (rule 101)."""
    assert browser.head("/hooks/email/postmark/events").status_code == 200
    assert browser.get("/hooks/email/postmark/events").status_code == 405
    assert browser.post("/hooks/email/postmark/events/").status_code == 404


def test_more_than_any_provider_says_is_refused_unread(postmark, browser):
    """4 MB of events (P12)."""
    assert tell(browser, b" " * (4 * 1024 * 1024 + 1)).status_code == 413


def test_mailguns_signature_is_checked(alice, settings, browser):
    """HMAC-SHA256 over timestamp and token, worked out by hand (rule 91)."""
    settings.EMAIL_URL, settings.EMAIL_HOOK_SECRET = "anymail+mailgun://KEY@lakeside.example", KEY
    told = {"event": "failed", "severity": "permanent", "reason": "bounce", "timestamp": 1799766000.0, "id": "e1"}
    told |= {"user-variables": {"attempt_id": attempt(alice).pk.hex}, "recipient": "alice@example.com"}
    told |= {"delivery-status": {"code": 550, "message": "5.1.1 no such user"}, "message": {"headers": {}}}
    path = "/hooks/email/mailgun/events"
    for key, status, why in (("forged", 403, None), (KEY, 200, "invalid")):
        proof = hmac.new(key.encode(), f"{MAILGUN_TIME}tok".encode(), hashlib.sha256).hexdigest()
        block = {"timestamp": MAILGUN_TIME, "token": "tok", "signature": proof}
        answer = tell(browser, {"signature": block, "event-data": told}, path=path, login="")
        assert answer.status_code == status
        assert standing_of(alice, "email").suppressed_why == why


def test_sparkposts_many_events_come_at_once(alice, settings, browser):
    """A batch; what a spam filter said is our reputation, not her complaint (rule 125)."""
    settings.EMAIL_URL, settings.EMAIL_HOOK_SECRET = "anymail+sparkpost://KEY", SECRET
    path, meta = "/hooks/email/sparkpost/events", {"rcpt_meta": {"attempt_id": attempt(alice).pk.hex}}

    def batch(*classes):
        return [{"msys": {"message_event": {"type": "bounce", "bounce_class": each, **meta}}} for each in classes]

    assert tell(browser, [{"msys": {}}, *batch("51", "22", "50", "1")], path=path).status_code == 200
    assert standing_of(alice, "email").suppressed_at is None
    tell(browser, batch("10"), path=path)
    assert standing_of(alice, "email").suppressed_why == "invalid"


def test_a_reply_by_webhook_counts_where_it_is_switched_on(alice, settings, postmark, browser):
    """The same reading as the mailbox's, from the raw mail (rule 124); off by default."""
    raw = mails.letter("please stop").decode()
    path = "/hooks/email/postmark/inbound"
    assert tell(browser, {"RawEmail": raw}, path=path).status_code == 404
    settings.EMAIL_INBOUND_HOOK = True
    assert tell(browser, {"RawEmail": raw}, path=path, login="no:no").status_code == 403
    assert standing_of(alice, "email").suppressed_at is None
    assert tell(browser, {"RawEmail": raw}, path=path).status_code == 200
    assert standing_of(alice, "email").suppressed_why == "link"


def test_a_reply_in_parts_with_a_picture_counts(alice, settings, postmark, browser):
    """Fields instead of the raw mail, and more than Django takes of a form."""
    settings.EMAIL_INBOUND_HOOK = True
    picture = {"Name": "me.png", "ContentType": "image/png", "Content": base64.b64encode(b"x" * 600_000).decode()}
    mail = {"FromFull": {"Email": "alice@example.com"}, "ToFull": [{"Email": "desk@lakeside.example"}]}
    mail |= {"Subject": "Hello", "TextBody": "Please stop", "Attachments": [picture], "Headers": []}
    assert tell(browser, mail, path="/hooks/email/postmark/inbound").status_code == 200
    assert standing_of(alice, "email").suppressed_why == "link"
