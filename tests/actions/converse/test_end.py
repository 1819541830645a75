"""A conversation ends by somebody with a name, and then the course goes on, never past its useful time (P5, P7)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, SAM
from worker import clock
from worker.actions.consent.desk_hold import hold_client, undo_hold
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.release import release_client
from worker.actions.converse.end import close, reopen
from worker.actions.converse.thread import assign, reply
from worker.actions.send.due import close_missed
from worker.management.cli import main
from worker.models import Conversation, Event, Hold, StaffTask, Standing
from worker.reading.chain import faults
from worker.reading.inbox import inbox
from worker.reading.silences import silences
from worker.rules.refusal import Refusals
from worker.rules.release import ReleaseReason

DUE = NOW + timedelta(hours=1)
UNCLEAR = "this is a lot of texts, is that needed?"


def _says(house, words=UNCLEAR, *, now=DUE):
    builders.text_from(house.lakeside, ALICES_PHONE, words, now=now)
    return Conversation.objects.latest("pk")


def _close(house, conversation, *, now=DUE, **more):
    return close(clinic=house.lakeside, conversation_id=conversation.pk, by=SAM, now=now, **more)


def _held(alice):
    post.round_of_post(DUE)
    post.round_of_post(DUE, channel="email")
    return {builders.message(alice, "same-day", each).reason for each in ("sms", "email")}


def test_an_unclear_reply_holds_until_somebody_says_it_is_no_stop(house, alice):
    """Rule 17: not closed away without that word; with it both channels go on, and hold and task are done."""
    conversation = _says(house)
    assert _held(alice) == {"on_hold", "conversation_open"}
    with pytest.raises(Refusals, match="may mean stop"):
        _close(house, conversation)
    assert _close(house, conversation, no_stop=True) == 1
    assert post.round_of_post(DUE) == ["same-day"]
    assert post.round_of_post(DUE, channel="email") == ["same-day"]
    assert not StaffTask.objects.filter(kind="unclear_reply", done_at__isnull=True).exists()
    conversation.refresh_from_db()
    staff = Event.objects.get(kind="conversation", code="closed").actor
    assert (conversation.closed_at, conversation.closed_by) == (DUE, staff)
    assert faults() == []


def test_closing_brings_nothing_back_whose_time_has_passed(house, alice):
    """P7: it stays held until it is missed, and becomes a task for a person; closing late sends nothing old."""
    conversation = _says(house)
    _held(alice)
    late = max(builders.message(alice, "same-day", each).expires_at for each in ("sms", "email"))
    _close(house, conversation, no_stop=True, now=late)
    assert "same-day" not in post.round_of_post(late, channel="email")
    close_missed(now=late, machine=late)
    assert builders.message(alice, "same-day", "email").state == "missed"
    assert StaffTask.objects.filter(kind="hand_over", client=alice, facts__channel="email").exists()


def test_the_next_reply_opens_a_new_one_and_holds_again(house, alice):
    """What was closed is over: she writes again, and a person is asked again."""
    first = _says(house)
    _close(house, first, no_stop=True)
    second = _says(house, now=DUE + timedelta(minutes=5))
    assert second.pk != first.pk
    assert second.holds
    assert builders.standing_of(alice).held_at is not None


def test_a_closing_is_taken_back(house, alice):
    """The slip of a finger: what is to come waits again; twice is once, and beside a newer one it is refused."""
    conversation = _says(house)
    _close(house, conversation, no_stop=True)
    for _ in range(2):
        reopen(clinic=house.lakeside, conversation_id=conversation.pk, by=SAM, now=DUE)
    assert _held(alice) == {"conversation_open"}
    assert Event.objects.filter(kind="conversation", code="reopened").count() == 1
    _close(house, conversation)
    _says(house)
    with pytest.raises(Refusals, match="newer one"):
        reopen(clinic=house.lakeside, conversation_id=conversation.pk, by=SAM, now=DUE)


def test_whoever_releases_her_address_has_closed_what_only_the_unclear_reply_opened(house, alice):
    """`aftercare release` and "Go on" mean it: no thread keeps holding what they let go; one that is led stays open."""
    said = {"client_id": alice.pk, "by": SAM, "reason": ReleaseReason.HARMLESS, "now": DUE}
    conversation = _says(house)
    assert _held(alice) == {"on_hold", "conversation_open"}
    release_client(**said)
    assert post.round_of_post(DUE, channel="email") == ["same-day"]
    conversation.refresh_from_db()
    assert conversation.closed_at == DUE
    led = _says(house)
    assign(clinic=house.lakeside, conversation_id=led.pk, by=SAM, now=DUE)
    release_client(**said)
    led.refresh_from_db()
    assert led.closed_at is None


def test_a_last_word_closes_in_one_press(house, alice):
    """Said and closed: her text goes, and so does what waited."""
    conversation = _says(house)
    _held(alice)
    reply(
        clinic=house.lakeside, conversation_id=conversation.pk, words="Just two more. See you soon.", by=SAM, key="k",
        now=DUE, no_stop=True, and_close=True,
    )  # fmt: skip
    assert sorted(post.round_of_post(DUE)) == ["same-day", "staff-reply"]


def test_a_last_word_closes_over_no_unclear_mail(house, alice):
    """Rule 17: her phone is answered and her mailbox held by a mail that may mean stop; nobody closes over that."""
    conversation = _says(house, "can I go swimming?")
    mailbox = builders.standing_of(alice, "email")
    hold_standing(mailbox, why="unclear_reply", source="inbound:0", now=DUE)
    said = {"clinic": house.lakeside, "conversation_id": conversation.pk, "words": "See you soon.", "by": SAM}
    with pytest.raises(Refusals, match="may mean stop"):
        reply(**said, key="k", now=DUE, and_close=True)
    reply(**said, key="k", now=DUE)
    with pytest.raises(Refusals, match="may mean stop"):
        reply(**said, key="k", now=DUE, and_close=True)
    reply(**said, key="k", now=DUE, and_close=True, no_stop=True)
    mailbox.refresh_from_db()
    assert mailbox.held_at is None


def test_closing_ends_only_what_her_own_words_held(house, alice):
    """Rule 17: what the provider reported, or the desk paused, stays until somebody looks into that as well."""
    conversation = _says(house)
    row = builders.standing_of(alice)
    hold_standing(row, why="provider_review", source="attempt:7", now=DUE)
    hold_client(client_id=alice.pk, by="staff:1", now=DUE)
    _held(alice)
    _close(house, conversation, no_stop=True)
    row.refresh_from_db()
    assert row.held_why == "provider_review"
    open_ones = Hold.objects.filter(standing=row, released_at__isnull=True)
    assert sorted(open_ones.values_list("why", flat=True)) == ["desk", "provider_review"]
    assert not StaffTask.objects.filter(kind="unclear_reply", done_at__isnull=True).exists()
    assert "same-day" not in post.round_of_post(DUE)
    assert list(silences(house.lakeside.pk)) == []
    Standing.objects.filter(pk=row.pk).update(held_at=None, held_why=None)
    assert len(list(silences(house.lakeside.pk))) == 1, "whoever frees it behind our back is found"
    row.save()
    release_client(client_id=alice.pk, by=SAM, reason=ReleaseReason.MISTAKE, now=DUE)
    row.refresh_from_db()
    assert (row.held_why, open_ones.count()) == (None, 0)
    assert faults() == []


def test_a_pause_taken_back_leaves_what_held_her_before(house, alice):
    """Rule 17: the desk's own pause ends, whatever came first stays; what came on top is read first."""
    row = builders.standing_of(alice)
    hold_standing(row, why="provider_review", source="attempt:7", now=DUE)
    assert hold_client(client_id=alice.pk, by="staff:1", now=DUE) == 2
    with pytest.raises(Refusals, match="paused already"):
        hold_client(client_id=alice.pk, by="staff:1", now=DUE)
    undo_hold(client_id=alice.pk, by="staff:1", now=DUE)
    row.refresh_from_db()
    assert row.held_why == "provider_review"
    assert builders.standing_of(alice, "email").held_at is None
    hold_client(client_id=alice.pk, by="staff:1", now=DUE)
    _says(house)
    with pytest.raises(Refusals, match="on hold again"):
        undo_hold(client_id=alice.pk, by="staff:1", now=DUE)


def test_the_inbox_has_the_most_pressing_first(house, alice):
    """Warning signs by their clock, then what holds a course, then what is only to be read."""
    builders.text_from(house.lakeside, "+12125550166", "thank you so much", now=DUE)
    builders.text_from(house.lakeside, "+12125550167", UNCLEAR, now=DUE)
    _says(house, "it is bleeding and I have a fever")
    rows = inbox(house.lakeside, now=DUE + timedelta(hours=1))
    assert [each.kind for each in rows] == ["red_flag", "waits", "to_read"]
    assert (rows[0].name, rows[0].late, rows[0].words) == ("Alice Moreau", True, "it is bleeding and I have a fever")
    assert inbox(house.hillside, now=DUE) == []


def test_the_command_lists_answers_closes_and_reopens(house, alice, settings, tmp_path, capsys):
    """One line each, ids only (P9); a refusal is exit 1 with the mend (P12)."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE)
    conversation = _says(house, "it is bleeding and I have a fever")
    both = ["conversations", "--clinic", "lakeside"]
    assert main([*both, "--json"]) == 0
    said = capsys.readouterr().out
    assert json.loads(said)[0]["kind"] == "red_flag"
    assert "Alice" not in said
    assert "bleed" not in said
    whom = [str(conversation.pk), "--by", SAM]
    assert main([*both, "close", "--no-stop", *whom]) == 1
    assert "answer it, or call her" in capsys.readouterr().err
    assert main([*both, "answered", *whom]) == 0
    assert main([*both, "close", "--no-stop", *whom]) == 0
    assert main([*both, "reopen", *whom]) == 0
    capsys.readouterr()
    assert main([*both, "--json"]) == 0
    assert [each["kind"] for each in json.loads(capsys.readouterr().out)] == ["waits"]
