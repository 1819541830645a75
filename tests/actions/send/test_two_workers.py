"""Two connections at once: one claim each, one decision each, and a STOP that is never overtaken (P2, P4).

Real threads with connections of their own. Where an order matters it is forced: a thread is let go only when the
database itself reports that it waits for a lock, never after a pause.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, connections, transaction

from tests import builders
from tests.actions import post
from tests.actions.course.versions import approved, newest
from tests.builders import ALICES_PHONE, NOW
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.protocols.approve import approve, the_protocol, withdraw
from worker.actions.receive.follow_up import finish_stops
from worker.actions.receive.receipt import receipt
from worker.actions.receive.reply import Reply
from worker.actions.receive.sms import inbound_sms
from worker.actions.send import record as recording
from worker.actions.send.claim import claim
from worker.actions.send.due import promote
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.channels.base import Accepted
from worker.models import Approval, Attempt, Client, Clinic, Event, Inbound, Message, Ready, Standing
from worker.reading.chain import faults
from worker.rules import gate

pytestmark = pytest.mark.usefixtures("committed", "house")
DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]
PATIENCE = 30.0


def _alone(work):
    """Run in a thread whose connection is closed at its end."""

    def run(*arguments):
        try:
            return work(*arguments)
        finally:
            connections.close_all()

    return run


def _both(*works):
    """Let all run at once; their results, or the first error."""
    gate = threading.Barrier(len(works))

    def run(work):
        gate.wait(PATIENCE)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result(PATIENCE) for each in [pool.submit(_alone(run), work) for work in works]]


def _only_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: this interleaving cannot happen there")


def _until_somebody_waits():
    """Return once another connection waits for a lock; the server is ours alone."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("nobody waited for the lock")


def _family(size):
    """Clients with a phone each, confirmed, each with one message due."""
    for number in range(size):
        builders.alice(
            external_id=f"A-{number}", phone=f"+1212555{100 + number:04d}", email=f"a{number}@example.com", consents=SMS
        )
    post.confirmed(NOW)
    promote(now=DUE)


def _claim(limit):
    return claim(
        channel="sms", limit=limit, now=DUE, machine=DUE, lease=post.LEASE, worker=threading.current_thread().name
    )


def test_two_workers_never_claim_the_same_message():
    """P4: over many small batches, every message is claimed exactly once."""
    _family(16)
    together = []
    while True:
        batches = _both(*[lambda: _claim(3)] * 4)
        if not any(batches):
            break
        together += [each.message_id for batch in batches for each in batch]
    assert len(together) == len(set(together)) == 16


def test_of_two_workers_with_one_message_one_sends():
    """P4: the whole round at once from four connections; one call each message, one attempt each message."""
    _family(4)
    provider = post.Provider()
    _both(*[lambda: post.round_of_post(DUE, provider)] * 4)
    while post.round_of_post(DUE, provider):
        pass
    assert len(provider.taken) == len({out.to for out in provider.taken}) == 4
    assert Attempt.objects.filter(cls="course").count() == 4


def test_two_workers_keep_the_caps_together():
    """Rule 51: two messages to each address are due at once, claimed apart and decided at the same time; one goes."""
    _family(6)
    Message.objects.filter(step__code__in=("same-day", "day-1"), channel="sms").update(due_at=DUE)
    promote(now=DUE)
    provider = post.Provider()
    _both(*[lambda: [post.decided(prepare(_claim(1), now=DUE), DUE) for _ in range(4)]] * 4)
    _both(*[lambda: post.round_of_post(DUE, provider)] * 4)
    assert Attempt.objects.filter(cls="course").count() <= 6
    for minutes in range(1, 12):
        post.round_of_post(DUE + timedelta(minutes=minutes), provider)
    assert Attempt.objects.filter(cls="course").values("standing_id").distinct().count() == 6
    assert Attempt.objects.filter(cls="course").count() == 6


@pytest.mark.parametrize("cap", ["a day", "a week", "promised"])
def test_two_workers_keep_each_cap_together(monkeypatch, cap):
    """Rules 51, 52: with room for one more a day, a week, or of what was promised, four workers at once send one."""
    most = {"a day": {"per_day": 1}, "a week": {"per_day": 9, "per_week": 1}, "promised": {}}[cap]
    monkeypatch.setattr(gate, "Caps", partial(gate.Caps, gap=timedelta(0), **most))
    clinic = Clinic.objects.get(slug="lakeside")
    approved(clinic, replace(newest(clinic), frequency=1 if cap == "promised" else 9), NOW)
    _family(6)
    Message.objects.filter(step__code__in=("same-day", "day-1"), channel="sms").update(due_at=DUE)
    promote(now=DUE)
    provider = post.Provider()
    _both(*[lambda: post.round_of_post(DUE, provider)] * 4)
    for minutes in range(1, 12):
        _both(*[lambda at=DUE + timedelta(minutes=minutes): post.round_of_post(at, provider)] * 2)
    gone = Attempt.objects.filter(cls="course")
    assert gone.count() == gone.values("standing_id").distinct().count() == 6


def test_a_stale_lease_decides_nothing():
    """P4: the fence; whoever was overtaken leaves the message alone, whichever of the two decides first."""
    _family(1)
    slow = prepare(_claim(1), now=DUE)
    later = DUE + post.LEASE
    assert (
        claim(channel="sms", limit=1, now=DUE, machine=later - timedelta(seconds=1), lease=post.LEASE, worker="b") == []
    )
    quick = prepare(claim(channel="sms", limit=1, now=DUE, machine=later, lease=post.LEASE, worker="b"), now=DUE)
    assert [each.lease for each in slow + quick] == [1, 2]
    assert post.decided(slow, DUE) == []
    assert len(post.decided(quick, DUE)) == 1
    assert post.decided(slow, DUE) == post.decided(quick, DUE) == []
    assert Attempt.objects.filter(cls="course").count() == 1


def test_the_fence_never_comes_back_down():
    """P4: a decision to wait frees the message for others, but never under a number that was given out before."""
    _family(1)
    seen = []
    for minute in range(20):
        now = DUE + timedelta(minutes=minute)
        (mine,) = claim(channel="sms", limit=1, now=now, machine=now, lease=post.LEASE, worker="a")
        seen.append(mine.lease)
        if minute % 3 == 2:
            Standing.objects.get(channel="sms").grants.update(confirmed_at=None)  # "later", a minute from now
            assert post.decided(prepare([mine], now=now), now) == []
    assert seen == sorted(set(seen))


def test_a_message_that_kills_its_workers_is_set_aside():
    """P5, P11: claimed again and again without a decision, it is held for a person, and the rest goes on."""
    _family(1)
    for turn in range(10):
        now = DUE + turn * post.LEASE
        assert len(claim(channel="sms", limit=1, now=DUE, machine=now, lease=post.LEASE, worker="a")) == 1
    machine = DUE + 10 * post.LEASE
    batch = prepare(claim(channel="sms", limit=1, now=DUE, machine=machine, lease=post.LEASE, worker="a"), now=DUE)
    assert post.decided(batch, DUE) == []
    message = Message.objects.get(step__code="same-day")
    assert (message.state, message.reason) == ("held", "its_workers_died")
    assert not Ready.objects.filter(message=message).exists()


def _enrol_alice():
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    return client


def _stop(sid="SMstop"):
    clinic_id = Client.objects.get().clinic_id
    reply = Reply(
        clinic_id=clinic_id,
        provider_id=sid,
        address=ALICES_PHONE,
        body="STOP",
        opt_out_type="",
        provider_answers=False,
    )
    inbound_sms(reply, now=DUE)


@pytest.mark.parametrize("turn", range(5))
def test_a_stop_and_a_decision_at_once_never_both_win(turn):
    """P2, rule 19: whoever is first, no attempt is decided after the revocation has committed."""
    _enrol_alice()
    batch = prepare(post.claimed(DUE), now=DUE)
    _, going = _both(_stop, lambda: post.decided(batch, DUE))
    finish_stops(now=DUE)  # the decision may have had the row just when the STOP wanted to be followed up
    message = Message.objects.get(step__code="same-day", channel="sms")
    if going:
        assert message.state == "sending"
        sent = Event.objects.get(subject=f"message:{message.pk}", code="sent")
        assert sent.pk < Event.objects.get(kind="revoked").pk
    else:
        assert (message.state, message.reason) == ("cancelled", "revoked")
        assert not Attempt.objects.filter(message=message).exists()
    assert post.round_of_post(DUE) == ["stop-confirmation"]


def test_a_decision_never_overtakes_a_revocation_that_holds_the_lock():
    """P2: while somebody has the standing row nothing is decided there; afterwards the decision sees what was done."""
    _only_postgres()
    _enrol_alice()
    batch = prepare(post.claimed(DUE), now=DUE)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        standing = Standing.objects.select_for_update(no_key=True).get(channel="sms")
        assert pool.submit(_alone(lambda: post.decided(batch, DUE))).result(PATIENCE) == []
        # Only the standing row changes: nothing else may tell the decision what has happened.
        standing.suppressed_at, standing.suppressed_why = DUE, "keyword"
        standing.save()
    message = Message.objects.get(step__code="same-day", channel="sms")
    assert (message.state, message.reason) == ("planned", "")
    assert not Attempt.objects.filter(message=message).exists()
    assert post.round_of_post(DUE + timedelta(minutes=1)) == []
    message.refresh_from_db()
    assert (message.state, message.reason) == ("withheld", "suppressed")


def test_a_busy_address_keeps_nobody_else_waiting():
    """P11: of a batch, only the message whose standing row somebody holds is left for a moment later."""
    _only_postgres()
    _family(3)
    batch = prepare(_claim(3), now=DUE)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        busy = Standing.objects.select_for_update(no_key=True).filter(channel="sms").earliest("pk")
        assert len(pool.submit(_alone(lambda: post.decided(batch, DUE))).result(PATIENCE)) == 2
    waiting = Message.objects.get(standing=busy, step__code="same-day")
    assert waiting.state == "planned"
    assert post.round_of_post(DUE + timedelta(seconds=5)) == ["same-day"]


def test_a_stop_waits_for_the_decision_that_came_first():
    """P2: committed before the STOP, the decision stands; the STOP ends all the rest and loses nothing."""
    _only_postgres()
    _enrol_alice()
    batch = prepare(post.claimed(DUE), now=DUE)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert len(post.decided(batch, DUE)) == 1
            stop = pool.submit(_alone(_stop))
            _until_somebody_waits()
        stop.result(PATIENCE)
    assert not Message.objects.filter(state__in=("planned", "held"), cls="course", channel="sms").exists()
    assert Message.objects.get(step__code="same-day", channel="sms").state == "sending"


def test_a_stop_that_waited_finds_the_row_as_it_is_by_then():
    """P2: what was changed while it waited stays, the hold of a doubt; a second STOP that waited is kept as well."""
    _only_postgres()
    _enrol_alice()
    phone = Standing.objects.filter(channel="sms")
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            phone.select_for_update(no_key=True).get()
            stops = [pool.submit(_alone(partial(_stop, sid))) for sid in ("SM1", "SM2")]
            _until_somebody_waits()
            phone.update(held_at=NOW, held_why="unclear_reply")
        for stop in stops:
            stop.result(PATIENCE)
    row = phone.get()
    assert (row.held_at, row.held_why, row.suppressed_at, row.suppressed_why) == (NOW, "unclear_reply", DUE, "keyword")
    assert sorted(Inbound.objects.values_list("provider_id", "follow_up_sealed")) == [("SM1", None), ("SM2", None)]
    assert Message.objects.filter(kind="stop_confirmation").count() == 1
    assert faults() == []


def test_a_receipt_and_our_own_answer_do_not_wait_for_each_other():
    """P11: both touch attempt and message; in one order they queue, in two they would end in a deadlock."""
    _only_postgres()
    _enrol_alice()
    (each,) = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)

    def take_receipt():
        receipt(attempt_id=each.attempt_id, provider_id="SM1", status="sent", code="", raw={}, now=DUE)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Attempt.objects.select_for_update(no_key=True).get(pk=each.attempt_id)
            came = pool.submit(_alone(take_receipt))
            _until_somebody_waits()
            recording._record([Said(each, Accepted("SM1", 1))], DUE)
        came.result(PATIENCE)
    assert Message.objects.get(pk=each.pk).state == "accepted"


def test_stop_everything_and_a_click_do_not_wait_for_each_other():
    """P2, P11: two revocations that meet on a mailbox and on the clinic's chain both commit."""
    _only_postgres()
    client = builders.alice().client
    key = client.contacts.get(channel="email").link_key

    def stop_everything():
        return builders.text_from(client.clinic, ALICES_PHONE, "stop everything", now=DUE)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Standing.objects.select_for_update(no_key=True).get(channel="email")
            stop = pool.submit(_alone(stop_everything))
            _until_somebody_waits()
            assert unsubscribe(link_key=key, method="one-click", now=DUE)
        assert stop.result(PATIENCE).kind.revokes
    assert Standing.objects.filter(suppressed_at__isnull=False).count() == 2
    assert faults() == []


def test_the_same_webhook_from_five_connections_is_one_reply():
    """Rule 97: five at once, one effect, one confirmation."""
    _enrol_alice()
    _both(*[_stop] * 5)
    assert Message.objects.filter(kind="stop_confirmation").count() == 1
    assert Event.objects.filter(kind="revoked").count() == 1


def test_two_desks_that_press_at_once_enrol_one_client():
    """P12: one enrols, the other is told that it was done."""
    results = _both(lambda: builders.alice(consents=SMS), lambda: builders.alice(consents=SMS))
    assert sorted(each.repeated for each in results) == [False, True]
    assert Client.objects.count() == 1
    assert faults() == []


def test_two_stops_from_a_stranger_share_one_standing():
    """P2: the row that does not exist yet is made once, whoever comes first."""
    clinic = the_protocol(builders.PROTOCOL, clinic_slug="lakeside").clinic
    _both(*[lambda: builders.text_from(clinic, "+12125550199", "STOP", now=DUE)] * 3)
    assert Standing.objects.count() == 1
    assert faults() == []


def test_two_approvals_at_once_are_one():
    """P3: both practitioners' clicks leave one standing approval."""
    protocol = the_protocol(builders.PROTOCOL, clinic_slug="lakeside")
    withdraw(protocol=protocol, by=builders.OKAFOR, now=NOW)
    results = _both(*[lambda: approve(protocol=protocol, by=builders.OKAFOR, now=NOW)] * 2)
    assert sorted(fresh for _, fresh in results) == [False, True]
    assert Approval.objects.filter(version__protocol=protocol, withdrawn_at__isnull=True).count() == 1


def test_promoting_from_two_rounds_at_once_is_harmless():
    """Beat may be doubled: the ready table holds each message once."""
    _enrol_alice()
    _both(*[lambda: promote(now=DUE)] * 4)
    assert Ready.objects.filter(message__step__code="same-day", channel="sms").count() == 1


def test_two_attempts_at_once_for_one_message_are_refused_by_the_database():
    """P4: even past every check of ours."""
    _enrol_alice()
    (each,) = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
    twin = Attempt.objects.get(pk=each.attempt_id)
    twin.pk = None
    import uuid

    twin.id = uuid.uuid4()
    with pytest.raises(DatabaseError), transaction.atomic():
        twin.save(force_insert=True)
    record([Said(each, Accepted("SM1", 1))], now=DUE)
    with pytest.raises(DatabaseError), transaction.atomic():
        twin.save(force_insert=True)
