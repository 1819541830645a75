"""Whether CANCEL may have meant a visit, and by when a person has to ask (rule 28)."""

from __future__ import annotations

from datetime import datetime, timedelta

NEAR = timedelta(days=14)
"""The first reminder of a visit comes a week before it; who answers that one late still means this visit. Further
off nobody was reminded of anything, and a question about it would only be another call after a STOP."""
ASKED_BEFORE = timedelta(days=1)


def is_near(starts_at: datetime, now: datetime) -> bool:
    """True for a visit that a CANCEL at `now` may have meant (both aware)."""
    return now < starts_at <= now + NEAR


def ask_by(starts_at: datetime, now: datetime) -> datetime:
    """When staff must have asked: a day before the visit, or at once when that is over."""
    return max(now, starts_at - ASKED_BEFORE)
