"""The states: what is final stays final, what may have rung never goes back to where it could ring again (P4, P5)."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.states import FINAL, LEGAL, OPEN, RANK, State, after_receipt, may

STATUSES = st.lists(st.sampled_from([*RANK, "teleported", "", "DELIVERED"]), max_size=12)
WENT = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED)


@pytest.mark.parametrize("final", sorted(FINAL))
def test_nothing_leaves_a_final_state(final):
    """P5: a recorded decision stands."""
    assert [after for before, after in LEGAL if before == final] == []


@pytest.mark.parametrize("went", WENT)
def test_what_went_never_becomes_plannable_again(went):
    """P4: from accepted, delivered or undelivered no road leads back to planned, over however many states."""
    reached, frontier = {went}, {went}
    while frontier:
        frontier = {after for before, after in LEGAL if before in frontier} - reached
        reached |= frontier
    assert reached <= set(WENT)


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_reached_and_every_other_can_be_left(state):
    """P5: no dead end besides the final ones and what is out of our hands."""
    assert state == State.PLANNED or any(after == state for _, after in LEGAL)
    assert state in FINAL or any(before == state for before, _ in LEGAL)


def test_sending_is_entered_only_from_a_claim():
    """P2: nothing held, unknown or over is called without a new decision."""
    assert {before for before, after in LEGAL if after == State.SENDING} == {State.PLANNED, State.CLAIMED}


def test_doubt_is_never_ended_by_a_blind_repeat():
    """P4: from unknown back to planned only, and only there: proved absent."""
    assert {after for before, after in LEGAL if before == State.UNKNOWN} - set(WENT) == {
        State.PLANNED,
        State.UNRESOLVED,
    }
    assert State.PLANNED not in {after for before, after in LEGAL if before == State.UNRESOLVED}


def test_what_is_open_can_be_cancelled_and_missed():
    """P2, P7: STOP and the clock reach everything that has not gone."""
    for state in OPEN:
        assert may(state, State.CANCELLED)
        assert may(state, State.MISSED)


@given(before=st.sampled_from(State), statuses=STATUSES)
def test_receipts_only_ever_take_legal_steps(before, statuses):
    """Rule 98: whatever comes, in whatever order, on whatever state."""
    state = before
    for status in statuses:
        after = after_receipt(state, status)
        assert after == state or may(state, after)
        state = after


@given(statuses=STATUSES, order=st.randoms(use_true_random=False))
def test_the_order_of_receipts_does_not_matter(statuses, order):
    """Rule 98: monotonic by rank, so every order of one set ends alike."""
    shuffled = list(statuses)
    order.shuffle(shuffled)
    ends = []
    for each in (statuses, shuffled):
        state = State.SENDING
        for status in each:
            state = after_receipt(state, status)
        ends.append(state)
    assert ends[0] == ends[1]


def test_delivered_is_the_last_word():
    """Rule 98: also after undelivered."""
    for order in permutations(("sent", "undelivered", "delivered")):
        state = State.ACCEPTED
        for status in order:
            state = after_receipt(state, status)
        assert state == State.DELIVERED


@pytest.mark.parametrize("state", [State.CANCELLED, State.WITHHELD, State.MISSED])
@pytest.mark.parametrize("status", RANK)
def test_a_receipt_never_reopens_what_was_decided(state, status):
    """P5."""
    assert after_receipt(state, status) == state
