"""When a sender that its provider refused is tried again (rule 87)."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST, LONGEST = timedelta(minutes=5), timedelta(hours=1)
MEMORY = timedelta(days=1)
MOST_DOUBLINGS = 10


def tried_again_at(since: datetime, *, before: int) -> datetime:
    """The calendar time at which one message is let through.

    Five minutes after `since`, twice as long for each of the `before` times it opened within MEMORY; an hour at most.
    """
    return since + min(FIRST * float(2 ** min(before, MOST_DOUBLINGS)), LONGEST)
