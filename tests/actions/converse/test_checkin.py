"""What a client taps on her care page: kept sealed, and a red answer before a person at once (rules 41, 42)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.converse.conftest import OKAFORS_PHONE
from tests.builders import NOW, OKAFOR, PROTOCOL
from worker import rendering
from worker.actions.converse.checkin import answer_checkin
from worker.actions.protocols.approve import the_protocol, withdraw
from worker.models import CheckinAnswer, Conversation, Link, StaffTask
from worker.reading.red_flags import red_flags
from worker.rules.refusal import Refusals

DUE = NOW + timedelta(days=1)


def _answers(house, **changed):
    source = rendering.version(Link.objects.get().version.document).source
    return dict.fromkeys(source.step("day-1").questions, "no") | changed


def _tap(house, *, now=DUE, step="day-1", **changed):
    return answer_checkin(link_id=Link.objects.get().pk, step_code=step, answers=_answers(house, **changed), now=now)


def test_calm_answers_are_kept_and_trouble_nobody(house, alice, on_call):
    """They are sealed; no conversation, no task, no call."""
    assert _tap(house) == (False, False)
    stored = CheckinAnswer.objects.get()
    assert (stored.red, stored.step.code) == (False, "day-1")
    assert b"fever" not in bytes(stored.answers_sealed)
    assert not Conversation.objects.exists()
    assert not StaffTask.objects.exists()


def test_a_red_answer_feeds_the_same_queue_as_a_red_reply(house, alice, on_call):
    """Clock, call, task and held texts, as if she had written it."""
    assert _tap(house, fever="yes") == (True, False)
    provider = post.Provider()
    post.round_of_post(DUE, provider)
    assert [out.to for out in provider.taken] == [OKAFORS_PHONE]
    assert red_flags(now=DUE).waiting == 1
    assert StaffTask.objects.get(kind="red_flag_checkin").client_id == alice.pk


def test_a_wish_to_be_called_is_a_conversation_without_a_clock(house, alice, on_call):
    """A question with no red answer asks for a person, not for an alarm, and holds nothing."""
    _tap(house, question="yes")
    conversation = Conversation.objects.get()
    assert (conversation.red_at, conversation.holds) == (None, False)
    assert StaffTask.objects.get().kind == "asks_for_call"


def test_the_same_page_sent_twice_is_one_answer_and_a_change_is_another(house, alice, on_call):
    """P4: a slow phone sends again; an hour later she may have a fever."""
    assert _tap(house) == (False, False)
    assert _tap(house, now=DUE + timedelta(minutes=1)) == (False, True)
    assert _tap(house, now=DUE + timedelta(hours=1), fever="yes") == (True, False)
    assert CheckinAnswer.objects.count() == 2


@pytest.mark.parametrize("spoilt", [{"fever": ""}, {"fever": "perhaps"}, {"pus": None}])
def test_half_an_answer_changes_nothing(house, alice, spoilt):
    """P12: every question, yes or no."""
    before = builders.counts()
    with pytest.raises(Refusals, match="yes or no"):
        _tap(house, **spoilt)
    assert builders.counts() == before


def test_nothing_is_asked_without_an_approval_or_after_its_link(house, alice):
    """P3: withdrawn questions take no answers; nor does a step that asks none, nor an ended link."""
    with pytest.raises(Refusals, match="asks nothing"):
        _tap(house, step="day-14")
    Link.objects.update(ended_at=DUE)
    with pytest.raises(Refusals, match="has ended"):
        _tap(house)
    Link.objects.update(ended_at=None)
    withdraw(protocol=the_protocol(PROTOCOL, clinic_slug="lakeside"), by=OKAFOR, now=DUE)
    with pytest.raises(Refusals, match="asks nothing at the moment"):
        _tap(house)
    assert not CheckinAnswer.objects.exists()
