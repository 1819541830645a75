"""Did anything leave after a STOP, and did anything leave twice? Asked at each scrape; both must stay 0 (P2, P4)."""

from __future__ import annotations

from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.rows import fetch
from worker.rules.names import MessageClass

LEFT = ", ".join(repr(state.value) for state in MAY_HAVE_LEFT)
NEWEST = 500  # stops, looked at by the index: the price stays the same for ever


def sent_after_stop() -> int:
    """Course messages decided after a stop that still stands, among the newest stops.

    A decision that began before the stop committed is none of these: its own moment is earlier.
    """
    return int(
        fetch(
            "WITH newest AS (SELECT standing_id FROM aftercare_suppression ORDER BY id DESC "
            f"LIMIT {NEWEST}) SELECT count(*) FROM aftercare_attempt a "
            "JOIN aftercare_standing s ON s.id = a.standing_id "
            "WHERE a.standing_id IN (SELECT standing_id FROM newest) AND s.suppressed_at IS NOT NULL "
            f"AND a.decided_at > s.suppressed_at AND a.cls = '{MessageClass.COURSE}' AND a.state IN ({LEFT})",
            [],
        )[0][0]
    )
