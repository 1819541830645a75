"""After an outage: what is still useful goes once more through every gate, the rest is told to staff (P4, P5, P7)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker import clock
from worker.actions.consent.hold import hold_standing, pause
from worker.actions.course.outage import KIND
from worker.actions.course.unsettled import give_up
from worker.actions.send.due import close_missed, doubt_silent
from worker.channels.base import Accepted, Refused, Unknown
from worker.management.cli import main
from worker.models import Appointment, Attempt, Event, Message, StaffTask, Treatment
from worker.models.hold import PauseScope
from worker.reading.chain import faults
from worker.reading.tasks import listed

DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]
BEGAN, ENDED = DUE - timedelta(hours=1), DUE + timedelta(hours=2)
BACK = DUE + timedelta(minutes=5)
WINDOW = ["--from", BEGAN.isoformat(), "--to", ENDED.isoformat()]
MENDED = "30007"  # a carrier's filter: neither her address nor her wish


@pytest.fixture(autouse=True)
def _calendar(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(BACK)


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, confirmed."""
    return post.alice_confirmed()


@pytest.fixture
def refused(alice):
    """Her first text, refused for a reason of the provider's."""
    return post.refused_first(alice, MENDED, at=DUE)


@pytest.fixture
def missed(alice):
    """Her first text, which nobody sent before its useful time was over: the workers were down."""
    message = builders.message(alice, "same-day")
    after = message.expires_at + timedelta(minutes=1)
    close_missed(now=after, machine=clock.machine() + timedelta(days=1))
    clock.step_to(after)
    return builders.message(alice, "same-day")


def _replayed(capsys, *more):
    assert main(["replay", *WINDOW, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def _fates(said):
    return [(row["id"], row["fate"], row["plain"]) for row in said["messages"]]


def test_a_look_says_what_would_go_again_and_changes_nothing(refused, capsys):
    """P12, rule 147: bulk has a preview; the look runs the act and its gates, and takes all of it back."""
    before = builders.counts()
    said = _replayed(capsys)
    assert [(row["id"], row["fate"], row["step"]) for row in said["messages"]] == [(refused.pk, "again", "same-day")]
    assert said["done"] is False
    assert builders.counts() == before
    assert main(["replay", *WINDOW]) == 0
    out = capsys.readouterr().out
    assert "1  same-day by sms  would be planned again" in out
    assert f"message {refused.pk} client {refused.client_id}" in out
    assert "Nothing was done: add --yes" in out
    assert "Alice" not in out
    assert ALICES_PHONE not in out


def test_what_is_useful_goes_once_however_often_it_is_said(refused, alice, capsys):
    """P4, P8: under its next number, by the way of each retry; a second replay finds nothing; the chain has who."""
    said = _replayed(capsys, "--yes", "--by", "Sam")
    assert [row["fate"] for row in said["messages"]] == ["again"]
    assert _replayed(capsys, "--yes", "--by", "Sam")["messages"] == []
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 2
    assert post.round_of_post(clock.now()) == ["same-day"]
    assert _replayed(capsys, "--yes")["messages"] == []
    assert Event.objects.get(kind="resent").actor == "Sam"
    told = Event.objects.get(kind="replayed")
    assert (told.actor, told.code, told.subject) == ("Sam", "outage", f"clinic:{refused.clinic_id}")
    assert (told.facts["again"], told.facts["since"]) == (1, BEGAN.isoformat())
    assert faults() == []


def test_what_is_too_late_is_told_to_the_clinic_once(missed, alice, capsys):
    """P5, P7: late advice is no advice; one task a clinic says how many missed which step, whatever the window."""
    said = _replayed(capsys)
    assert _fates(said) == [(missed.pk, "too_late", "its useful time was over")]
    assert said["tasks"] == 1
    assert not StaffTask.objects.filter(kind=KIND).exists()
    assert _replayed(capsys, "--yes")["tasks"] == 1
    task = StaffTask.objects.get(kind=KIND)
    assert (task.clinic_id, task.client_id) == (alice.clinic_id, None)
    assert task.facts["steps"] == [{"step": "same-day", "channel": "sms", "clients": 1}]
    assert (task.facts["clients"], task.facts["messages"]) == ([alice.pk], [missed.pk])
    assert next(row for row in listed(now=clock.now()) if row["id"] == task.pk)["plain"].startswith("an outage")
    assert _replayed(capsys, "--yes")["tasks"] == 0
    wider = ["--from", (BEGAN - timedelta(days=1)).isoformat(), "--to", (ENDED + timedelta(days=1)).isoformat()]
    assert main(["replay", *wider, "--yes"]) == 0
    assert StaffTask.objects.filter(kind=KIND).count() == 1
    assert Event.objects.filter(kind="replayed").count() == 1
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 1


def test_a_step_that_no_hour_is_left_for_is_too_late(refused, capsys):
    """P6, P7: useful until midnight, but no hour of the clinic's or the law's comes before: it is told, not planned."""
    night = refused.expires_at - timedelta(minutes=1)
    clock.step_to(night)
    assert [row["fate"] for row in _replayed(capsys, "--yes")["messages"]] == ["too_late"]
    assert Message.objects.filter(step__code="same-day").count() == 1
    assert StaffTask.objects.filter(kind=KIND).count() == 1


def _stops(message):
    builders.text_from(message.clinic, ALICES_PHONE, "STOP", now=BACK)


def _is_held(message):
    hold_standing(message.standing, why="unclear_reply", source="tests", now=BACK)


def _withdraws(message):
    message.standing.grants.update(state="revoked")


def _is_corrected(message):
    Treatment.objects.filter(pk=message.treatment_id).update(generation=2)


def _is_paused(message):
    pause(scope=PauseScope.CLINIC, value=str(message.clinic_id), why="x", by="Sam", now=BACK)


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_stops, "can't be sent again: she said stop on 12 January 2027"),
        (_is_held, "a reply was unclear, and a person has to look first"),
        (_withdraws, "can't be sent again: she does not agree to it at her address of today"),
        (_is_corrected, "the visit or treatment it spoke of was changed"),
        (_is_paused, "sending was paused"),
    ],
)
def test_what_a_gate_refuses_is_not_planned(refused, capsys, happens, why):
    """P1, P2, P7, rule 147: no replay is stronger than her word, a hold, a pause, or what became of the session."""
    happens(refused)
    many = Message.objects.count()
    for yes in ((), ("--yes",)):
        assert _fates(_replayed(capsys, *yes)) == [(refused.pk, "refused", why)]
    assert Message.objects.count() == many
    assert not StaffTask.objects.filter(kind=KIND).exists()
    assert not Event.objects.filter(kind__in=("resent", "replayed")).exists()


def test_a_cancelled_visits_reminder_is_nobodys_to_send_or_to_call_about(house, capsys):
    """P7: what was missed for a visit that no longer stands is neither replayed nor put before staff."""
    client = builders.alice(consents=SMS, visit=NOW + timedelta(days=1, hours=2)).client
    post.confirmed(NOW)
    reminder = Message.objects.filter(client=client, appointment__isnull=False).order_by("due_at").first()
    Message.objects.filter(pk=reminder.pk).update(state="missed", reason="too_late", due_at=DUE, expires_at=BACK)
    Appointment.objects.filter(pk=reminder.appointment_id).update(status="cancelled")
    assert _fates(_replayed(capsys, "--yes")) == [
        (reminder.pk, "refused", "the visit or treatment it spoke of was changed")
    ]
    assert not StaffTask.objects.filter(kind=KIND).exists()


@pytest.mark.parametrize("outcome", [Unknown("reset"), Accepted("SM1", 1)], ids=["unknown", "undelivered"])
def test_what_may_have_left_is_never_replayed(alice, capsys, outcome):
    """P4: whether its outcome is unknown, was given up as such, or it came back after the provider took it."""
    post.round_of_post(DUE, post.Provider([outcome]))
    message = builders.message(alice, "same-day")
    states = ["unknown", "unresolved"] if isinstance(outcome, Unknown) else ["undelivered"]
    for state in states:
        Message.objects.filter(pk=message.pk).update(state=state)
        for yes in ((), ("--yes",)):
            assert [(row["id"], row["fate"]) for row in _replayed(capsys, *yes)["messages"]] == [
                (message.pk, "may_have_left")
            ]
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 1
    clock.step_to(message.expires_at + timedelta(minutes=1))
    assert [row["fate"] for row in _replayed(capsys, "--yes")["messages"]] == ["may_have_left"]
    assert not StaffTask.objects.filter(kind=KIND).exists()


def test_a_step_whose_first_number_may_have_left_stays(refused, capsys):
    """P4: the guard asks every number of the step, not the last one alone."""
    Attempt.objects.filter(message=refused).update(state="accepted")
    assert [row["fate"] for row in _replayed(capsys, "--yes")["messages"]] == ["may_have_left"]


def test_a_worker_that_died_in_its_call_is_no_outage_to_replay(alice, capsys):
    """P4, P11: killed between the mark and the answer, nobody knows; the provider is asked, nothing is repeated."""
    post.decided(post.prepare(post.claimed(DUE), now=DUE), DUE)
    doubt_silent(now=BACK, machine=DUE + timedelta(hours=1))
    assert [row["fate"] for row in _replayed(capsys, "--yes")["messages"]] == ["may_have_left"]
    assert Message.objects.filter(client=alice, step__code="same-day").count() == 1


@pytest.mark.parametrize("code", ["21211", "21614"])
def test_an_address_that_was_refused_is_no_outage(alice, capsys, code):
    """Rule 87: what was wrong with her number is not mended by the provider's return."""
    post.round_of_post(DUE, post.Provider([Refused(code)]))
    assert _replayed(capsys, "--yes")["messages"] == []


def test_what_was_given_up_stays_so(refused, capsys):
    """P5: an operator's decision is not undone by a replay."""
    give_up(message_ids=[refused.pk], by="ops", now=BACK)
    assert _replayed(capsys, "--yes")["messages"] == []


def test_only_the_window_the_clinic_and_the_channel_that_were_named(refused, capsys):
    """P12: a narrower question has a smaller answer; a clinic that nobody has is refused."""
    assert _replayed(capsys, "--clinic", "hillside")["messages"] == []
    assert _replayed(capsys, "--channel", "email")["messages"] == []
    later = ["--from", (DUE + timedelta(hours=1)).isoformat(), "--to", (DUE + timedelta(hours=2)).isoformat()]
    assert main(["replay", *later]) == 0
    assert capsys.readouterr().out.endswith("nothing was missed or refused then\n")
    assert len(_replayed(capsys, "--clinic", "lakeside", "--channel", "sms")["messages"]) == 1
    assert main(["replay", *WINDOW, "--clinic", "nosuch"]) == 1
    assert "clinic: is not known here" in capsys.readouterr().err


@pytest.mark.parametrize("moment", ["2027-01-12T10:00:00", "yesterday", "2027-13-01T10:00:00Z", ""])
def test_a_moment_without_its_zone_is_a_usage_error(house, capsys, moment):
    """P6, P12: ten o'clock is another hour at each clinic."""
    with pytest.raises(SystemExit, match="2"):
        main(["replay", "--from", moment, "--to", ENDED.isoformat()])
    assert "is no moment with its zone, such as 2027-03-08T10:00:00-05:00" in capsys.readouterr().err


def test_a_window_that_ends_before_it_begins_is_refused(house, capsys):
    """P12: nothing would be found, and that would read like good news."""
    assert main(["replay", "--from", ENDED.isoformat(), "--to", BEGAN.isoformat()]) == 1
    assert "--to: is not after --from" in capsys.readouterr().err


def test_after_a_long_outage_the_newest_step_goes_first(alice, capsys):
    """P6, P7, rule 51: several steps of one client are planned, and the caps space them; none rings twice."""
    first = builders.message(alice, "same-day")
    second = builders.message(alice, "day-1")
    for message in (first, second):
        Message.objects.filter(pk=message.pk).update(
            state="refused", reason=f"code:{MENDED}", due_at=DUE, decided_at=DUE, expires_at=DUE + timedelta(days=1)
        )
    said = _replayed(capsys, "--yes")
    assert {row["fate"] for row in said["messages"]} == {"again"}
    now = clock.now()
    assert post.round_of_post(now) == ["day-1"]
    assert post.round_of_post(now + timedelta(hours=3, minutes=59)) == []
    assert post.round_of_post(now + timedelta(hours=4, minutes=1)) == ["same-day"]


def _by_mail(message, **changes):
    """The same step on the other channel, as a message that could not be delivered falls back to it."""
    made = Message.objects.get(pk=message.pk)
    made.pk, made.occasion = None, f"{message.occasion.rpartition(':r')[0]}:f-email:r0"
    made.channel, made.fallback_of = "email", message.pk
    for name, value in changes.items():
        setattr(made, name, value)
    made.save()
    return made


def test_a_step_goes_by_one_of_its_channels_alone(refused, capsys):
    """P4: what fell back to a mail is the mail's to say; and a mail whose text went after all has nothing to say."""
    mail = _by_mail(refused, state="planned")
    fell_back = "it could not be delivered, so the step goes by the other channel once"
    assert _fates(_replayed(capsys, "--yes")) == [(refused.pk, "refused", fell_back)]
    Message.objects.filter(pk=mail.pk).update(state="refused", reason="code:550 5.7.1")
    Message.objects.filter(pk=refused.pk).update(state="delivered")
    needless = "what it would say, or the step that it stands in for, went by itself"
    assert _fates(_replayed(capsys, "--yes")) == [(mail.pk, "refused", needless)]
    assert Message.objects.filter(step=refused.step, client=refused.client_id).count() == 2


def test_who_was_erased_is_in_no_task(missed, capsys):
    """P9, rule 62: an id of hers would ask staff to call somebody whom they promised to forget."""
    type(missed.client).objects.filter(pk=missed.client_id).update(erased_at=clock.now())
    assert _fates(_replayed(capsys, "--yes")) == [(missed.pk, "refused", "the client's data were erased")]
    assert not StaffTask.objects.filter(kind=KIND).exists()


def test_what_a_conversation_held_up_has_its_own_task(missed, capsys):
    """P5: staff are told once: a message that a conversation held until it was too late was handed over then."""
    Message.objects.filter(pk=missed.pk).update(reason="conversation_open")
    assert [row["fate"] for row in _replayed(capsys, "--yes")["messages"]] == ["too_late"]
    assert not StaffTask.objects.filter(kind=KIND).exists()
