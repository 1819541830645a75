"""What each act makes of a consent (rules 1-9, 30)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.consent import STATE_AFTER, Act, GrantState, before_keyword, months_before

ACTS = st.lists(st.tuples(st.sampled_from(Act), st.booleans()), max_size=12)
KEYWORD = (Act.REVOKED, True)


def test_every_act_has_its_state_and_only_four_open():
    """P1: a new act must say what it does; given, confirmed and restored are the only ways to active."""
    assert set(STATE_AFTER) == set(Act)
    opening = {act for act, state in STATE_AFTER.items() if state is GrantState.ACTIVE}
    assert opening == {Act.GIVEN, Act.CONFIRMED, Act.RESTORED}


@given(ACTS)
def test_only_a_keyword_at_the_end_is_undone(acts):
    """Rule 30: what comes back is what stood before the last keywords, and nothing when another act came last."""
    back = before_keyword(acts)
    if not acts or acts[-1] != KEYWORD or set(acts) == {KEYWORD}:
        assert back is None
    else:
        before = list(acts)
        while before[-1] == KEYWORD:
            before.pop()
        assert back is STATE_AFTER[before[-1][0]]


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ((2028, 7, 12), 18, (2027, 1, 12)), ((2027, 8, 31), 6, (2027, 2, 28)), ((2028, 8, 31), 6, (2028, 2, 29)),
        ((2027, 1, 31), 1, (2026, 12, 31)), ((2027, 12, 31), 6, (2027, 6, 30)), ((2028, 2, 29), 24, (2026, 2, 28)),
    ],
)  # fmt: skip
def test_months_are_counted_on_the_calendar(now, months, then):
    """Rule 9: the same day, or the last of a shorter month."""
    assert months_before(datetime(*now, 15, tzinfo=UTC), months) == datetime(*then, 15, tzinfo=UTC)
