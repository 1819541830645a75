"""Whether CANCEL may have meant a visit, and by when somebody has to ask (rule 28)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.rules.visit_question import NEAR, ask_by, is_near

NOW = datetime(2027, 1, 12, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_the_horizon_is_exact():
    """Two weeks to the second; a visit that has begun is no longer asked about."""
    assert is_near(NOW + NEAR, NOW)
    assert not is_near(NOW + NEAR + SECOND, NOW)
    assert is_near(NOW + SECOND, NOW)
    assert not is_near(NOW, NOW)


@given(st.timedeltas(min_value=SECOND, max_value=NEAR))
def test_staff_must_have_asked_before_the_visit(ahead):
    """A day before, or at once; never after it began."""
    by = ask_by(NOW + ahead, NOW)
    assert NOW <= by < NOW + ahead
