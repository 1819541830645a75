"""What becomes of a call's outcome: states, back-off, codes, and receipts that were faster (P4, P5)."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.receive.receipt import receipt
from worker.actions.send.circuit import try_circuits
from worker.actions.send.due import close_missed, doubt_silent
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.channels.base import Accepted, NotStarted, Refused, TryLater, Unknown
from worker.models import Attempt, Event, Grant, Hold, Message, Ready, StaffTask, Standing, Suppression
from worker.reading.chain import faults
from worker.rules.states import State

DUE = NOW + timedelta(hours=1)
SMS = builders.SERVICE[:2]


@pytest.fixture
def alice(house):
    """Alice, by SMS alone, her opt-in confirmation accepted."""
    client = builders.alice(consents=SMS).client
    post.confirmed(NOW)
    return client


def _sent(alice, *answers, at=DUE):
    """Same-day, after a round in which the provider answered so."""
    post.round_of_post(at, post.Provider(list(answers)))
    return builders.message(alice, "same-day")


def _tell(message, status, code="", *, at=DUE):
    attempt = Attempt.objects.filter(message=message).latest("decided_at")
    assert receipt(attempt_id=attempt.pk, provider_id="SMfromreceipt", status=status, code=code, raw={"a": "b"}, now=at)
    message.refresh_from_db()
    return message


def test_accepted(alice):
    """The provider's id and the moment are kept; the attempt says how many segments it took."""
    message = _sent(alice, Accepted("SM1", 2))
    assert (message.state, message.provider_id, message.sent_at) == ("accepted", "SM1", DUE)
    attempt = message.tries.get()
    assert (attempt.state, attempt.segments, attempt.provider_id, attempt.finished_at) == ("accepted", 2, "SM1", DUE)


def test_an_outcome_nobody_knows_is_never_repeated_blindly(alice):
    """P4, rule 80: unknown stays unknown, round after round, even past its useful time."""
    message = _sent(alice, Unknown("read timeout"))
    assert (message.state, message.tries.get().state) == ("unknown", "unknown")
    for hours in (1, 5, 24, 100):
        post.round_of_post(DUE + timedelta(hours=hours))
        close_missed(now=DUE + timedelta(hours=hours), machine=DUE + timedelta(hours=hours))
    message.refresh_from_db()
    assert (message.state, message.tries.count()) == ("unknown", 1)


def test_a_provider_that_is_busy_is_asked_later_each_time(alice):
    """Rule 84: twice as long each time, at most half an hour, each an attempt of its own that proved unsent."""
    now, waits = DUE, []
    for number in range(8):
        message = _sent(alice, TryLater("20429", None), at=now)
        assert (message.state, message.reason, message.attempts) == ("planned", "provider_busy", number + 1)
        waits.append((message.due_at - now).total_seconds())
        now = message.due_at
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800]
    assert {each.state for each in Attempt.objects.filter(message=message)} == {"try_later"}
    assert _sent(alice, at=now).state == "accepted"


@pytest.mark.parametrize(("after", "seconds"), [(7.0, 30), (600.0, 600), (999_999.0, 999_999)])
def test_the_providers_own_wish_is_kept(alice, after, seconds):
    """Rule 84: never sooner than Retry-After."""
    message = _sent(alice, TryLater("20429", after))
    assert (message.due_at - DUE).total_seconds() == seconds


def test_waiting_past_the_useful_time_ends_as_missed(alice):
    """P5, P7: a back-off beyond the last useful moment is not a way to stay open for ever."""
    message = _sent(alice, TryLater("20429", 999_999.0))
    close_missed(now=message.expires_at, machine=message.expires_at)
    message.refresh_from_db()
    assert message.state == "missed"


def test_what_did_not_start_is_no_attempt_in_the_count(alice):
    """P2: a call that came too late after its decision is decided again a second later, and costs no try."""
    message = _sent(alice, NotStarted("too late after the decision"))
    assert (message.state, message.attempts, message.due_at) == ("planned", 0, DUE + timedelta(seconds=1))
    assert Attempt.objects.get(message=message).state == "not_started"
    assert _sent(alice, at=message.due_at).state == "accepted"


def test_a_stop_between_a_late_start_and_the_next_decision_wins(alice, house):
    """P2: decided again means through every gate."""
    _sent(alice, NotStarted("too late after the decision"))
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=DUE)
    assert _sent(alice).state == "cancelled"


REFUSALS = {
    "21610": ("refused", "suppress"),
    "21211": ("refused", "staff_task"),
    "21614": ("refused", "staff_task"),
    "30005": ("refused", "reconfirm"),
    "30004": ("refused", "review"),
    "30007": ("refused", None),
    "21617": ("refused", "page_operator"),
    "99999": ("refused", "page_operator"),
    "20003": ("planned", "open_circuit"),
    "21611": ("planned", None),
    "30036": ("missed", None),
    "٢١٦١٠": ("refused", "suppress"),
    "not a number": ("refused", "page_operator"),
}
KEPT = {"": "400"}  # no code at all: the HTTP status is what there is to keep


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_does_what_the_table_says(alice, code):
    """Rules 32, 87, 125: message, address, consent or a person; the raw code is kept; nothing is left in `sending`."""
    state, effect = REFUSALS[code]
    kept = KEPT.get(code, code)
    message = _sent(alice, Refused(code))
    assert (message.state, message.reason) == (state, f"code:{kept}")
    attempt = Attempt.objects.get(message=message)
    assert (attempt.state, attempt.code) == ("refused", kept)
    tasks = {task.kind for task in StaffTask.objects.filter(kind__startswith="provider_")}
    assert tasks == ({f"provider_{effect}"} if effect else set())
    assert faults() == []


def test_21610_is_a_stop(alice):
    """Rule 32: the provider's block list knew before we did; everything open ends, nothing is said to her."""
    _sent(alice, Refused("21610"))
    standing = builders.standing_of(alice)
    assert (standing.suppressed_at, standing.suppressed_why) == (DUE, "carrier")
    assert Suppression.objects.get(standing=standing).source.endswith("code:21610")
    assert not Message.objects.filter(client=alice, state__in=("planned", "held")).exists()
    assert not Message.objects.filter(kind="stop_confirmation").exists()


def test_a_reassigned_number_asks_for_the_consent_anew(alice):
    """Rules 9, 132: 30005 may mean that somebody else has the number; what comes next is withheld."""
    _sent(alice, Refused("30005"))
    assert {grant.state for grant in Grant.objects.filter(client=alice)} == {"needs_reconfirmation"}
    assert post.round_of_post(NOW + timedelta(days=1)) == []
    assert builders.message(alice, "day-1").reason == "needs_reconfirmation"


def test_bad_credentials_keep_the_queue(alice):
    """20003 is ours to mend: the message waits five minutes at a time, and goes when the account works again."""
    message = _sent(alice, Refused("20003"))
    assert message.due_at == DUE + timedelta(minutes=5)
    assert try_circuits(now=message.due_at) == 1
    assert _sent(alice, at=message.due_at).state == "accepted"
    assert not builders.standing_of(alice).suppressed_at


def test_a_worker_killed_between_outcome_and_verdict_leaves_nothing_in_sending(alice, monkeypatch):
    """P5: `sending` with an attempt that ended is a state nobody would ever look at again."""
    from worker.actions.record import verdicts

    class Killed(BaseException):
        pass

    def killed(**_):
        raise Killed

    monkeypatch.setattr(verdicts, "refused", killed)
    with pytest.raises(Killed):
        _sent(alice, Refused("21211"))
    monkeypatch.undo()
    later = DUE + timedelta(hours=48)
    doubt_silent(now=later, machine=later)
    close_missed(now=later, machine=later)
    message = builders.message(alice, "same-day")
    assert message.state != "sending"
    assert Event.objects.filter(subject=f"message:{message.pk}").count() > 1


def test_a_silent_worker_leaves_doubt_not_a_second_call(alice):
    """P4: past its lease a `sending` attempt is unknown, is on record, and is not claimed again."""
    going = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
    assert len(going) == 1
    assert doubt_silent(now=DUE, machine=DUE + post.LEASE - timedelta(seconds=1)) == 0
    assert doubt_silent(now=DUE, machine=DUE + post.LEASE) == 1
    message = builders.message(alice, "same-day")
    assert (message.state, message.reason) == ("unknown", "worker_silent")
    assert post.round_of_post(DUE + timedelta(hours=1)) == []
    assert Event.objects.filter(kind="doubted", subject=f"message:{message.pk}").count() == 1


def test_the_answer_of_a_worker_thought_dead_still_counts(alice):
    """P4: what was doubted is settled by the answer that comes at last."""
    going = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
    doubt_silent(now=DUE, machine=DUE + post.LEASE)
    record([Said(each, Accepted("SMlate", 1)) for each in going], now=DUE + timedelta(minutes=2))
    message = builders.message(alice, "same-day")
    assert (message.state, message.provider_id, message.tries.get().state) == ("accepted", "SMlate", "accepted")


@pytest.mark.parametrize(
    "answer",
    [Accepted("SManswer", 1), Unknown("reset"), TryLater("20429", None), NotStarted("late"), Refused("21211")],
    ids=lambda answer: type(answer).__name__,
)
@pytest.mark.parametrize(
    ("status", "state"), [("delivered", "delivered"), ("sent", "accepted"), ("failed", "undelivered")]
)
def test_a_receipt_that_was_faster_than_the_answer_is_never_overwritten(alice, answer, status, state):
    """P4, rule 99: the receipt proves that it exists; whatever our own call then says, it is not sent again."""
    (each,) = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
    message = _tell(builders.message(alice, "same-day"), status)
    assert message.state == state
    record([Said(each, answer)], now=DUE)
    message.refresh_from_db()
    assert (message.state, message.provider_id) == (state, "SMfromreceipt")
    assert message.tries.get().state == "accepted"
    assert not Ready.objects.filter(message=message).exists()
    assert post.round_of_post(DUE + timedelta(minutes=10)) == []


def test_a_receipt_settles_an_attempt_nobody_knew_about(alice):
    """Rule 79: the lost 201 is found through the callback's own id."""
    message = _sent(alice, Unknown("connection reset"))
    assert _tell(message, "sent").state == "accepted"
    assert _tell(message, "delivered").state == "delivered"


@pytest.mark.parametrize(
    "answer", [TryLater("20429", None), NotStarted("late")], ids=lambda answer: type(answer).__name__
)
def test_a_receipt_for_what_we_thought_unsent_stops_the_next_try(alice, answer):
    """P4: the provider has it after all; it must not ring twice."""
    message = _sent(alice, answer)
    assert _tell(message, "delivered").state == "delivered"
    assert post.round_of_post(DUE + timedelta(minutes=10)) == []


SEQUENCE = ("queued", "sending", "sent", "delivered")


@pytest.mark.parametrize("order", list(permutations(SEQUENCE)), ids="-".join)
def test_receipts_in_any_order_end_in_the_same_state(alice, order):
    """Rule 98: monotonic by rank."""
    message = _sent(alice)
    for status in order:
        _tell(message, status)
    assert message.state == "delivered"
    assert message.tries.get().receipts.count() == len(SEQUENCE)


def test_delivered_after_undelivered_is_final_and_both_are_kept(alice):
    """Rule 98."""
    message = _sent(alice)
    assert _tell(message, "undelivered", "30003").state == "undelivered"
    assert _tell(message, "delivered").state == "delivered"
    assert _tell(message, "undelivered", "30003").state == "delivered"
    assert message.tries.get().receipts.count() == 2


def test_the_same_receipt_five_times_is_one(alice):
    """Rule 97: one row, one effect."""
    message = _sent(alice)
    for _ in range(5):
        _tell(message, "undelivered", "30005")
    assert message.tries.get().receipts.count() == 1
    assert StaffTask.objects.filter(kind="provider_reconfirm").count() == 1


def test_a_receipt_for_an_attempt_that_is_not_ours_changes_nothing(alice):
    """Rule 100."""
    import uuid

    before = builders.counts()
    assert not receipt(attempt_id=uuid.uuid4(), provider_id="x", status="delivered", code="", raw={}, now=NOW)
    assert builders.counts() == before


def test_an_unknown_status_is_kept_and_changes_nothing(alice):
    """Rule 98: providers invent words."""
    message = _tell(_sent(alice, Accepted("SM1", 1)), "teleported")
    assert (message.state, message.tries.get().receipts.count()) == ("accepted", 1)


def test_an_unreachable_handset_is_looked_at_after_three_in_a_row(alice):
    """Rule 87, code 30003: once is an empty battery, three times is a number to ask about."""
    for number, step in enumerate(("same-day", "day-1", "day-3"), start=1):
        message = builders.message(alice, step)
        assert post.round_of_post(message.due_at) == [step]
        _tell(message, "undelivered", "30003", at=message.due_at)
        held = Standing.objects.get(pk=message.standing_id).held_at is not None
        assert held is (number == 3)
    assert Hold.objects.get().why == "provider_review"


def test_two_bounces_of_a_disabled_mailbox_suppress_it(house):
    """Rule 125: 5.2.1 once may pass, twice is gone; 5.1.1 is gone at once."""
    alice = builders.alice(consents=builders.SERVICE[2:]).client
    post.confirmed(NOW)
    for number, step in enumerate(("same-day", "day-1"), start=1):
        message = builders.message(alice, step, "email")
        post.round_of_post(message.due_at, post.Provider([Refused("550 5.2.1")]), channel="email")
        suppressed = builders.standing_of(alice, "email").suppressed_at is not None
        assert suppressed is (number == 2)


@pytest.mark.parametrize(
    ("code", "suppressed"),
    [("550 5.1.1", True), ("550 5.7.1", False), ("552 5.2.2", False), ("550", False), ("", False)],
)
def test_only_a_mailbox_that_is_not_there_is_suppressed(house, code, suppressed):
    """Rule 125: 5.7.x is about our reputation, 5.2.2 is a full mailbox; neither silences the client."""
    alice = builders.alice(consents=builders.SERVICE[2:]).client
    post.confirmed(NOW)
    post.round_of_post(DUE, post.Provider([Refused(code)]), channel="email")
    assert (builders.standing_of(alice, "email").suppressed_at is not None) is suppressed


OUTCOMES = st.sampled_from(
    [Accepted("SM1", 1), Unknown("reset"), TryLater("20429", None), NotStarted("late"), Refused("21610"),
     Refused("20003"), Refused("99999"), Refused("30036")]
)  # fmt: skip


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    story=st.lists(st.one_of(OUTCOMES, st.sampled_from(["sent", "delivered", "failed", "silence", "stop"])), max_size=7)
)
def test_however_the_answers_come_it_rings_once(house, story):
    """P4: over random stories of answers, silence, receipts and a STOP, never a call after one that may have left."""
    from django.db import transaction

    with transaction.atomic():
        alice = builders.alice(consents=SMS).client
        post.confirmed(NOW)
        provider = SimpleNamespace(rang=0)
        now = DUE
        for turn in story:
            now += timedelta(minutes=40)
            message = builders.message(alice, "same-day")
            if turn == "stop":
                builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=now)
            elif isinstance(turn, str) and turn != "silence":
                if message.tries.exists():
                    _tell(message, turn, at=now)
            else:
                going = post.decided(prepare(post.claimed(now), now=now), now)
                provider.rang += len(going) * isinstance(turn, str | Accepted | Unknown)
                if turn == "silence":
                    doubt_silent(now=now, machine=now + post.LEASE)
                else:
                    record([Said(each, turn) for each in going], now=now)
            assert provider.rang <= 1
        transaction.set_rollback(True)


FINALS = {"delivered": 3, "read": 3, "undelivered": 2, "failed": 2, "canceled": 2, "accepted": 1, "queued": 1,
          "sending": 1, "sent": 1, "teleported": 0}  # fmt: skip
STANDS = {State.SENDING: 0, State.UNKNOWN: 0, State.PLANNED: 0, State.ACCEPTED: 1, State.UNDELIVERED: 2,
          State.DELIVERED: 3}  # fmt: skip
OURS = st.sampled_from([Accepted("SMfromreceipt", 1), Unknown("reset"), NotStarted("late"), TryLater("20429", None)])


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    words=st.lists(st.sampled_from(sorted(FINALS)), min_size=1, max_size=6),
    answer=OURS,
    place=st.integers(0, 6),
    silent=st.integers(0, 6),
    hours=st.lists(st.sampled_from([0, 1, 100, 2000]), min_size=6, max_size=6),
)
def test_receipts_in_any_order_any_number_and_at_any_time_end_the_same(alice, words, answer, place, silent, hours):
    """Rules 97-99: before our own answer or days after it, twice, with a worker thought dead: the highest word stands.

    No step of the way leads back, and once any of them proved that it left, nothing is ready to leave again.
    """
    from django.db import transaction

    with transaction.atomic():
        going = post.decided(prepare(post.claimed(DUE), now=DUE), DUE)
        message, before, now = builders.message(alice, "same-day"), 0, DUE
        for turn, word in enumerate(words):
            now += timedelta(hours=hours[turn])
            if turn == silent:
                doubt_silent(now=now, machine=DUE + post.LEASE + timedelta(seconds=1))
            if turn == place:
                record([Said(going[0], answer)], now=now)
            _tell(message, word, "30003" if FINALS[word] == 2 else "", at=now)
            assert STANDS[message.state] >= before
            before = STANDS[message.state]
        highest = max(FINALS[word] for word in words)
        if highest:
            assert STANDS[message.state] == max(highest, 1)
            assert not Ready.objects.filter(message=message).exists()
        assert message.tries.get().receipts.count() == len(set(words))
        transaction.set_rollback(True)
