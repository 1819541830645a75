"""What clients write back: STOP is final at once, doubt holds, HELP is answered, START makes no consent (P2)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import sealed
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_client
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.channels.base import TryLater
from worker.models import (
    Attempt,
    ConsentEvent,
    Conversation,
    Event,
    Grant,
    Hold,
    Inbound,
    Message,
    Seal,
    StaffTask,
    Standing,
    Suppression,
)  # fmt: skip
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def alice(house):
    """Alice, on both channels, her opt-in confirmations accepted."""
    client = builders.alice().client
    post.confirmed(NOW)
    return client


def _open(**which):
    return Message.objects.filter(state__in=("planned", "held"), **which)


def _stop(house, body="STOP", *, phone=ALICES_PHONE, **more):
    return builders.text_from(house.lakeside, phone, body, now=DUE, **more)


@pytest.mark.parametrize(
    "body",
    ["STOP", "stop", " Stop. ", "STOP please", "PLEASE CANCEL", "unsubscribe", "quit", "END", "revoke", "opt out",
     "arrêt", "alto", "ＳＴＯＰ", "s.t.o.p", "stop all", "please don't text me any more", "remove me", "wrong number"],
)  # fmt: skip
def test_every_way_of_saying_stop_ends_every_purpose_at_the_number(alice, house, body):
    """P2, rules 16, 17, 19, 25: in the same transaction, before the provider hears our 200."""
    assert _stop(house, body).kind.revokes
    assert not _open(client=alice, channel="sms", cls="course").exists()
    assert {grant.state for grant in Grant.objects.filter(client=alice, standing__channel="sms")} == {"revoked"}
    assert builders.standing_of(alice).suppressed_at == DUE
    cancelled = Message.objects.filter(client=alice, channel="sms", state="cancelled")
    assert {each.reason for each in cancelled} == {"revoked"}
    for each in cancelled:
        assert Event.objects.filter(subject=f"message:{each.pk}", code="revoked").count() == 1
    assert "same-day" not in post.round_of_post(DUE)
    assert faults() == []


def test_email_goes_on_after_a_stop_by_text(alice, house):
    """Rule 25: STOP ends the texts; email only when the client says everything."""
    _stop(house)
    assert _open(client=alice, channel="email", cls="course").exists()
    assert post.round_of_post(DUE, channel="email") == ["same-day"]


@pytest.mark.parametrize("body", ["stop everything", "stop all contact", "Stop all messages and emails"])
def test_stop_everything_ends_email_too(alice, house, body):
    """Rule 25."""
    assert _stop(house, body).everything
    assert not _open(client=alice, cls="course").exists()
    assert builders.standing_of(alice, "email").suppressed_at == DUE


def test_a_shared_number_is_stopped_for_everyone_who_shares_it(house):
    """Rule 134: two clients, one STOP, both silent; each has it in her own ledger."""
    alice = builders.alice().client
    ann = builders.alice(external_id="A-1002", email="ann@example.com").client
    _stop(house)
    for client in (alice, ann):
        assert not _open(client=client, channel="sms", cls="course").exists()
        acts = ConsentEvent.objects.filter(client_id=client.pk, channel="sms", act="revoked")
        assert {act.purpose for act in acts} == {"aftercare", "reminders"}
    assert Suppression.objects.count() == 1


def test_another_clinic_is_not_affected(house):
    """Rules 25, 26: the same phone, another clinic."""
    builders.alice()
    bob = builders.bob(phone=ALICES_PHONE).client
    _stop(house)
    post.confirmed(DUE)
    assert _open(client=bob, channel="sms", cls="course").exists()
    assert builders.standing_of(bob).suppressed_at is None


def test_the_ledger_keeps_what_was_written_sealed(alice, house):
    """Rules 2, 42, 61: the words are evidence, and nobody reads them without the key."""
    _stop(house, "Zzcanary stop texting me")
    act = ConsentEvent.objects.filter(act="revoked", client_id=alice.pk).first()
    assert (act.method, act.recorded_by, act.happened_at) == ("sms", "client", DUE)
    assert json.loads(sealed.unseal(act.evidence.sealed, "consent.evidence"))["body"] == "Zzcanary stop texting me"
    assert Seal.objects.filter(table="consent", row_id=act.pk).exists()
    inbound = Inbound.objects.get()
    assert sealed.unseal(inbound.body_sealed, "inbound.body") == "Zzcanary stop texting me"


def test_exactly_one_confirmation_leaves_and_nothing_else(alice, house):
    """P2, rule 22: one confirmation, in its few minutes, and then silence."""
    _stop(house)
    provider = post.Provider()
    assert post.round_of_post(DUE + timedelta(minutes=4, seconds=59), provider) == ["stop-confirmation"]
    assert "no more texts" in provider.taken[0].body
    _stop(house)
    _stop(house, "STOP please")
    assert post.round_of_post(DUE + timedelta(minutes=5), provider) == []
    assert Message.objects.filter(kind="stop_confirmation").count() == 1


def test_a_confirmation_later_than_five_minutes_is_not_sent(alice, house):
    """Rule 22: at 5:01 it would be a message after STOP."""
    _stop(house)
    assert post.round_of_post(DUE + timedelta(minutes=5)) == []
    confirmation = Message.objects.get(kind="stop_confirmation")
    assert (confirmation.state, confirmation.reason) == ("missed", "too_late")


def test_a_confirmation_that_was_refused_for_the_moment_keeps_its_five_minutes(alice, house):
    """Rule 22: a back-off does not prolong the useful time."""
    _stop(house)
    busy = post.Provider([TryLater("20429", None)] * 9)
    now = DUE
    while now < DUE + timedelta(minutes=30):
        post.round_of_post(now, busy)
        now += timedelta(seconds=30)
    assert Message.objects.get(kind="stop_confirmation").state == "missed"
    assert len(busy.taken) <= 4


@pytest.mark.parametrize(
    ("body", "opt_out_type", "confirmations"),
    [("STOP", "", 0), ("STOP", "STOP", 0), ("STOP please", "STOP", 0), ("STOP please", "", 1)],
)
def test_a_provider_that_confirms_is_not_doubled(alice, house, body, opt_out_type, confirmations):
    """Rule 23: it answers whole keywords; what its filter does not see is ours to confirm (rule 18)."""
    _stop(house, body, opt_out_type=opt_out_type, provider_answers=True)
    assert Message.objects.filter(kind="stop_confirmation").count() == confirmations
    assert builders.standing_of(alice).suppressed_at == DUE


def test_the_same_inbound_five_times_is_one(alice, house):
    """Rule 97: by the provider's id."""
    reply = Reply(
        clinic_id=house.lakeside.pk, provider_id="SMsame", address=ALICES_PHONE, body="STOP", opt_out_type="",
        provider_answers=False,
    )  # fmt: skip
    inbound_sms(reply, now=DUE)
    before = builders.counts()
    for _ in range(4):
        inbound_sms(reply, now=DUE)
    assert builders.counts() == before


def test_the_providers_verdict_counts_also_without_the_word(alice, house):
    """Rule 24: either one saying STOP wins."""
    _stop(house, "hello", opt_out_type="STOP")
    assert builders.standing_of(alice).suppressed_at == DUE


def test_a_stop_from_nobody_is_stored_and_confirmed(house):
    """Rule 34: an unknown number has a standing row, a suppression and a ledger entry for every purpose."""
    _stop(house, phone="+12125550199")
    standing = Standing.objects.get()
    assert standing.suppressed_at == DUE
    acts = ConsentEvent.objects.filter(standing_id=standing.pk)
    assert {(act.client_id, act.purpose) for act in acts} == {(None, purpose.value) for purpose in Purpose}
    provider = post.Provider()
    assert post.round_of_post(DUE, provider) == ["stop-confirmation"]
    assert provider.taken[0].to == "+12125550199"
    assert faults() == []


@pytest.mark.parametrize("body", ["yes", "start?", "begin", "ok start again tomorrow then"])
def test_no_other_word_undoes_a_stop(alice, house, body):
    """Rule 30: only START and UNSTOP take back a keyword (see test_restore.py); a yes is for staff."""
    _stop(house)
    builders.text_from(house.lakeside, ALICES_PHONE, body, now=DUE + timedelta(hours=1))
    assert builders.standing_of(alice).suppressed_at == DUE
    assert {grant.state for grant in Grant.objects.filter(client=alice, standing__channel="sms")} == {"revoked"}
    assert not _open(client=alice, channel="sms", cls="course").exists()


def test_start_from_a_stranger_makes_no_consent(house):
    """Rules 30, 103: there is nothing to restore."""
    builders.text_from(house.lakeside, "+12125550199", "START", now=DUE)
    assert not Grant.objects.exists()
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize("body", ["this is odd", "?", "who is this?", "I moved house last week", "x" * 5000])
def test_what_is_not_clear_holds_the_number_and_asks_a_person(alice, house, body):
    """Rules 17, 41: in doubt nothing is sent; one task for each reply, its words sealed."""
    _stop(house, body)
    assert builders.standing_of(alice).held_at == DUE
    assert Hold.objects.get().why == "unclear_reply"
    task = StaffTask.objects.get(kind="unclear_reply")
    facts = {"inbound": Inbound.objects.get().pk, "conversation": Conversation.objects.get().pk}
    assert (task.client_id, task.facts) == (alice.pk, facts)
    assert post.round_of_post(DUE) == []
    assert builders.message(alice, "same-day").reason == "on_hold"


@pytest.mark.parametrize("body", ["thanks!", "\U0001f44d", "ok", ""])
def test_a_thank_you_changes_nothing(alice, house, body):
    """Rule 17: kept as received, and no more."""
    _stop(house, body)
    assert builders.standing_of(alice).held_at is None
    assert not StaffTask.objects.exists()
    assert post.round_of_post(DUE) == ["same-day"]


def test_help_is_answered_and_changes_nothing(alice, house):
    """Rule 31: always answered, on hold or not, also at night."""
    _stop(house, "who is this?")
    night = NOW + timedelta(hours=14)
    builders.text_from(house.lakeside, ALICES_PHONE, "HELP", now=night)
    provider = post.Provider()
    assert post.round_of_post(night, provider) == ["help"]
    for element in ("Lakeside Skin Clinic", "+1 212-555-0100", "STOP"):
        assert element in provider.taken[0].body
    assert {grant.state for grant in Grant.objects.filter(client=alice)} == {"active"}


def test_help_after_stop_is_answered_because_she_asked(alice, house):
    """Rule 31: an answer to her own act; nothing of the course comes back with it."""
    _stop(house)
    post.round_of_post(DUE)
    builders.text_from(house.lakeside, ALICES_PHONE, "help", now=DUE + timedelta(hours=1))
    assert post.round_of_post(DUE + timedelta(hours=1)) == ["help"]


def test_a_wrong_number_is_suppressed_as_such(alice, house):
    """Rule 133."""
    _stop(house, "wrong number")
    assert Suppression.objects.get().reason == "wrong_number"
    assert StaffTask.objects.filter(kind="wrong_number_reply").count() == 1


def test_without_an_approved_text_nothing_is_confirmed_and_it_is_said(house, unguarded):
    """P3, P5: STOP is obeyed all the same."""
    from worker.models import Approval

    alice = builders.alice().client
    Approval.objects.all().delete()
    _stop(house)
    assert builders.standing_of(alice).suppressed_at == DUE
    assert not Message.objects.filter(kind="stop_confirmation").exists()
    assert Event.objects.get(kind="unanswered").code == "no_approved_text"


def test_one_click_ends_that_mailbox_and_nothing_else(alice, house):
    """P2, rules 64, 112: idempotent, confirmed once by mail, the texts go on."""
    key = alice.contacts.get(channel="email").link_key
    for _ in range(3):
        assert unsubscribe(link_key=key, method="one-click", now=DUE)
    assert not _open(client=alice, channel="email", cls="course").exists()
    assert post.round_of_post(DUE, channel="email") == ["stop-confirmation"]
    assert post.round_of_post(DUE) == ["same-day"]
    assert Suppression.objects.get().reason == "link"
    assert not unsubscribe(link_key=key + 1, method="one-click", now=DUE)


def test_the_desk_may_end_one_purpose_of_one_client(alice, house):
    """Rule 25: narrower than STOP on the client's own wish; the rest goes on."""
    said = Revocation(reason=SuppressionReason.DESK, method="desk", by="staff:1", received_at=DUE)
    revoke_client(client=alice, channel=Channel.SMS, purposes=[Purpose.REMINDERS], said=said, now=DUE)
    assert not _open(client=alice, channel="sms", purpose="reminders").exists()
    assert _open(client=alice, channel="sms", purpose="aftercare").exists()
    assert builders.standing_of(alice).suppressed_at is None
    assert post.round_of_post(DUE) == ["same-day"]
    assert faults() == []


def _at_the_desk(**said):
    rest = {"clinic_slug": "lakeside", "phone": "", "email": "", "client_id": None, "reason": "letter"}
    return from_desk(**{**rest, "received_at": None, "now": DUE, **said})


@pytest.mark.parametrize(
    ("said", "channels"),
    [
        ({"phone": "212-555-0123"}, {"sms"}),
        ({"email": "ALICE@example.com"}, {"email"}),
        ({"client_id": 0}, {"sms", "email"}),
    ],
)
def test_a_letter_counts_like_a_text(alice, house, said, channels):
    """Rule 27: by phone, mailbox or client, with the moment it was received."""
    if "client_id" in said:
        said = {"client_id": alice.pk}
    received = NOW - timedelta(days=1)
    assert _at_the_desk(**said, received_at=received) == len(channels)
    assert {each.channel for each in Standing.objects.filter(suppressed_at=DUE)} == channels
    assert ConsentEvent.objects.filter(act="revoked").first().happened_at == received
    assert {each.channel for each in _open(client=alice, cls="course")} == {"sms", "email"} - channels
    assert faults() == []


@pytest.mark.parametrize(
    "said",
    [
        {"phone": "12"}, {"email": "x"}, {}, {"client_id": 4711}, {"phone": ALICES_PHONE, "clinic_slug": "riverside"},
        {"phone": ALICES_PHONE, "clinic_slug": ""}, {"phone": ALICES_PHONE, "received_at": DUE + timedelta(days=1)},
        {"phone": ALICES_PHONE, "received_at": DUE.replace(tzinfo=None)},
    ],
)  # fmt: skip
def test_a_revocation_that_cannot_be_placed_is_refused(alice, house, said):
    """P12: Refusals as promised, with field and mend, and nothing changed."""
    before = builders.counts()
    with pytest.raises(Refusals) as caught:
        _at_the_desk(**said)
    assert "; " in str(caught.value)
    assert builders.counts() == before


def test_a_decision_made_before_the_stop_is_the_last(alice, house):
    """P2: committed before, it may still go; nothing after it does."""
    from worker.actions.send.prepare import prepare

    going = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
    assert len(going) == 1
    _stop(house)
    assert builders.message(alice, "same-day").state == "sending"
    assert post.round_of_post(DUE + timedelta(seconds=1)) == ["stop-confirmation"]


def test_a_stop_between_claim_and_decision_leaves_no_attempt(alice, house):
    """P2: the claim is no decision."""
    from worker.actions.send.prepare import prepare

    batch = prepare(post.claimed(DUE), now=DUE)
    _stop(house)
    assert post.decided(batch, DUE) == []
    message = builders.message(alice, "same-day")
    assert (message.state, message.reason) == ("cancelled", "revoked")
    assert not Attempt.objects.filter(message=message).exists()
