"""An operator's hands: what failed or is unknown is listed, sent again through every gate, or given up (P4, P5)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.actions.course.unsettled import give_up, retry
from worker.actions.send.doubt import settle_unknown
from worker.channels.base import Unknown
from worker.management import cli
from worker.models import Event, Message, StaffTask
from worker.reading.chain import faults
from worker.reading.unsettled import failed, unknown

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed."""
    return post.alice_confirmed()


@pytest.fixture
def refused(alice):
    """Her first text, refused with a code that nobody knows."""
    return post.refused_first(alice, "99999", at=DUE)


@pytest.fixture
def calendar(settings, tmp_path):
    """The command reads the calendar: it stands at the hour at which the text was due."""
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(DUE + timedelta(minutes=1))


def _ids(rows):
    return [row["id"] for row in rows]


def test_what_failed_is_listed_with_its_reason(refused):
    """P5, rule 147: with the provider's raw code, whether it is still of use, and only as far back as asked."""
    (row,) = failed(now=DUE).rows
    assert (row["id"], row["state"], row["reason"], row["useful"]) == (refused.pk, "refused", "code:99999", True)
    assert _ids(failed(now=DUE, reason="code:99999", clinic="lakeside").rows) == [refused.pk]
    assert failed(now=DUE, clinic="hillside").rows == failed(now=DUE, reason="code:1").rows == []
    assert failed(now=DUE + timedelta(days=8)).rows == []


def test_a_retry_goes_once_more_through_every_gate(refused, alice):
    """P4: under its next number; pressed twice it is one, and it leaves the list."""
    assert retry(message_ids=[refused.pk, refused.pk], by="ops", now=DUE)[refused.pk] != ""
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 2
    assert failed(now=DUE).rows == []
    assert post.round_of_post(DUE) == ["same-day"]
    assert Event.objects.get(kind="resent").actor == "ops"
    assert faults() == []


def test_a_retry_after_a_stop_does_not_leave(refused, house):
    """P2, rule 147: no operator's hand is stronger than her word; what is replayed passes every gate anew."""
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=DUE)
    retry(message_ids=[refused.pk], by="ops", now=DUE)
    assert "same-day" not in post.round_of_post(DUE)


def test_a_retry_past_its_time_is_refused(refused):
    """P7: late advice is no advice."""
    told = retry(message_ids=[refused.pk], by="ops", now=refused.expires_at)
    assert "is not true any more" in told[refused.pk]


def test_given_up_is_given_up_and_on_record(refused):
    """P8: who gave it up, and what it was."""
    assert give_up(message_ids=[refused.pk], by="ops", now=DUE) == {refused.pk: ""}
    assert failed(now=DUE).rows == []
    told = Event.objects.get(kind="given_up")
    assert (told.actor, told.facts) == ("ops", {"was": "refused", "reason": "code:99999"})


def test_what_is_still_looked_into_is_nobodys_to_send(alice):
    """P4: first the provider is asked; a person comes after it."""
    post.round_of_post(DUE, post.Provider([Unknown("reset")]))
    message = builders.message(alice, "same-day")
    assert _ids(unknown(now=DUE).rows) == [message.pk]
    assert "still being asked" in retry(message_ids=[message.pk], by="ops", now=DUE)[message.pk]
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 1


def test_an_unresolved_mail_is_listed_and_its_task_ends_with_it(house):
    """P5: the list, the task and the decision are one thing."""
    client = builders.alice(consents=builders.SERVICE[2:]).client
    post.confirmed(NOW)
    post.round_of_post(DUE, post.Provider([Unknown("no answer")]), channel="email")
    for minutes in (0, 11):
        settle_unknown(now=DUE, machine=clock.machine() + timedelta(minutes=minutes))
    mail = builders.message(client, "same-day", "email")
    (row,) = unknown(now=DUE).rows
    assert (row["id"], row["reason"]) == (mail.pk, "no_list_to_ask")
    assert row["task"] == StaffTask.objects.get(kind="unknown_outcome").pk
    assert retry(message_ids=[mail.pk], by="ops", now=DUE) == {mail.pk: ""}
    assert unknown(now=DUE).rows == []
    assert StaffTask.objects.get(kind="unknown_outcome").done_by == "ops"
    assert post.round_of_post(DUE, channel="email") == []  # the first may have rung: the cap counts it
    assert post.round_of_post(DUE + timedelta(hours=4), channel="email") == ["same-day"]


def test_the_command_shows_first_and_acts_on_yes(refused, calendar, capsys):
    """Bulk has a preview; an id that is not listed is said."""
    assert cli.main(["failed", "--json"]) == 0
    assert _ids(json.loads(capsys.readouterr().out)) == [refused.pk]
    assert cli.main(["failed", "retry"]) == 0
    assert "1 would be planned again" in capsys.readouterr().out
    assert Message.objects.filter(occasion__endswith=":r1").count() == 0
    assert cli.main(["failed", "retry", "999999"]) == 1
    assert "999999  is not in this list" in capsys.readouterr().out
    assert cli.main(["failed", "retry", "--yes", "--by", "ops"]) == 0
    assert "planned again" in capsys.readouterr().out
    assert cli.main(["failed"]) == 0
    assert capsys.readouterr().out == "nothing\n"
    assert cli.main(["unknown", "give-up", "--yes"]) == 0
