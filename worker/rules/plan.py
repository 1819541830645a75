"""When each step of a protocol is due, and what becomes of a step that no opening can hold (P5-P7).

`when` and `until` count from the same anchor. Elapsed time is real time; a calendar moment is a date and a
wall time of the client's zone (rule 136). Nothing here reads a clock: `now` is an argument.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from worker.rules.hours import last_open_before, next_opening
from worker.rules.local_time import instant, local, utc
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.steps import (
    Anchor,
    Calendar,
    Cause,
    Elapsed,
    HandOver,
    IfClosed,
    Missed,
    Moved,
    Outcome,
    Planned,
    PlannedMessage,
    StepRule,
    When,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from worker.rules.hours import Hours

__all__ = [
    "BEFORE_CLOSING",
    "EARLY_CARE",
    "SPACING",
    "Anchor",
    "Calendar",
    "Cause",
    "Elapsed",
    "HandOver",
    "IfClosed",
    "Missed",
    "Moved",
    "Outcome",
    "Planned",
    "PlannedMessage",
    "StepRule",
    "When",
    "holidays_count_from",
    "moment",
    "plan_course",
    "plan_step",
]

SPACING = timedelta(hours=4)
"""The least time between two course messages of one channel (rule 51)."""
BEFORE_CLOSING = timedelta(minutes=15)
"""How long before an opening ends a message put earlier is due: room for a queue and a retry."""
EARLY_CARE = timedelta(hours=72)
"""How long after a treatment aftercare may overlook a holiday that is only custom."""


def moment(when: When, anchor_at: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant that `when` names, counted from `anchor_at` (rules 136, 137)."""
    if isinstance(when, Elapsed):
        return utc(anchor_at) + when.delta
    return instant(local(anchor_at, zone).date() + timedelta(days=when.days), when.at, zone)


def holidays_count_from(rule: StepRule, anchor_at: datetime) -> datetime | None:
    """Since when public holidays hold up a step; None: always (they never hold up aftercare in its first 72 h)."""
    early = rule.anchor is Anchor.TREATMENT and rule.purpose is Purpose.AFTERCARE
    return utc(anchor_at) + EARLY_CARE if early else None


def plan_step(
    rule: StepRule, *, anchor_at: datetime, zone: ZoneInfo, hours: Hours, now: datetime
) -> Planned | HandOver | Missed:
    """What becomes of one step on a channel with these hours.

    In this order: nothing is left of its time; the first opening from when it is due (or from `now`, if that is
    later); else what `if_closed` says. Answers are exempt from hours. Times are aware, results UTC.

    Raises:
        ValueError: `anchor_at` or `now` is naive.
    """
    return _Step(rule, utc(anchor_at), zone, hours, utc(now)).outcome()


@dataclass(frozen=True, slots=True)
class _Step:
    """A step on its way to an outcome."""

    rule: StepRule
    anchor_at: datetime
    zone: ZoneInfo
    hours: Hours
    now: datetime
    at_latest: datetime | None = None

    def outcome(self) -> Outcome:
        due_at, expires_at = self._due(), self._expires()
        if expires_at <= self.now:
            return self._unplanned(Cause.PAST, due_at, expires_at)
        return self._from(max(due_at, self.now), due_at, expires_at) or self._closed(due_at, expires_at)

    def not_before(self, at: datetime) -> Outcome:
        """The step at its first opening from `at` on, because another message goes shortly before."""
        due_at, expires_at = self._due(), self._expires()
        opening = self._opening(at)
        if opening is not None and opening < expires_at:
            return self._planned(opening, expires_at, Moved.SPACED)
        return self._unplanned(Cause.CROWDED, due_at, expires_at)

    def _due(self) -> datetime:
        return moment(self.rule.when, self.anchor_at, self.zone)

    def _expires(self) -> datetime:
        own = moment(self.rule.until, self.anchor_at, self.zone)
        return min(own, utc(self.at_latest)) if self.at_latest else own

    def _opening(self, at: datetime) -> datetime | None:
        if self.rule.cls is MessageClass.ANSWER:
            return at
        count_from = holidays_count_from(self.rule, self.anchor_at)
        return next_opening(at, self.hours.windows, *self.hours.zones, holidays_from=count_from)

    def _from(self, at: datetime, due_at: datetime, expires_at: datetime) -> Planned | None:
        opening = self._opening(at)
        if opening is None or opening >= expires_at:
            return None
        moved = None if opening == due_at else Moved.LATE if opening == self.now else Moved.CLOSED
        return self._planned(opening, expires_at, moved)

    def _closed(self, due_at: datetime, expires_at: datetime) -> Outcome:
        at = self._earlier(due_at, expires_at) if self.rule.if_closed is IfClosed.EARLIER else None
        if at is not None:
            return self._planned(at, expires_at, Moved.EARLIER)
        return self._unplanned(Cause.CLOSED, due_at, expires_at)

    def _earlier(self, due_at: datetime, expires_at: datetime) -> datetime | None:
        """As late as sensible in the last opening before `expires_at`; advice never comes before its treatment."""
        count_from = holidays_count_from(self.rule, self.anchor_at)
        span = last_open_before(expires_at, self.hours.windows, *self.hours.zones, holidays_from=count_from)
        if span is None:
            return None
        floor = max(self.now, self.anchor_at) if due_at >= self.anchor_at else self.now
        at = max(span.opens_at, span.closes_at - BEFORE_CLOSING, floor)
        return at if at < span.closes_at else None

    def _planned(self, due_at: datetime, expires_at: datetime, moved: Moved | None) -> Planned:
        wall = local(due_at, self.zone)
        return Planned(
            step=self.rule.code,
            due_at=due_at,
            expires_at=expires_at,
            local_date=wall.date(),
            local_time=wall.time(),
            moved=moved,
        )

    def _unplanned(self, reason: Cause, due_at: datetime, expires_at: datetime) -> HandOver | Missed:
        """A reminder whose time had passed when the session was booked is nobody's fault: it is only missed."""
        booked_late = reason is Cause.PAST and self.rule.anchor is Anchor.APPOINTMENT
        kind = Missed if booked_late or self.rule.if_closed is IfClosed.SKIP else HandOver
        return kind(step=self.rule.code, due_at=due_at, expires_at=expires_at, reason=reason)


def plan_course(
    rules: Iterable[StepRule],
    *,
    anchors: Mapping[Anchor, datetime | None],
    zone: ZoneInfo,
    hours_by_channel: Mapping[Channel, Hours],
    now: datetime,
    consented: frozenset[tuple[Channel, Purpose]],
    future_only: bool = False,
    late: frozenset[str] = frozenset(),
    at_latest: Mapping[Anchor, datetime] | None = None,
) -> tuple[PlannedMessage, ...]:
    """Every step on every channel the client agreed to, in due order.

    Steps whose anchor is not known are left out; those of `Anchor.COURSE` too while a session is booked. Of two
    course messages of one channel closer than `SPACING` the later is moved on, or handed over if it no longer
    fits. An answer needs consent to any purpose of its channel. With `future_only` steps whose moment has come are left
    out: who comes back after a while gets what lies ahead, never a burst of what is past (rule 50); those of `late`
    stay in, for they were promised and only held up. `at_latest` ends the use of an anchor's steps where that is sooner
    than their own `until`.

    Raises:
        ValueError: `now` or an anchor is naive.
    """
    now, ends = utc(now), at_latest or {}
    waiting = [
        _entry(channel, step, step.outcome())
        for rule, anchor_at in _applicable(rules, anchors)
        for channel in rule.channels
        if channel in hours_by_channel and _agreed(rule, channel, consented)
        if not (future_only and _is_past(rule, moment(rule.when, anchor_at, zone), now) and rule.code not in late)
        for step in [_Step(rule, utc(anchor_at), zone, hours_by_channel[channel], now, ends.get(rule.anchor))]
    ]
    placed = list(_spaced([each for each in waiting if not each[5].rule.instead_of]))
    return tuple(sorted(_with_substitutes(placed, [each for each in waiting if each[5].rule.instead_of]), key=_place))


def _with_substitutes(placed: list[PlannedMessage], substitutes: list[_Entry]) -> Iterator[PlannedMessage]:
    """The messages, with each substitute that can go: beside the step that may yet be missed, or in its place.

    A substitute neither keeps its distance nor makes others keep it: whether it goes is decided at its hour.
    """
    able = {
        (step.rule.instead_of, channel): PlannedMessage(rule=step.rule, channel=channel, outcome=outcome)
        for _, _, _, _, channel, step, outcome in substitutes
        if isinstance(outcome, Planned)
    }
    for each in placed:
        if isinstance(each.outcome, HandOver) and (each.rule.code, each.channel) in able:
            late = each.outcome
            missed = Missed(step=late.step, due_at=late.due_at, expires_at=late.expires_at, reason=late.reason)
            yield PlannedMessage(rule=each.rule, channel=each.channel, outcome=missed)
        else:
            yield each
    yield from able.values()


def _applicable(
    rules: Iterable[StepRule], anchors: Mapping[Anchor, datetime | None]
) -> Iterator[tuple[StepRule, datetime]]:
    booked = anchors.get(Anchor.APPOINTMENT) is not None
    for rule in rules:
        anchor_at = anchors.get(rule.anchor)
        if anchor_at is not None and not (booked and rule.anchor is Anchor.COURSE):
            yield rule, anchor_at


def _is_past(rule: StepRule, due_at: datetime, now: datetime) -> bool:
    return rule.cls is MessageClass.COURSE and due_at <= now


def _agreed(rule: StepRule, channel: Channel, consented: frozenset[tuple[Channel, Purpose]]) -> bool:
    if rule.cls is MessageClass.ANSWER:
        return any(agreed is channel for agreed, _ in consented)
    return (channel, rule.purpose) in consented


_Entry = tuple[datetime, datetime, int, str, Channel, "_Step", Outcome]


def _entry(channel: Channel, step: _Step, outcome: Outcome) -> _Entry:
    """Of two due at once the one that is useful for less long goes first."""
    return outcome.due_at, outcome.expires_at, step.rule.ordinal, step.rule.code, channel, step, outcome


def _place(message: PlannedMessage) -> tuple[datetime, int, Channel]:
    return message.outcome.due_at, message.rule.ordinal, message.channel


def _spaced(waiting: list[_Entry]) -> Iterator[PlannedMessage]:
    """In due order, each course message at least `SPACING` after the one before it on its channel.

    A message moved on goes back into the queue, for others may now come before it.
    """
    heapq.heapify(waiting)
    free_from: dict[Channel, datetime] = {}
    while waiting:
        due_at, _, _, _, channel, step, outcome = heapq.heappop(waiting)
        if isinstance(outcome, Planned) and step.rule.cls is MessageClass.COURSE:
            if due_at < free_from.get(channel, due_at):
                heapq.heappush(waiting, _entry(channel, step, step.not_before(free_from[channel])))
                continue
            free_from[channel] = due_at + SPACING
        yield PlannedMessage(rule=step.rule, channel=channel, outcome=outcome)
