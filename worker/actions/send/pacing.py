"""How a shift keeps to the limits: it claims what may go, takes its tokens before it decides, and puts off the rest.

What is put off goes back to what is ready, free again when its turn may come, with its reason on the message: nobody
sleeps on a claim, and no transaction waits (rules 84, 85). Limits count seconds that a stepped calendar passes over.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError

from worker import clock, meters
from worker.actions.record.verdicts import judge
from worker.actions.send.claim import STRIDE
from worker.broker import is_redis, plain_url
from worker.channels.base import NotStarted, Refused, TryLater, Unknown
from worker.models import Pulse
from worker.models.pulse import PulseKind
from worker.models.rows import update_many
from worker.pace import Pace
from worker.rules.gate import Reason
from worker.rules.names import Channel
from worker.rules.pace import Limit, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.actions.send.prepared import Prepared
    from worker.channels.base import Outcome

SILENT = 5  # calls in a row without an answer: an outage should cost a handful of doubts, not a whole queue's
REASONS = {"rate": Reason.RATE_LIMIT, "calls": Reason.RATE_LIMIT, "rest": Reason.PROVIDER_SLOW}
FRESH = timedelta(seconds=30)
LOOK_AGAIN, RATE_AGAIN = timedelta(seconds=10), timedelta(minutes=15)
COUNT_AGAIN = 10.0  # seconds for which the number of processes is believed
log = structlog.get_logger("aftercare.pacing")


class Pacing:
    """What one process knows of the limits of one channel; it lives as long as the process."""

    def __init__(self, channel: Channel, pace: Pace) -> None:
        """`pace` is this process's way to the shared limits."""
        self._channel, self._pace = channel, pace
        self._limits: dict[int, tuple[Limit, ...]] = {}  # by clinic, as its messages were last written
        self._accounts: dict[str, Limit] = {}
        self._rated = False  # some sender has a rate of its own
        self._resting: dict[int, float] = {}  # by clinic: clock.passing() before which nothing of it can go
        self._silent: dict[str, int] = {}  # by account: calls in a row that got no answer
        self._touched: dict[str, Limit] = {}  # in this shift
        self._turn = 0

    def caps(self, room: int) -> dict[int, int]:
        """By clinic, how many messages a claim may take at best; those left out are not limited.

        Asked many times a second: where nothing is near its limit, and `room` calls can begin, no clinic is looked at.
        """
        now = clock.passing()
        self._resting = {clinic_id: until for clinic_id, until in self._resting.items() if until > now}
        tight = any(
            (self._pace.allowance(each) or 0) < room for each in self._accounts.values() if each.calls or each.interval
        )
        if not (tight or self._rated or self._resting or self._pace.is_uneasy()):
            return {}
        return self._caps()

    def _caps(self) -> dict[int, int]:
        found, by_account = dict[int, int](), dict[str, list[int]]()
        for clinic_id, (sender, account) in self._limits.items():
            own = 0 if clinic_id in self._resting else self._pace.allowance(sender)
            if own is not None:
                found[clinic_id] = own
            if own != 0 and self._pace.allowance(account) is not None:
                by_account.setdefault(account.name, []).append(clinic_id)
        for clinics in by_account.values():
            self._share(self._limits[clinics[0]][1], clinics, found)
        return found

    def _share(self, account: Limit, clinics: list[int], found: dict[int, int]) -> None:
        """Give each clinic of an account its part of what the account may send, in turns."""
        left = self._pace.allowance(account) or 0
        self._turn += 1
        first = self._turn % len(clinics)
        for place, clinic_id in enumerate((*clinics[first:], *clinics[:first])):
            part = min(found.get(clinic_id, left), -(-left // (len(clinics) - place)))
            found[clinic_id] = part
            left -= part

    def admit(self, batch: Sequence[Prepared]) -> list[Prepared]:
        """Those of the batch that may be decided now; the others are put off. Raises DatabaseError."""
        limits: dict[str, Limit] = {}
        wants = []
        for each in batch:
            own = self._of(each)
            limits.update((limit.name, limit) for limit in own)
            wants.append(([limit.name for limit in own], max(1, each.segments)))
        self._touched |= limits
        waits = self._pace.take(limits, wants) if limits else [Wait()] * len(batch)
        going = [each for each, wait in zip(batch, waits, strict=True) if not wait.seconds]
        try:
            self._put_off([(each, wait) for each, wait in zip(batch, waits, strict=True) if wait.seconds])
        except DatabaseError:
            self.unused(going)
            raise
        return going

    def unused(self, these: Iterable[Prepared]) -> None:
        """These were admitted, and not called after all."""
        for each in these:
            self._pace.unused([limit.name for limit in self._of(each)], max(1, each.segments))

    def landed(self, said: Iterable[tuple[Prepared, Outcome]]) -> None:
        """Calls are over. Whoever was told "too many" slows everybody on that sender or account, not only itself."""
        slow: dict[str, float] = {}
        limits: dict[str, Limit] = {}
        for each, outcome in said:
            sender, account = self._of(each)
            names = (sender.name, account.name)
            limits |= {sender.name: sender, account.name: account}
            told = self._slow(sender, account, outcome)
            self._pace.landed(names, clear=not told and not isinstance(outcome, Unknown | NotStarted))
            slow |= {name: max(wish, slow.get(name, 0.0)) for name, wish in told.items()}
        if slow:
            log.warning("slowed_down", channel=self._channel, limits=sorted(slow), seconds=max(slow.values()))
            self._pace.take({name: limits[name] for name in slow}, [], slow=slow)

    def over(self) -> None:
        """The shift is over: what flies no more must not count as flying, and what was not used is given back."""
        if self._touched:
            self._pace.take(self._touched, [])
            self._touched = {}

    def _slow(self, sender: Limit, account: Limit, outcome: Outcome) -> dict[str, float]:
        """The limits that this outcome slows down, with the provider's wish in seconds."""
        if isinstance(outcome, Unknown):
            silent = self._silent[account.name] = self._silent.get(account.name, 0) + 1
            return {account.name: 0.0} if silent >= SILENT or self._pace.is_probing(account.name) else {}
        if isinstance(outcome, NotStarted):
            return {}
        self._silent[account.name] = 0
        if not isinstance(outcome, Refused | TryLater):
            return {}
        verdict = judge(
            self._channel, outcome.code, http_status=outcome.status if isinstance(outcome, Refused) else 429
        )
        wish = (outcome.after if isinstance(outcome, TryLater) else None) or 0.0
        if not verdict.slow_down:
            return {}
        meters.SLOWED.labels(self._channel).inc()
        return {(account if verdict.everybody else sender).name: wish}

    def _put_off(self, these: Sequence[tuple[Prepared, Wait]]) -> None:
        if not these:
            return
        machine, now, passing = clock.machine(), clock.now(), clock.passing()
        for each, wait in sorted(these, key=lambda pair: -pair[1].seconds):  # so that each clinic keeps its soonest
            meters.WAITS.labels(self._channel, wait.why).observe(wait.seconds)
            self._resting[each.row["clinic_id"]] = passing + wait.seconds
        update_many(
            "aftercare_message", "id", ("reason",),
            [(each.pk, REASONS[wait.why]) for each, wait in these if each.row["reason"] != REASONS[wait.why]],
            "t.state = 'planned'",
        )  # fmt: skip
        for lease in {each.lease for each, _ in these}:
            rows = [(each.pk, _free_at(each, wait, machine, now), "", (lease // STRIDE + 1) * STRIDE)
                    for each, wait in these if each.lease == lease]  # fmt: skip
            update_many("aftercare_ready", "message_id", ("free_at", "worker", "lease"), rows, f"t.lease = {lease}")

    def _of(self, each: Prepared) -> tuple[Limit, ...]:
        """Sender and account of a message; nothing for one that can't go anyway."""
        voice, clinic_id = each.voice, each.row["clinic_id"]
        if voice is None or each.fault is not None or each.out is None:
            return ()
        sms = self._channel == Channel.SMS
        rate = voice.per_second or (settings.SMS_PER_SECOND if sms else 0.0)
        sender = _limit(f"sender:{voice.sender_id}", rate)
        account = _limit(_account(voice.account_sid), settings.SMS_ACCOUNT_PER_SECOND, settings.SMS_ACCOUNT_CALLS)
        if not sms:
            account = _limit("relay", settings.MAIL_PER_SECOND)
        self._accounts[account.name], self._rated = account, self._rated or rate > 0
        self._limits[clinic_id] = (sender, account)
        return sender, account


def _limit(name: str, per_second: float, calls: int = 0) -> Limit:
    """A second's worth may go at once, for the workers look once a second."""
    return Limit(
        name=name, interval=1 / per_second if per_second else 0.0, burst=max(1.0, float(per_second)), calls=calls
    )


def _account(account_sid: str) -> str:
    return f"account:{hashlib.sha256(account_sid.encode()).hexdigest()[:16]}"


def _free_at(each: Prepared, wait: Wait, machine: datetime, now: datetime) -> datetime:
    """When it may be claimed again; at the end of its useful time at the latest, to be missed then.

    A long wait is looked at again sooner: `caps` keeps its messages from being claimed in vain, a rest may end early,
    and where an operator raises a rate, what waits for hours by the old one must hear of it.
    """
    useful: timedelta = each.row["expires_at"] - now
    again = LOOK_AGAIN if wait.why == "rest" else RATE_AGAIN
    return machine + max(timedelta(0), min(timedelta(seconds=wait.seconds), useful, again))


def pacing(channel: Channel) -> Pacing:
    """The one of this process; a forked child has its own, for it makes calls of its own."""
    key = (os.getpid(), channel)
    if key not in _made:
        url = plain_url(settings.REDIS_URL) if is_redis(settings.REDIS_URL) else ""
        longest_call = max(settings.PROVIDER_TIMEOUT_SECONDS, settings.LEASE_SECONDS / 2)
        _made[key] = Pacing(channel, Pace(url, longest_call=longest_call, processes=_Processes(channel)))
    return _made[key]


def forget() -> None:
    """Know nothing of any limit, as a new process; for tests, whose ids come back."""
    _made.clear()


_made: dict[tuple[int, Channel], Pacing] = {}


class _Processes:
    """How many processes take from a channel's queue, by their signs of life; asked only while Redis is away."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._many, self._until = channel, 1, 0.0

    def __call__(self) -> int:
        if clock.running() >= self._until:
            self._until = clock.running() + COUNT_AGAIN
            with suppress(DatabaseError):
                alive = Pulse.objects.filter(kind=PulseKind.WORKER, seen_at__gt=clock.machine() - FRESH)
                self._many = max(1, alive.filter(queues__contains=self._channel.value).count())
        return self._many
