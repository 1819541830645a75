"""What became of an attempt nobody knows about: asked of a real provider over HTTP, never guessed (P4, rule 80)."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE
from worker import clock
from worker.actions.receive.receipt import receipt
from worker.actions.send import doubt, incarnation
from worker.actions.send.due import close_missed, doubt_silent, promote
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.actions.send.shift import shift
from worker.channels import sms
from worker.channels.base import Accepted, NotStarted, Unknown
from worker.models import Attempt, Doubt, Incarnation, Message, Ready, StaffTask
from worker.reading.chain import faults
from worker.reading.explain import explained
from worker.rules.names import Channel

SMS = builders.SERVICE[:2]
GONE, ALIVE = "gone", "alive"


@pytest.fixture
def alice(house, provider):
    """Alice, by SMS alone, confirmed; her first text is due an hour from the calendar's now."""
    now = clock.now()
    client = builders.alice(consents=SMS, now=now, treated=now - timedelta(hours=1)).client
    post.confirmed(now)
    clock.step_to(builders.message(client, "same-day").due_at)
    return client


@pytest.fixture
def worker():
    """Name the worker that post's rounds decide for, as a process of this machine: `gone` or `alive`."""
    processes = []

    def of(kind: str) -> None:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        processes.append(process)
        _life(process.pid)
        if kind == GONE:
            process.kill()
            process.wait()

    yield of
    for process in processes:
        process.kill()
        process.communicate()


def _life(pid):
    own = Incarnation.objects.get(pk=incarnation.incarnation())
    own.name, own.pid, own.started, own.since = "tests", pid, incarnation._started(pid), clock.machine()
    own.lock_key = 1 if own.lock_key else None  # a lock that nobody holds
    own.save(force_insert=True)


def _shift():
    promote(now=clock.now())
    carrier = sms.make()
    try:
        return shift(channel=Channel.SMS, carrier=carrier, slots=4, longest=3.0)
    finally:
        for slot in carrier._pool._idle:
            slot.close()


def _silent(client):
    """Her text marked as sending by a worker that is never heard of again."""
    post.decided(prepare(post.claimed(clock.now()), now=clock.now()), clock.now(), machine=clock.machine())
    assert doubt_silent(now=clock.now(), machine=clock.machine() + post.LEASE) == 1
    return builders.message(client, "same-day")


class _Rounds:
    """Rounds of the settling, each so many machine seconds after the beginning."""

    def __init__(self):
        self.began = clock.machine()

    def __call__(self, seconds):
        return doubt.settle_unknown(now=clock.now(), machine=self.began + timedelta(seconds=seconds))


def _texts(provider):
    return [each for each in provider.log("create") if each.get("to") == ALICES_PHONE]


def _same_day(client):
    return builders.message(client, "same-day")


def _ends_of(message):
    return [each["code"] for each in explained(message.pk)["decisions"]]


def test_an_accepted_text_whose_answer_was_lost_is_found_in_the_list(alice, provider):
    """Rule 80, case 1: adopted with the provider's id, not sent again, and on record."""
    provider.faults(callbacks={"missing": 1.0}, api=[{"kind": "drop"}])
    post_round = _shift()
    assert post_round.outcomes == {"unknown": 1}
    assert _same_day(alice).state == "unknown"
    assert _Rounds()(0).found == 1
    message = _same_day(alice)
    assert message.state in {"accepted", "delivered"}
    assert message.provider_id.startswith("SM")
    assert message.tries.get().provider_id == message.provider_id
    assert _ends_of(message)[-1] == "found"
    assert not Doubt.objects.exists()
    assert _shift().called == 0


def test_a_text_that_never_arrived_is_sent_once_more(alice, provider):
    """Rule 80, case 2: two whole lists after 120 s and 240 s, then through all gates; the second attempt is another."""
    provider.faults(api=[{"kind": "500"}])
    _shift()
    rounds = _Rounds()
    assert [rounds(seconds).waiting for seconds in (0, 60, 119)] == [1, 0, 0]
    assert rounds(121).waiting == 1
    assert rounds(239).waiting == 0
    assert _same_day(alice).state == "unknown"
    assert rounds(241).absent == 1
    message = _same_day(alice)
    assert (message.state, message.reason) == ("planned", "proved_absent")
    assert _shift().outcomes == {"accepted": 1}
    message.refresh_from_db()
    assert sorted(message.tries.values_list("state", flat=True)) == ["absent", "accepted"]
    assert _ends_of(message) == ["sent", "not_listed", "proved_absent", "sent"]
    assert faults() == []


def test_the_second_absence_is_for_a_person(alice, provider):
    """Rule 80: sent once more means once."""
    provider.faults(api=[{"kind": "500", "count": 2}])
    for _ in range(2):
        _shift()
        rounds = _Rounds()
        told = [rounds(seconds) for seconds in (0, 121, 242)][-1]
    assert told.unresolved == 1
    message = _same_day(alice)
    assert (message.state, message.reason) == ("unresolved", "absent_for_the_second_time")
    assert StaffTask.objects.get(kind="unknown_outcome").facts["message"] == message.pk


def test_a_list_that_lags_behind_shows_it_in_time(alice, provider):
    """Rule 80, case 3: slow to list is no absence."""
    provider.faults(callbacks={"missing": 1.0}, api=[{"kind": "drop"}], list_lag_ms=86_400_000)
    _shift()
    rounds = _Rounds()
    assert [rounds(seconds).waiting for seconds in (0, 121)] == [1, 1]
    provider.faults(list_lag_ms=0)
    assert rounds(242).found == 1
    assert _shift().called == 0


def test_a_list_that_is_down_proves_nothing(alice, provider):
    """Rule 80, case 4: an hour of failures is no absence; the two lists are still to come, and in the end a person."""
    provider.faults(api=[{"kind": "500", "on": "any", "chance": 1.0}])
    _shift()
    rounds = _Rounds()
    for seconds in (0, 300, 600, 3600):
        assert rounds(seconds).waiting == 1
    told = Doubt.objects.get()
    assert (told.failures, told.empty_at, _same_day(alice).state) == (4, None, "unknown")
    assert rounds(6 * 3600 + 1).unresolved == 1
    assert _same_day(alice).reason == "list_not_readable"


def test_more_than_one_page_is_read_before_a_text_counts_as_absent(alice, provider, monkeypatch):
    """Rule 80: page through; the one that is looked for is the oldest, on the last page."""
    monkeypatch.setattr("worker.channels.records.PAGE", 1)
    provider.faults(callbacks={"missing": 1.0}, api=[{"kind": "drop"}])
    _shift()
    builders.text_from(builders.standing_of(alice).clinic, ALICES_PHONE, "HELP", now=clock.now())
    assert _shift().outcomes == {"accepted": 1}
    assert _Rounds()(0).found == 1
    assert _same_day(alice).state in {"accepted", "delivered"}


@pytest.mark.parametrize("kind", [GONE, ALIVE])
def test_a_silent_workers_text_waits_for_the_proof_that_it_is_gone(alice, provider, worker, kind):
    """Rule 80: as long as that process may wake up and write, nothing is sent, however long it takes."""
    worker(kind)
    _silent(alice)
    rounds = _Rounds()
    told = [rounds(seconds) for seconds in (0, 121, 242, 600, 1801)]
    message = _same_day(alice)
    if kind == GONE:
        assert told[2].absent == 1
        assert message.state == "planned"
    else:
        assert told[4].unresolved == 1
        assert (message.state, message.reason) == ("unresolved", "its_worker_may_live")
        assert not Ready.objects.filter(message=message).exists()


def test_a_worker_that_nobody_wrote_down_is_never_taken_for_gone(alice, provider):
    """Rule 80: no row, no proof."""
    _silent(alice)
    rounds = _Rounds()
    assert [rounds(seconds).absent for seconds in (0, 121, 242, 600)] == [0, 0, 0, 0]


def test_a_reminder_is_not_repeated(house, provider):
    """Rule 80: twice is worse than one that staff make good."""
    now = clock.now()
    client = builders.alice(
        consents=SMS, now=now, treated=now - timedelta(hours=1), visit=now + timedelta(days=35)
    ).client
    post.confirmed(now)
    reminder = Message.objects.filter(client=client, purpose="reminders").earliest("due_at")
    for each in Message.objects.filter(client=client, due_at__lt=reminder.due_at, state="planned"):
        Message.objects.filter(pk=each.pk).update(state="cancelled")
        Ready.objects.filter(message=each).delete()
    clock.step_to(reminder.due_at)
    provider.faults(api=[{"kind": "500"}])
    post.claimed(clock.now(), limit=0)
    assert _shift().outcomes == {"unknown": 1}
    rounds = _Rounds()
    assert [rounds(seconds) for seconds in (0, 121, 242)][-1].unresolved == 1
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("unresolved", "absent_but_a_reminder")
    assert _shift().called == 0


def test_too_late_to_send_again_ends_as_missed(alice, provider):
    """P5, P7: proved absent past its useful time is a decision of its own."""
    provider.faults(api=[{"kind": "500"}])
    _shift()
    rounds = _Rounds()
    [rounds(seconds) for seconds in (0, 121)]
    clock.step_to(_same_day(alice).expires_at)
    assert rounds(242).absent == 1
    close_missed(now=clock.now(), machine=clock.machine())
    assert (_same_day(alice).state, _same_day(alice).reason) == ("missed", "proved_absent")


def test_a_stop_meanwhile_wins(alice, house, provider):
    """P2: what is sent once more passes every gate again."""
    provider.faults(api=[{"kind": "500"}])
    _shift()
    rounds = _Rounds()
    [rounds(seconds) for seconds in (0, 121)]
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=clock.now())
    assert rounds(242).absent == 1
    _shift()
    assert _same_day(alice).state in {"withheld", "cancelled"}
    assert _same_day(alice).tries.get().state == "absent"


def test_a_receipt_ends_the_doubt_at_once(alice, provider):
    """Rule 79: and the next round forgets it."""
    provider.faults(callbacks={"missing": 1.0}, api=[{"kind": "drop"}], list_lag_ms=86_400_000)
    _shift()
    rounds = _Rounds()
    rounds(0)
    attempt = Attempt.objects.get(message=_same_day(alice))
    receipt(attempt_id=attempt.pk, provider_id="SMr", status="delivered", code="", raw={}, now=clock.now())
    assert rounds(300) == doubt.Report()
    assert not Doubt.objects.exists()
    assert _same_day(alice).state == "delivered"


@pytest.mark.parametrize("answer", [Accepted("SMlate", 1), NotStarted("late"), Unknown("reset")])
def test_a_late_answer_never_starts_a_second_way(alice, provider, worker, answer):
    """P4: a worker that was fenced off speaks after its text was planned again: what left is not sent again."""
    worker(GONE)
    (each,) = post.decided(prepare(post.claimed(clock.now()), now=clock.now()), clock.now(), machine=clock.machine())
    doubt_silent(now=clock.now(), machine=clock.machine() + post.LEASE)
    rounds = _Rounds()
    [rounds(seconds) for seconds in (0, 121, 242)]
    assert _same_day(alice).state == "planned"
    said = [Said(each, answer)]
    record(said, now=clock.now())
    assert said == []
    arrived = isinstance(answer, Accepted)
    assert _same_day(alice).state == ("accepted" if arrived else "planned")
    assert Ready.objects.filter(message=each.pk).exists() is not arrived
    assert post.round_of_post(clock.now()) == ([] if arrived else ["same-day"])


def test_a_text_that_comes_to_light_after_it_was_sent_again_is_an_alarm(alice, provider, worker):
    """P4: it must not happen; if it does, somebody hears of it."""
    worker(GONE)
    (each,) = post.decided(prepare(post.claimed(clock.now()), now=clock.now()), clock.now(), machine=clock.machine())
    doubt_silent(now=clock.now(), machine=clock.machine() + post.LEASE)
    rounds = _Rounds()
    [rounds(seconds) for seconds in (0, 121, 242)]
    post.round_of_post(clock.now())
    record([Said(each, Accepted("SMlate", 1))], now=clock.now())
    assert StaffTask.objects.get(kind="rang_twice").facts == {"message": each.pk}
    assert Attempt.objects.filter(message=each.pk, state="accepted").count() == 1


def test_a_mail_is_never_repeated_and_ends_before_a_person(house, provider):
    """Rule 119: a mail server keeps no list; a bounce or an event may still settle it."""
    now = clock.now()
    client = builders.alice(consents=builders.SERVICE[2:], now=now, treated=now - timedelta(hours=1)).client
    post.confirmed(now)
    mail = builders.message(client, "same-day", "email")
    clock.step_to(mail.due_at)
    post.round_of_post(clock.now(), post.Provider([Unknown("no answer after the mail")]), channel="email")
    rounds = _Rounds()
    assert [rounds(seconds).unresolved for seconds in (0, 300, 599)] == [0, 0, 0]
    assert rounds(601).unresolved == 1
    mail.refresh_from_db()
    assert (mail.state, mail.reason) == ("unresolved", "no_list_to_ask")
    assert post.round_of_post(clock.now(), channel="email") == []
    attempt = mail.tries.get()
    receipt(attempt_id=attempt.pk, provider_id="x", status="delivered", code="", raw={}, now=clock.now())
    mail.refresh_from_db()
    assert mail.state == "delivered"


def test_two_clients_with_the_same_words_on_one_phone_get_one_each(house, provider):
    """Rule 134: one listed text proves one attempt; the other is proved absent by itself."""
    now = clock.now()
    clients = [
        builders.alice(
            external_id=f"A-{number}", email=f"a{number}@example.com", consents=SMS, now=now,
            treated=now - timedelta(hours=1),
        ).client
        for number in range(2)
    ]  # fmt: skip
    provider.faults(callbacks={"missing": 1.0}, api=[{"kind": "drop"}, {"kind": "500"}])
    assert _shift().outcomes == {"unknown": 2}
    rounds = _Rounds()
    assert (rounds(0).found, rounds(121).waiting, rounds(242).absent) == (1, 1, 1)
    questions = Message.objects.filter(client__in=clients, kind="optin_confirmation")
    states = sorted(questions.values_list("state", flat=True))
    assert states[0] in {"accepted", "delivered"}
    assert states[1] == "planned"
