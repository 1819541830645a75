"""A warning sign is before the practitioner at once, with a clock, and again until somebody answers (rule 41)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.converse.conftest import OKAFORS_PHONE, SAMS_PHONE
from tests.builders import ALICES_PHONE, NOW, OKAFOR, SAM
from worker.actions.consent.hold import hold_standing
from worker.actions.converse.call_staff import escalate
from worker.actions.converse.end import close
from worker.actions.converse.on_call import agree, leave
from worker.actions.converse.thread import Answer, note_answer
from worker.actions.mail.reply import MailReply, mail_reply
from worker.models import Conversation, Hold, Message, StaffTask
from worker.reading.alarms import alarms, facts
from worker.reading.red_flags import nobody_on_call, red_flags
from worker.reading.red_flags import on_call as listed
from worker.rules.names import Channel
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(hours=1)
CLOCK = timedelta(minutes=30)
WORDS = "it is bleeding and I have a fever"


def _says(house, words=WORDS, *, now=DUE, phone=ALICES_PHONE):
    return builders.text_from(house.lakeside, phone, words, now=now)


def _rung(now):
    """Who was called by a round of the post: number and words, alerts only."""
    provider = post.Provider()
    post.round_of_post(now, provider)
    return sorted((out.to, out.body) for out in provider.taken if "/inbox" in out.body)


def _late(now):
    """Who was called when the clock ran out."""
    escalate(now=now)
    return _rung(now)


def test_the_practitioner_is_called_at_once_without_name_or_words(house, alice, on_call):
    """Rules 41, 60, P9: one alert, to Dr Okafor's own number, which says nothing about anybody."""
    _says(house)
    ((to, body),) = _rung(DUE)
    assert to == OKAFORS_PHONE
    for secret in ("Alice", "bleed", "fever", ALICES_PHONE, "555-0123"):
        assert secret not in body
    assert Message.objects.get(cls="staff").client_id is None
    conversation = Conversation.objects.get()
    assert (conversation.client_id, conversation.red_at, conversation.answer_by) == (alice.pk, DUE, DUE + CLOCK)


def test_a_second_red_text_of_the_same_evening_calls_nobody_again(house, alice, on_call):
    """One clock, one call; both texts are before staff."""
    _says(house)
    _says(house, "now there is pus", now=DUE + timedelta(minutes=2))
    assert len(_rung(DUE + timedelta(minutes=2))) == 1
    assert StaffTask.objects.filter(kind="red_flag_reply").count() == 2
    assert Conversation.objects.get().answer_by == DUE + CLOCK


def test_the_clock_runs_out_and_everybody_on_call_is_called_three_times(house, alice, on_call):
    """An unread warning sign escalates, and is an alarm until somebody answers."""
    _says(house)
    _rung(DUE)
    assert escalate(now=DUE + CLOCK - timedelta(seconds=1)) == 0
    for times in (1, 2, 3):
        late = DUE + CLOCK * times
        assert (escalate(now=late), escalate(now=late)) == (1, 0)
        assert [to for to, _ in _rung(late)] == [OKAFORS_PHONE, SAMS_PHONE]
    assert escalate(now=DUE + CLOCK * 4) == 0
    assert StaffTask.objects.filter(kind="red_flag_unanswered").count() == 1
    assert red_flags(now=DUE + CLOCK * 4) == (1, 1, CLOCK.total_seconds() * 4)
    assert "red_flags" in [each.code for each in alarms(facts(now=DUE + CLOCK, machine=DUE))]
    assert "red_flags" not in [each.code for each in alarms(facts(now=DUE + CLOCK / 2, machine=DUE))]


def test_an_answer_stops_the_clock_and_the_alarm(house, alice, on_call):
    """Whoever calls her says so; the tasks are done, and nobody is called again."""
    _says(house)
    _rung(DUE)
    pk = Conversation.objects.get().pk
    with pytest.raises(Refusals, match="nobody answered"):
        close(clinic=house.lakeside, conversation_id=pk, by=SAM, now=DUE)
    note_answer(clinic=house.lakeside, conversation_id=pk, how=Answer.CALLED, by=OKAFOR, now=DUE + CLOCK / 2)
    assert escalate(now=DUE + CLOCK * 2) == 0
    assert red_flags(now=DUE + CLOCK) == (0, 0, 0.0)
    assert not StaffTask.objects.filter(kind="red_flag_reply", done_at__isnull=True).exists()
    assert close(clinic=house.lakeside, conversation_id=pk, by=SAM, now=DUE + CLOCK, no_stop=True) >= 0


def test_a_red_flag_after_an_answer_starts_a_new_clock(house, alice, on_call):
    """What was answered at noon says nothing about the evening."""
    _says(house)
    _rung(DUE)
    pk = Conversation.objects.get().pk
    note_answer(clinic=house.lakeside, conversation_id=pk, how=Answer.CALLED, by=OKAFOR, now=DUE + CLOCK / 2)
    later = DUE + timedelta(hours=5)
    _says(house, "the redness is spreading, and a fever", now=later)
    assert [to for to, _ in _rung(later)] == [OKAFORS_PHONE]
    assert red_flags(now=later).waiting == 1
    assert Conversation.objects.get().pk == pk


def test_a_mail_calls_as_a_text_does(house, alice, on_call):
    """Rules 41, 124: whichever way she writes."""
    row = builders.standing_of(alice, "email")
    mail = MailReply(
        key="a" * 64, sender="alice@example.com", clinics=(house.lakeside.pk,), named=row.pk, by_link=False,
        subject="", words="there is pus and a fever, what should I do?", unread=False, received_at=DUE,
    )  # fmt: skip
    mail_reply(mail, now=DUE)
    assert [to for to, _ in _rung(DUE)] == [OKAFORS_PHONE]


def test_nobody_on_call_is_a_task_and_never_silence(house, alice):
    """P5: a clinic where nobody agreed hears of it by the desk's list."""
    _says(house)
    assert _rung(DUE) == []
    assert StaffTask.objects.filter(kind="nobody_on_call", client=alice, due_at=DUE).count() == 1


def test_staff_are_not_written_to_without_their_yes_nor_after_stop(house, alice, on_call):
    """Staff messages have their own opt-in: no tick, no row; STOP from that phone, or leaving, ends it at the gate."""
    with pytest.raises(Refusals, match="affirmed"):
        agree(clinic=house.lakeside, by=SAM, address=SAMS_PHONE, affirmed=False, now=NOW)
    _says(house)
    builders.text_from(house.lakeside, OKAFORS_PHONE, "STOP", now=DUE)
    assert _rung(DUE) == []
    assert Message.objects.get(cls="staff").reason == "suppressed"
    leave(clinic=house.lakeside, by=SAM, channel=Channel.SMS, now=DUE)
    escalate(now=DUE + CLOCK)
    assert _rung(DUE + CLOCK) == []
    assert StaffTask.objects.filter(kind="nobody_on_call").exists()


def test_one_of_the_staff_who_answers_an_alert_is_no_client(house, alice, on_call):
    """ "On my way" from Sam's phone opens no conversation."""
    _says(house, "on my way", phone=SAMS_PHONE)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("words", ["ok I will call her now", "who is it?", "no"])
def test_one_of_the_staff_who_answers_an_alert_is_called_again_the_next_time(house, alice, on_call, words):
    """Rule 41: her answer is no client's doubt, so nothing of hers is held, and every later alert reaches her."""
    _says(house)
    _rung(DUE)
    _says(house, words, phone=OKAFORS_PHONE, now=DUE + timedelta(minutes=2))
    assert not Hold.objects.filter(standing=on_call[0].standing).exists()
    assert not StaffTask.objects.filter(kind="unclear_reply").exists()
    assert OKAFORS_PHONE in [to for to, _ in _late(DUE + CLOCK)]


def test_one_of_the_staff_who_answers_an_alert_by_mail_is_mailed_again(house, on_call):
    """Rules 41, 124: the same for a mailbox on call; a STOP from there still ends it."""
    mine = agree(clinic=house.lakeside, by=OKAFOR, address="okafor@example.com", affirmed=True, now=NOW)
    mail = MailReply(
        key="b" * 64, sender="okafor@example.com", clinics=(house.lakeside.pk,), named=None, by_link=False,
        subject="", words="ok I will call her now", unread=False, received_at=DUE,
    )  # fmt: skip
    mail_reply(mail, now=DUE)
    assert not Hold.objects.exists()
    assert not StaffTask.objects.exists()
    mail_reply(replace(mail, key="c" * 64, words="STOP"), now=DUE)
    mine.standing.refresh_from_db()
    assert mine.standing.suppressed_at is not None


def test_a_client_who_is_on_call_as_well_is_a_client(house, alice):
    """Rule 17: her doubt counts, although one of the staff is called on the same phone."""
    agree(clinic=house.lakeside, by=OKAFOR, address=ALICES_PHONE, affirmed=True, now=NOW)
    _says(house, "who is it?")
    assert builders.standing_of(alice).held_why == "unclear_reply"


def test_who_is_on_hold_is_not_on_call(house, alice, on_call):
    """Rule 41, P5: an address that gets nothing is counted as none: the list, the task and doctor say so."""
    for contact in on_call:
        hold_standing(contact.standing, why="provider_review", source="", now=NOW)
    assert [each["stopped"] for each in listed(house.lakeside.pk)] == [False, False]
    assert [each["held"] for each in listed(house.lakeside.pk)] == [True, True]
    assert house.lakeside.slug in nobody_on_call()
    _says(house)
    assert StaffTask.objects.filter(kind="nobody_on_call", client=alice).count() == 1


def test_an_unknown_number_with_a_warning_sign_is_heard_as_well(house, on_call):
    """Rule 41: somebody who writes from another phone bleeds just as much."""
    _says(house, phone="+12125550166")
    assert [to for to, _ in _rung(DUE)] == [OKAFORS_PHONE]
    assert Conversation.objects.get().client_id is None


def test_the_other_clinic_is_not_called(house, on_call):
    """P10: Bob's clinic has its own people."""
    builders.bob()
    builders.text_from(house.hillside, builders.BOBS_PHONE, WORDS, now=DUE)
    assert _rung(DUE) == []
