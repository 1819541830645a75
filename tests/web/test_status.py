"""Receipts come late, twice, out of order and from strangers; the message ends in the same state (rules 97 to 100)."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from tests import builders
from tests.builders import NOW, message
from tests.web.provider import STATUS, Provider, new_sid
from tests.web.test_inbound import full
from worker import meters, sealed
from worker.models import Attempt, Message, Receipt, Sender
from worker.models.attempt import AttemptState
from worker.rules.states import State

OWN_ACCOUNT = "AC" + "5" * 32


def attempt_on(made: Message, sid: str, state: AttemptState = AttemptState.ACCEPTED) -> Attempt:
    """A call to the provider, answered with `sid` or (sending) not answered yet."""
    answered = state == AttemptState.ACCEPTED
    Message.objects.filter(pk=made.pk).update(
        state=State.ACCEPTED if answered else State.SENDING,
        sent_at=NOW if answered else None,
        provider_id=sid if answered else "",
        attempts=1,
    )
    return Attempt.objects.create(
        message=made,
        clinic_id=made.clinic_id,
        standing_id=made.standing_id,
        channel="sms",
        cls=made.cls,
        state=state,
        worker="w",
        decided_at=NOW,
        lease_until=NOW + timedelta(minutes=1),
        provider_id=sid if answered else "",
        body_sha256="0" * 64,
    )


@pytest.fixture
def sent(house):
    """Alice's text of the first day, accepted by the provider."""
    return attempt_on(message(builders.alice().client, "day-1"), new_sid())


def state_of(attempt: Attempt) -> tuple[str, str, str]:
    now = Message.objects.get(pk=attempt.message_id)
    return now.state, now.reason, now.provider_id


def test_a_receipt_is_kept_sealed_and_answered_without_a_body(sent, provider):
    """204; what the provider said is there for whoever must look, and for nobody else (P9, rule 96)."""
    answer = provider.receipt(sent.id.hex, sent.provider_id, "delivered", To="+12125550123")
    assert (answer.status_code, answer.content) == (204, b"")
    assert state_of(sent)[0] == "delivered"
    kept = bytes(Receipt.objects.get().raw_sealed)
    assert b"+12125550123" not in kept
    assert sealed.unseal_json(kept, "receipt.raw")["To"] == "+12125550123"


ORDERS = {
    "delivered": [("queued", ""), ("sent", ""), ("undelivered", "30003"), ("delivered", "")],
    "undelivered": [("queued", ""), ("sent", ""), ("failed", "30003")],
    "accepted": [("queued", ""), ("sent", ""), ("a_word_of_2031", "")],
}


@pytest.mark.parametrize("final", ORDERS)
@pytest.mark.parametrize("state", [AttemptState.ACCEPTED, AttemptState.SENDING])
def test_every_order_ends_in_the_same_state(sent, provider, final, state):
    """All permutations, the first twice, before and after the create call was answered (rules 97, 98, 99)."""
    ends = set()
    Message.objects.filter(pk=sent.message_id).update(state=State.ACCEPTED)
    sid = sent.provider_id
    Attempt.objects.filter(pk=sent.pk).delete()
    for order in itertools.permutations(ORDERS[final]):
        mark = transaction.savepoint()
        attempt = attempt_on(sent.message, sid, state)
        for status, code in (*order, order[0]):
            assert provider.receipt(attempt.id.hex, sid, status, code).status_code == 204
        ends.add((*state_of(attempt), Receipt.objects.count(), Attempt.objects.get().state))
        transaction.savepoint_rollback(mark)
    reason = "code:30003" if final == "undelivered" else ""
    assert ends == {(final, reason, sid, len(ORDERS[final]), AttemptState.ACCEPTED)}


def test_the_same_receipt_five_times_is_one(sent, provider):
    """Twice is once, also for what a refusal sets off (rule 97)."""
    for _ in range(5):
        provider.receipt(sent.id.hex, sent.provider_id, "undelivered", "30005")
    assert Receipt.objects.count() == 1
    assert Message.objects.get(pk=sent.message_id).client.tasks.filter(kind__startswith="provider_").count() <= 1


def test_a_carriers_filter_is_counted_by_its_code(sent, provider):
    """Rule 148: 30007 comes by receipt alone, and is seen; once, however often it is said."""
    before = _counted("30007")
    for _ in range(2):
        provider.receipt(sent.id.hex, sent.provider_id, "undelivered", "30007")
    assert _counted("30007") == before + 1


def _counted(code):
    return meters.ERRORS.labels("sms", code)._value.get()


def test_a_receipt_that_overtakes_the_answer_tells_the_id(house, provider):
    """The create call has not returned; the `d` of the callback says which message it was (rules 79, 99)."""
    attempt = attempt_on(message(builders.alice().client, "day-1"), "", AttemptState.SENDING)
    sid = new_sid()
    assert provider.receipt(attempt.id.hex, sid, "sent").status_code == 204
    attempt.refresh_from_db()
    assert (attempt.state, attempt.provider_id) == (AttemptState.ACCEPTED, sid)


@pytest.mark.parametrize("d", ["", "0", "0" * 32, "g" * 32, "0" * 33, "%00", "'; DROP TABLE aftercare_attempt; --"])
def test_an_attempt_that_is_not_ours_is_not_found(house, provider, d):
    """404 and no effect, whatever stands in `d` (P12)."""
    before = builders.counts()
    assert provider.receipt(d, new_sid(), "delivered").status_code == 404
    assert builders.counts() == before


def test_a_receipt_without_d_is_not_found(house, provider):
    """A callback that our own URL did not ask for."""
    pairs = [("AccountSid", provider.account_sid), ("MessageSid", new_sid()), ("MessageStatus", "delivered")]
    assert provider.post(STATUS, pairs).status_code == 404


def test_another_clinics_account_cannot_settle_our_attempt(sent, house, settings):
    """A genuine signature of Hillside's own account over Lakeside's attempt: 404, nothing changes (rule 100)."""
    tokens = sealed.seal_json(["h" * 32], "sender.credentials")
    own = Sender.objects.filter(clinic=house.hillside, channel="sms")
    own.update(account_sid=OWN_ACCOUNT, credentials_sealed=tokens)
    stranger = Provider(Client(), account_sid=OWN_ACCOUNT, token="h" * 32)
    before = state_of(sent)
    assert stranger.receipt(sent.id.hex, sent.provider_id, "delivered").status_code == 404
    assert state_of(sent) == before
    assert not Receipt.objects.exists()


def test_another_message_cannot_settle_our_attempt(sent, provider):
    """The id that the create call gave is the only one this attempt has (rule 100)."""
    assert provider.receipt(sent.id.hex, new_sid(), "delivered").status_code == 404
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("MessageStatus", ""), ("MessageStatus", "a b"), ("ErrorCode", "\x00")])
def test_a_receipt_that_says_nothing_usable_is_refused(sent, provider, field, value):
    """400 and no effect (P12)."""
    said = {"AccountSid": provider.account_sid, "MessageSid": sent.provider_id, "MessageStatus": "failed", field: value}
    assert provider.post(f"{STATUS}?d={sent.id.hex}", list(said.items())).status_code == 400
    assert not Receipt.objects.exists()


def test_a_receipt_that_could_not_be_kept_is_asked_for_again(sent, provider):
    """503 and nothing half done (rule 33)."""
    with connection.execute_wrapper(full):
        assert provider.receipt(sent.id.hex, sent.provider_id, "delivered").status_code == 503
    assert state_of(sent)[0] == State.ACCEPTED
    assert provider.receipt(sent.id.hex, sent.provider_id, "delivered").status_code == 204
    assert state_of(sent)[0] == "delivered"


def test_an_opt_out_code_ends_texts_to_that_number(sent, provider):
    """21610 is the client's stop, told by the carrier (rule 32)."""
    provider.receipt(sent.id.hex, sent.provider_id, "failed", "21610")
    assert builders.standing_of(sent.message.client).suppressed_why == "carrier"


def test_nothing_personal_is_logged(sent, provider, caplog, capfd):
    """Receipts carry numbers; the log does not (P9, rule 60)."""
    caplog.set_level("DEBUG")
    provider.receipt(sent.id.hex, sent.provider_id, "delivered", To="+12125550123", From="+12125550100")
    provider.receipt(uuid.uuid4().hex, sent.provider_id, "delivered", To="+12125550123")
    out = capfd.readouterr()
    told = caplog.text + out.out + out.err
    assert "webhook_refused" in told
    assert "5550123" not in told
