"""A sender that is refused keeps its queue and is tried again, each time later; others go on (rule 87)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker import clock
from worker.actions.consent.hold import pause
from worker.actions.send.circuit import BY, close_circuits, try_circuits
from worker.actions.send.due import release_unpaused
from worker.actions.send.prepare import prepare
from worker.actions.send.record import record
from worker.actions.send.said import Said
from worker.channels.base import Accepted, NotStarted, Refused, TryLater, Unknown
from worker.management import glance
from worker.models import Event, Pause
from worker.models.hold import PauseScope
from worker.reading.chain import faults
from worker.reading.house import house as house_at
from worker.reading.metrics import House
from worker.reading.status import status

DUE = NOW + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def alice(house):
    """Alice of Lakeside and Bob of Hillside, by SMS alone, confirmed."""
    client = builders.alice(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    return client


def _again(at):
    """A round of the worker's housekeeping, then one of the post whose first call is refused as before."""
    try_circuits(now=at)
    release_unpaused()
    provider = post.Provider([Refused("20003")])
    post.round_of_post(at, provider)
    return len(provider.taken)


def test_a_refused_sender_is_left_alone_and_its_queue_kept(alice):
    """Rule 87, code 20003: one call, then none until its time; five minutes, ten, twenty; nothing is lost."""
    assert _again(DUE) == 1
    assert Pause.objects.get().by == BY
    assert [_again(DUE + minute * MINUTE) for minute in (1, 4)] == [0, 0]
    assert _again(DUE + 5 * MINUTE) == 1
    assert [_again(DUE + minute * MINUTE) for minute in (6, 10, 14)] == [0, 0, 0]
    assert _again(DUE + 15 * MINUTE) == 1
    assert _again(DUE + 34 * MINUTE) == 0
    try_circuits(now=DUE + 35 * MINUTE)
    release_unpaused()
    assert post.round_of_post(DUE + 35 * MINUTE) == ["same-day"]
    assert builders.message(alice, "same-day").state == "accepted"
    assert not Pause.objects.filter(ended_at__isnull=True).exists()
    assert Event.objects.filter(kind="paused", actor=BY).count() == 3
    assert faults() == []


def test_it_is_seen_where_operators_look(alice):
    """Issue 7: status names the sender, why, and when it is tried again: later each time, as the circuit does it."""
    assert status(now=DUE)["circuits"] == []
    _again(DUE)
    (first,) = status(now=DUE)["circuits"]
    assert (first["clinic"], first["channel"], first["state"]) == ("lakeside", "sms", "open")
    assert first["why"].endswith("20003")
    assert datetime.fromisoformat(first["tried_again_at"]) == DUE + 5 * MINUTE
    try_circuits(now=DUE + 5 * MINUTE)
    assert status(now=DUE + 5 * MINUTE)["circuits"][0]["state"] == "half_open"
    post.round_of_post(DUE + 5 * MINUTE, post.Provider([Refused("20003")]))
    said = house_at(now=DUE + 6 * MINUTE, machine=clock.machine())
    assert datetime.fromisoformat(said["circuits"][0]["tried_again_at"]) == DUE + 15 * MINUTE
    (line,) = [each for each in glance.lines(said) if each.startswith("!refused")]
    assert "tried again at 2027" in line


def test_the_other_clinics_sender_goes_on(alice, house):
    """P5: one clinic's account is not the others' trouble."""
    bob = builders.bob(consents=builders.SERVICE[:2]).client
    post.confirmed(NOW)
    post.round_of_post(DUE, post.Provider([Refused("20003")]))
    post.round_of_post(DUE + MINUTE)
    assert builders.message(alice, "same-day").state in {"held", "planned"}
    assert builders.message(bob, "same-day").state == "accepted"


def test_a_pause_by_hand_is_never_ended_by_a_circuit(alice):
    """Rule 144: what a person stopped a person starts."""
    post.round_of_post(DUE, post.Provider([Refused("20003")]))
    Pause.objects.update(by="ops")
    assert try_circuits(now=DUE + timedelta(days=1)) == 0
    assert Pause.objects.filter(ended_at__isnull=True).exists()


def test_a_person_takes_a_circuits_pause_over_and_no_probe_ends_it(alice):
    """Rule 144: not refused as paused already; the probe goes no more, and its answer ends nothing."""
    post.round_of_post(DUE, post.Provider([Refused("20003")]))
    post.round_of_post(DUE + 5 * MINUTE)
    assert try_circuits(now=DUE + 5 * MINUTE) == 1
    circuit = Pause.objects.get(by=BY)
    taken = pause(scope=PauseScope.SENDER, value=circuit.value, why="account closed", by="Sam", now=DUE + 5 * MINUTE)
    assert taken.pk == circuit.pk
    close_circuits([circuit.probe], now=DUE + 5 * MINUTE)
    release_unpaused()
    assert post.round_of_post(DUE + 5 * MINUTE) == []
    assert try_circuits(now=DUE + timedelta(hours=2)) == 0
    stands = Pause.objects.get(ended_at__isnull=True)
    assert (stands.by, stands.why, stands.probe) == ("Sam", "account closed", None)
    assert Event.objects.filter(kind="paused", actor="Sam").count() == 1
    assert faults() == []


def test_a_probe_whose_call_is_under_way_ends_no_pause_that_a_person_took_over_meanwhile(alice, monkeypatch):
    """Rule 144: between the reading of the circuits and the ending of one, it became a person's."""
    post.round_of_post(DUE, post.Provider([Refused("20003")]))
    post.round_of_post(DUE + 5 * MINUTE)
    try_circuits(now=DUE + 5 * MINUTE)
    read = list(Pause.objects.filter(by=BY))
    pause(scope=PauseScope.SENDER, value=read[0].value, why="account closed", by="Sam", now=DUE + 5 * MINUTE)

    class Stale:
        def filter(self, **asked):
            return read if "probe__in" in asked else Pause.objects.filter(by=BY, ended_at__isnull=True, **asked)

    monkeypatch.setattr("worker.actions.send.circuit._standing", Stale)
    close_circuits([read[0].probe], now=DUE + 6 * MINUTE)
    assert Pause.objects.get().ended_at is None


@pytest.fixture
def queue(house):
    """Four clients of Lakeside whose texts are held by an open circuit, and its time is over."""
    for number in range(4):
        builders.alice(
            external_id=f"A-{number}",
            phone=f"+1212555010{number}",
            email=f"a{number}@example.com",
            consents=builders.SERVICE[:2],
        )
    post.confirmed(NOW)
    post.round_of_post(DUE, post.Provider([Refused("20003")] * 4))
    post.round_of_post(DUE + 5 * MINUTE)  # all are due again, and meet the pause
    assert try_circuits(now=DUE + 5 * MINUTE) == 1


def _round(at, *answers):
    provider = post.Provider(list(answers))
    post.round_of_post(at, provider)
    return len(provider.taken)


def test_a_single_call_of_all_workers_tries_again(queue):
    """Half-open: however many rounds and workers look, one message is let through; its yes lets the others go."""
    at = DUE + 5 * MINUTE
    assert [try_circuits(now=at), release_unpaused()] == [0, 0]
    claims = post.claimed(at)
    assert len(claims) == 1
    going = post.decided(prepare(claims, now=at), at)
    assert [try_circuits(now=at + MINUTE), _round(at + MINUTE)] == [0, 0]  # as long as that call is under way
    record([Said(going[0], Accepted("SM1", 1))], now=at)
    assert not Pause.objects.filter(ended_at__isnull=True).exists()
    assert release_unpaused() == 3
    assert _round(at + MINUTE) == 3


def test_a_refusal_of_the_one_address_closes_the_circuit_too(queue):
    """The provider speaks to this sender again: what it says of one number is that number's trouble."""
    assert _round(DUE + 5 * MINUTE, Refused("21211")) == 1
    assert not Pause.objects.filter(ended_at__isnull=True).exists()


@pytest.mark.parametrize("answer", [Unknown("no answer"), TryLater("20429", 600.0), NotStarted("late")])
def test_a_probe_that_says_nothing_is_followed_by_another(queue, answer):
    """Neither open nor closed: a minute later the next in the queue tries."""
    at = DUE + 5 * MINUTE
    assert _round(at, answer) == 1
    assert Pause.objects.get(ended_at__isnull=True).probe is not None
    assert try_circuits(now=at + timedelta(seconds=59)) == 0
    try_circuits(now=at + MINUTE)
    assert _round(at + MINUTE) == 1
    assert not Pause.objects.filter(ended_at__isnull=True).exists()


def test_the_metrics_tell_an_open_circuit_from_one_that_is_tried(queue):
    """An operator sees both."""
    told = {tuple(sample.labels.values()): sample.value for family in House(DUE).collect() for sample in family.samples
            if sample.name == "aftercare_circuits"}  # fmt: skip
    assert told == {("open",): 0, ("half_open",): 1}
