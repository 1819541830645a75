"""What each act makes of a consent: the words of the ledger, and the state that the newest leaves (rules 1-9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MONTHS = 12  # in a year


class Act(StrEnum):
    """What happened to a consent."""

    GIVEN = "given"
    ASKED = "asked"  # the opt-in question is put; nothing else goes before its answer (rule 7)
    CONFIRMED = "confirmed"
    REVOKED = "revoked"
    RESTORED = "restored"
    EXPIRED = "expired"
    STALE = "stale"
    CLOSED = "closed"


class GrantState(StrEnum):
    """Only `active` lets a course message go (P1)."""

    PENDING = "pending"
    ACTIVE = "active"
    REVOKED = "revoked"
    EXPIRED = "expired"
    NEEDS_RECONFIRMATION = "needs_reconfirmation"


STATE_AFTER: Mapping[Act, GrantState] = {
    Act.GIVEN: GrantState.ACTIVE,
    Act.ASKED: GrantState.PENDING,
    Act.CONFIRMED: GrantState.ACTIVE,
    Act.REVOKED: GrantState.REVOKED,
    Act.RESTORED: GrantState.ACTIVE,
    Act.EXPIRED: GrantState.EXPIRED,
    Act.STALE: GrantState.NEEDS_RECONFIRMATION,
    Act.CLOSED: GrantState.REVOKED,
}
"""The newest act decides, whatever came before it: who reads the ledger needs no other rule."""

MAKES_ACTIVE = frozenset(act for act, state in STATE_AFTER.items() if state is GrantState.ACTIVE)
ENDED = frozenset({GrantState.REVOKED, GrantState.EXPIRED})


def before_keyword(acts: Sequence[tuple[Act, bool]]) -> GrantState | None:
    """The state that START brings back, or None when it was not this person's own keyword that ended it (rule 30).

    `acts` are all acts about one client, address and purpose, oldest first, each with whether a keyword from that
    phone wrote it. Only keywords at the very end are undone: what a link, the desk or an erasure ended stays ended.
    """
    kept = len(acts)
    while kept and acts[kept - 1] == (Act.REVOKED, True):
        kept -= 1
    if kept in (0, len(acts)):
        return None
    return STATE_AFTER[acts[kept - 1][0]]


def asked_until(since: datetime, hours: int) -> datetime:
    """When an opt-in question that was put at `since` is over (rule 7); both are aware."""
    return since + timedelta(hours=hours)


def months_before(now: datetime, months: int) -> datetime:
    """The same day and hour so many months earlier, or the last day of a shorter month; `now` is aware (rule 9)."""
    year, month = divmod(now.year * MONTHS + now.month - 1 - months, MONTHS)
    for day in (now.day, 30, 29, 28):
        try:
            return now.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")
