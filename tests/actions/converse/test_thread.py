"""A thread with a client: a person's words go once and through the gate, and automated texts wait meanwhile (P1-P4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, CHARLIE, NOW, OKAFOR, SAM
from worker.actions.converse.end import close
from worker.actions.converse.thread import reply, take_up
from worker.actions.send.due import close_missed
from worker.models import Conversation, Message, StaffTask, StaffWords
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
WORDS = "Please call us this afternoon, we would like to hear more."


def _says(house, words, *, now=DUE):
    return builders.text_from(house.lakeside, ALICES_PHONE, words, now=now)


def _reply(house, words=WORDS, *, by=SAM, key="k1", now=DUE, **more):
    pk = Conversation.objects.latest("pk").pk
    return reply(clinic=house.lakeside, conversation_id=pk, words=words, by=by, key=key, now=now, **more)


def _sent(now):
    provider = post.Provider()
    post.round_of_post(now, provider)
    return [out.body for out in provider.taken]


def test_thanks_is_to_be_read_and_holds_nothing(house, alice):
    """A kind word must not keep an instruction from her."""
    _says(house, "thank you so much")
    assert Conversation.objects.get().holds is False
    assert any("rest of today" in body for body in _sent(DUE))


def test_automated_texts_wait_while_they_speak_and_go_on_when_it_is_closed(house, alice):
    """Held, with its reason; closed in time, it passes every gate anew; both channels of hers."""
    take_up(clinic=house.lakeside, client_id=alice.pk, by=SAM, now=DUE)
    assert _sent(DUE) == []
    post.round_of_post(DUE, channel="email")
    for channel in ("sms", "email"):
        held = builders.message(alice, "same-day", channel)
        assert (held.state, held.reason) == ("held", "conversation_open")
    pk = Conversation.objects.get().pk
    assert close(clinic=house.lakeside, conversation_id=pk, by=SAM, now=DUE + timedelta(minutes=5)) == 2
    assert any("rest of today" in body for body in _sent(DUE + timedelta(minutes=5)))
    assert faults() == []


def test_what_a_conversation_let_pass_a_person_hands_over(house, alice):
    """P5: nobody closed it in time; the instruction is missed and not forgotten."""
    take_up(clinic=house.lakeside, client_id=alice.pk, by=SAM, now=DUE)
    _sent(DUE)
    late = builders.message(alice, "same-day").expires_at
    close_missed(now=late, machine=late)
    assert builders.message(alice, "same-day").state == "missed"
    assert StaffTask.objects.filter(kind="hand_over", client=alice, facts__step="same-day").exists()


def test_a_reply_leaves_once_in_its_approved_frame(house, alice):
    """P3, P4: pressed twice with one form it rings once; clinic, phone and STOP stand around the words."""
    _says(house, "can I go swimming?")
    first = _reply(house)
    assert _reply(house).pk == first.pk
    bodies = [body for body in _sent(DUE) if WORDS in body]
    assert bodies == [
        f"Lakeside Skin Clinic: {WORDS} Urgent? Call +1 212-555-0100. Reply STOP to end.",
    ]
    assert Conversation.objects.get().answered_by is not None
    assert WORDS.encode() not in bytes(StaffWords.objects.get().words_sealed)


def test_the_same_form_sent_again_to_close_closes(house, alice):
    """P4, P8: its words go once; that the conversation is closed is true when it is said."""
    _says(house, "can I go swimming?")
    first = _reply(house)
    assert _reply(house, and_close=True).pk == first.pk
    assert Conversation.objects.get().closed_at == DUE
    assert StaffWords.objects.count() == 1


def test_other_words_under_the_same_key_are_refused_and_never_lost(house, alice):
    """P5, P12: one form sends once; what was changed in it meanwhile is told not to go, and nothing ends."""
    _says(house, "can I go swimming?")
    _reply(house)
    before = builders.counts()
    with pytest.raises(Refusals, match="has sent other words already"):
        _reply(house, "Please come by at noon.", and_close=True)
    assert builders.counts() == before
    assert Conversation.objects.get().closed_at is None


def test_a_form_of_before_closes_no_warning_sign_away(house, alice):
    """Rule 41: what she wrote since the form was sent is not answered by it."""
    _says(house, "can I go swimming?")
    _reply(house)
    _says(house, "it is bleeding and I have a fever", now=DUE + timedelta(minutes=5))
    with pytest.raises(Refusals, match="a warning sign that nobody answered"):
        _reply(house, now=DUE + timedelta(minutes=6), no_stop=True, and_close=True)
    assert Conversation.objects.get().closed_at is None


def test_a_stop_between_writing_and_leaving_wins(house, alice):
    """P2: the gate reads her standing at the last moment, for a person's words as well."""
    _says(house, "can I go swimming?")
    message = _reply(house)
    _says(house, "STOP")
    assert all(WORDS not in body for body in _sent(DUE))
    message.refresh_from_db()
    assert (message.state, message.reason) == ("withheld", "revoked")


def test_after_a_stop_nothing_can_be_written(house, alice):
    """P1, P2: the form says when she stopped, and changes nothing."""
    _says(house, "can I go swimming?")
    _says(house, "STOP")
    with pytest.raises(Refusals, match="she said stop on"):
        _reply(house)
    assert not StaffWords.objects.exists()


def test_an_unclear_reply_is_answered_only_by_who_read_it(house, alice):
    """Rule 17: in doubt nothing goes; whoever says "this is no stop" answers and ends the hold in one."""
    _says(house, "this is a lot of texts, is that needed?")
    assert builders.standing_of(alice).held_at is not None
    with pytest.raises(Refusals, match="on hold"):
        _reply(house)
    _reply(house, no_stop=True)
    assert builders.standing_of(alice).held_at is None
    assert any(WORDS in body for body in _sent(DUE))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "empty"),
        ("Book now and save 20% on our peel", "marketing"),
        ("Reply CANCEL if you can't come", "CANCEL"),
        ("See https://bit.ly/abc", "shortener"),
        ("Keep the scar dry", "health"),
        ("x" * 321, "longer than 320"),
        ("hello\u202eolleh", "bidirectional"),
    ],
)
def test_a_persons_words_keep_the_rules_of_wording(house, alice, words, why):
    """Rules 13, 28, 37, 38, 108: refused with the reason, and nothing is written."""
    _says(house, "can I go swimming?")
    before = builders.counts()
    with pytest.raises(Refusals, match=why):
        _reply(house, words)
    assert builders.counts() == before


def test_the_other_clinic_can_neither_answer_nor_close(house, alice):
    """P10: for Charlie there is no such conversation."""
    _says(house, "can I go swimming?")
    pk = Conversation.objects.get().pk
    for act in (
        lambda: reply(clinic=house.hillside, conversation_id=pk, words=WORDS, by=CHARLIE, key="k", now=DUE),
        lambda: close(clinic=house.hillside, conversation_id=pk, by=CHARLIE, now=DUE),
        lambda: take_up(clinic=house.hillside, client_id=alice.pk, by=CHARLIE, now=DUE),
        lambda: reply(clinic=house.lakeside, conversation_id=pk, words=WORDS, by=CHARLIE, key="k", now=DUE),
    ):
        with pytest.raises(Refusals):
            act()


def test_a_reply_has_no_hours(house, alice):
    """She wrote at ten at night and a person answers: that is a conversation, no campaign."""
    late = NOW + timedelta(hours=12)
    _says(house, "can I go swimming?", now=late)
    _reply(house, now=late, by=OKAFOR)
    assert any(WORDS in body for body in _sent(late))
    assert Message.objects.get(kind="staff_reply").state == "accepted"
