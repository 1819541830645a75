"""A sender that is refused keeps its queue and is tried again, each time later; others go on (rule 87)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.send.circuit import BY, try_circuits
from worker.actions.send.due import release_unpaused
from worker.channels.base import Refused
from worker.models import Event, Pause
from worker.reading.chain import faults

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
