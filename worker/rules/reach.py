"""Which steps of a protocol cannot go after which treatments, asked before a practitioner approves it (P5).

The protocol is tried on paper: a client is treated, and enrolled at once, every quarter of an hour from 08:00
to 20:00, on each weekday, on public holidays and on the days the zone changes its clock, and also so many
days before such a day that the step itself falls on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from worker.rules.hours import SEARCH
from worker.rules.local_time import instant, local
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.openings import holidays_in
from worker.rules.plan import Anchor, Cause, HandOver, Missed, Planned, moment, plan_course, plan_step
from worker.rules.steps import OF_CALENDAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from zoneinfo import ZoneInfo

    from worker.rules.hours import Hours
    from worker.rules.plan import Outcome, StepRule

_DAY = timedelta(days=1)
_YEAR = timedelta(days=366)
_BOOKED_AHEAD = timedelta(days=35)
_QUARTERS = tuple(time(minute // 60, minute % 60) for minute in range(8 * 60, 20 * 60 + 1, 15))
_NEVER_PLANNED_AHEAD = dict.fromkeys(OF_CALENDAR)
_EVERY_CONSENT = frozenset((channel, purpose) for channel in Channel for purpose in Purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A step that cannot go on a channel after some treatments.

    Args:
        reason: why; the most frequent one.
        answered: each time the staff are asked to speak to the client; otherwise it is lost without a word.
        example: one such treatment (for reminders: the session) on the client's clock.
        times: of `tried` treatments, how many; all of them means that the step can never go.
    """

    step: str
    channel: Channel
    reason: Cause
    answered: bool
    example: datetime
    times: int
    tried: int


def unreachable(
    rules: Iterable[StepRule], hours_by_channel: Mapping[Channel, Hours], zone: ZoneInfo, *, start: date
) -> tuple[Finding, ...]:
    """The steps for which a protocol must not be approved: sometimes lost without a word, or never able to go.

    Args:
        rules: the steps of the protocol.
        hours_by_channel: what the clinic and its jurisdiction allow.
        zone: the clinic's zone, taken for the client's.
        start: the first day that is tried; the year after it is searched for holidays and clock changes.
    """
    found = _tried(tuple(rules), tuple(hours_by_channel.items()), zone, start)
    return tuple(finding for finding in found if not finding.answered or finding.times == finding.tried)


def shortfalls(
    rules: Iterable[StepRule], hours_by_channel: Mapping[Channel, Hours], zone: ZoneInfo, *, start: date
) -> tuple[Finding, ...]:
    """Every step that cannot go after some treatments, also where the staff are asked instead (arguments as above).

    The practitioner who approves should see these: each is a call that somebody will have to make.
    """
    return _tried(tuple(rules), tuple(hours_by_channel.items()), zone, start)


@lru_cache(maxsize=16)
def _tried(
    rules: tuple[StepRule, ...], hours: tuple[tuple[Channel, Hours], ...], zone: ZoneInfo, start: date
) -> tuple[Finding, ...]:
    """Cached because a practitioner looks before she approves, and each look costs two seconds of one core."""
    hours_by_channel = dict(hours)
    steps = tuple(
        rule
        for rule in rules
        if rule.cls is MessageClass.COURSE and rule.anchor is not Anchor.REPLY and not rule.instead_of
    )
    days = _special_days(hours_by_channel.values(), zone, start)
    found: list[Finding] = []
    for rule in steps:
        each = {channel: hours_by_channel[channel] for channel in rule.channels if channel in hours_by_channel}
        dates = _dates(rule, start, days, zone)
        trials = {kept: list(_alone(rule, kept, zone, dates)) for kept in set(each.values())}
        for channel, kept in each.items():
            found += _finding(rule, channel, trials[kept])
    return (*found, *_crowded(steps, hours_by_channel, zone, start))


_Trial = tuple[datetime, "Outcome"]


def _alone(rule: StepRule, hours: Hours, zone: ZoneInfo, dates: Iterable[date]) -> Iterator[_Trial]:
    """One step by itself; a session is taken to have been booked long before its reminder."""
    for anchor_at in _treatments(dates, zone):
        now = anchor_at
        if rule.anchor is Anchor.APPOINTMENT:
            now = min(anchor_at, moment(rule.when, anchor_at, zone)) - SEARCH
        outcome = plan_step(rule, anchor_at=anchor_at, zone=zone, hours=hours, now=now)
        yield local(anchor_at, zone), outcome


def _crowded(
    steps: tuple[StepRule, ...], hours_by_channel: Mapping[Channel, Hours], zone: ZoneInfo, start: date
) -> Iterator[Finding]:
    """Steps that the steps before them leave no room, with and without a next session booked (rule 51)."""
    trials: dict[tuple[str, Channel], list[_Trial]] = {}
    for treated_at in _treatments(_week(start), zone):
        for booked_at in (None, treated_at + _BOOKED_AHEAD):
            anchors = dict.fromkeys(Anchor, treated_at) | {Anchor.APPOINTMENT: booked_at, **_NEVER_PLANNED_AHEAD}
            course = plan_course(
                steps,
                anchors=anchors,
                zone=zone,
                hours_by_channel=hours_by_channel,
                now=treated_at,
                consented=_EVERY_CONSENT,
            )
            for message in course:
                trial = local(treated_at, zone), message.outcome
                trials.setdefault((message.rule.code, message.channel), []).append(trial)
    for rule in steps:
        for channel in rule.channels:
            yield from _finding(rule, channel, trials.get((rule.code, channel), []), crowded=True)


def _finding(rule: StepRule, channel: Channel, trials: list[_Trial], *, crowded: bool = False) -> Iterator[Finding]:
    failed = [
        (at, outcome)
        for at, outcome in trials
        if not isinstance(outcome, Planned) and (outcome.reason is Cause.CROWDED) is crowded
    ]
    if failed:
        silent = [at for at, outcome in failed if isinstance(outcome, Missed)]
        reasons = Counter(outcome.reason for _, outcome in failed if isinstance(outcome, HandOver | Missed))
        yield Finding(
            step=rule.code,
            channel=channel,
            reason=reasons.most_common(1)[0][0],
            answered=not silent,
            example=silent[0] if silent else failed[0][0],
            times=len(failed),
            tried=len(trials),
        )


def _treatments(dates: Iterable[date], zone: ZoneInfo) -> Iterator[datetime]:
    return (instant(on, at, zone) for on in dates for at in _QUARTERS)


def _week(start: date) -> list[date]:
    return [start + timedelta(days=day) for day in range(7)]


def _dates(rule: StepRule, start: date, special: Iterable[date], zone: ZoneInfo) -> list[date]:
    """The week, the special days, and the days that put the step's own time on a special day."""
    noon = instant(start, time(12), zone)
    ends = (local(moment(when, noon, zone), zone).date() - start for when in (rule.when, rule.until))
    lags = {timedelta(0), *ends}
    return sorted({*_week(start), *(on - lag for on in special for lag in lags)})


def _special_days(each: Iterable[Hours], zone: ZoneInfo, start: date) -> set[date]:
    holidays = (holidays_in(hours.windows, start, start + _YEAR) for hours in each)
    return set().union(_clock_changes(zone, start), *holidays)


def _clock_changes(zone: ZoneInfo, start: date) -> set[date]:
    """The local dates within a year on which the zone is put forward or back."""
    days = [start + timedelta(days=day) for day in range(_YEAR.days + 1)]
    midnights = [instant(on, time.min, zone) for on in days]
    return {on for on, first, after in zip(days, midnights, midnights[1:], strict=False) if after - first != _DAY}
