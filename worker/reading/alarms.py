"""What is wrong with the house as a whole, and above all what does not happen (P5); nothing here changes anything.

`facts` are plain numbers, for metrics and pages; `alarms` is what of them needs a person, each with its mend.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING

from django.db.models import Max

from worker.models import Attempt, Hour, Lineage, Message, Pause, Receipt, StaffTask, Watermark
from worker.models.attempt import AttemptState
from worker.models.hold import CIRCUIT
from worker.reading.backlog import backlog
from worker.reading.counted import counted
from worker.reading.overdue import overdue
from worker.reading.parts import Parts, parts
from worker.reading.red_flags import waiting
from worker.reading.unconfirmed import unconfirmed
from worker.rules.names import Channel
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LATE, STUCK, SILENT = 900.0, 300.0, 120.0  # seconds: the oldest due message; the same with none accepted; no round
IN_DOUBT, UNDECIDED, BEHIND = 1800.0, 300.0, 900.0
KEPT = 3 * 86_400.0  # seconds past its time: emptied once a day, and a large first lot may take some days
RECEIPTS = timedelta(minutes=30)  # the provider tells within seconds that it passed a text on
KINDS = ("unknown_outcome", "ledger_drift", "rang_twice")  # of tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that needs a person: `page` now, `ticket` in the morning."""

    code: str
    severity: str
    says: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Ages in seconds, None where there is nothing to age; counts end at 10,001."""

    oldest_due: dict[str, float]  # by channel, calendar; 0.0 when nothing is due
    taken_ago: dict[str, float]  # by channel, calendar: since a provider took something; an hour or more is infinite
    circuits: int  # senders that their provider refuses
    tended_ago: float | None  # machine: since a worker last finished its round; beat and workers are both needed for it
    undecided: float  # calendar: how long the oldest open message is past its useful time
    unknown: int
    unknown_oldest: float  # calendar
    unresolved: int  # open tasks of staff
    receipts_missing: float | None  # calendar: since the oldest text that should have brought a receipt, and none came
    unconfirmed: int  # texts that were accepted days ago and never confirmed
    drift: int  # open tasks: the provider knew of a STOP that we did not
    rang_twice: int
    red_flags_late: int  # replies that name a warning sign, and nobody answered in the clinic's time
    lists_behind: float  # calendar: how far the reading of incoming texts is behind
    restored_ago: float | None  # machine: since everything is held, for the database was put back from a backup
    workers: int  # processes that live
    unserved: tuple[str, ...]  # queues that none of them takes from
    redis_away: bool
    kept: dict[str, float]  # by store, calendar: how long the oldest is past the time at which it is to be emptied


def facts(*, now: datetime, machine: datetime, there: Parts | None = None) -> Facts:
    """The numbers, each from an index; `now` is calendar, `machine` machine time. `there` is looked at if not given."""
    there = there or parts()
    swept = there.engine.last_sweep
    doubts = Attempt.objects.filter(message__state=State.UNKNOWN, state=AttemptState.UNKNOWN)
    many = counted(
        unknown=doubts, unconfirmed=unconfirmed(now=now),
        circuits=Pause.objects.filter(by=CIRCUIT, ended_at__isnull=True),
        red_flags_late=waiting().filter(answer_by__lte=now),
        **{kind: StaffTask.objects.filter(done_at__isnull=True, kind=kind) for kind in KINDS},
    )  # fmt: skip
    return Facts(
        oldest_due={channel.value: due.oldest_seconds for channel, due in backlog(now=now).items()},
        taken_ago=_taken_ago(now),
        circuits=many["circuits"],
        tended_ago=(machine - swept).total_seconds() if swept else None,
        undecided=_age(Message.objects.filter(state__in=OPEN, expires_at__lte=now), "expires_at", now),
        unknown=many["unknown"],
        unknown_oldest=_age(doubts, "decided_at", now),
        unresolved=many["unknown_outcome"],
        receipts_missing=_receipts_missing(now),
        unconfirmed=many["unconfirmed"],
        drift=many["ledger_drift"],
        rang_twice=many["rang_twice"],
        red_flags_late=many["red_flags_late"],
        lists_behind=_age(Watermark.objects.filter(name__startswith="inbound:", failures__gt=0), "read_to", now),
        restored_ago=_restored_ago(machine),
        workers=len(there.engine.workers),
        unserved=there.unserved,
        redis_away=there.redis_is_away,
        kept=overdue(now=now),
    )


def alarms(told: Facts) -> list[Alarm]:
    """What of the facts needs a person, the most pressing first."""
    return [*_pages(told), *_tickets(told)]


def _pages(told: Facts) -> Iterator[Alarm]:
    if told.rang_twice:
        yield _page("rang_twice", f"{told.rang_twice} message(s) reached a client twice", "aftercare tasks names them")
    if told.red_flags_late:
        yield _page("red_flags", f"{told.red_flags_late} warning sign(s) of clients wait past their time for an answer",
                    "call the clinic; aftercare conversations lists them")  # fmt: skip
    if told.restored_ago is not None:
        yield _page("restored", f"the database was restored {told.restored_ago:.0f} s ago and everything is held",
                    "run aftercare restore-check, then aftercare restore-check --release")  # fmt: skip
    if told.tended_ago is None or told.tended_ago > SILENT:
        since = "never" if told.tended_ago is None else f"{told.tended_ago:.0f} s ago"
        yield _page("silent", f"the last round of a worker was {since}", "see that worker, beat and Redis run")
    yield from _missing(told)
    yield from _delays(told)
    if told.circuits:
        yield _page("circuit", f"{told.circuits} sender(s) are refused by their provider, and their queues wait",
                    "aftercare status names the code; aftercare resume ends it once the account is mended")  # fmt: skip
    if told.undecided > UNDECIDED:
        yield _page("undecided", f"a message is past its useful time for {told.undecided:.0f} s without a decision",
                    "see that a worker runs; its log names the step that failed")  # fmt: skip
    if told.lists_behind > BEHIND:
        yield _page("list_behind", f"a list of incoming texts could not be read for {told.lists_behind:.0f} s",
                    "aftercare status names the list and the code: a STOP may lie in it")  # fmt: skip


def _missing(told: Facts) -> Iterator[Alarm]:
    if told.redis_away:
        yield _page("redis", "Redis does not answer: workers are not told to look",
                    "start Redis, or mend REDIS_URL; STOPs and the desk need neither")  # fmt: skip
    if not told.workers:
        yield _page("no_worker", "no worker process lives",
                    "start one: aftercare worker; if it ends again, its last lines say why")  # fmt: skip
        return
    for queue in told.unserved:
        yield _page(f"unserved_{queue}", f"nobody takes from the queue {queue}",
                    f"start a worker with --queues {queue}")  # fmt: skip


def _delays(told: Facts) -> Iterator[Alarm]:
    for channel, age in told.oldest_due.items():
        if age > STUCK and told.taken_ago[channel] > STUCK:
            yield _page(f"stuck_{channel}", f"{channel}: nothing is accepted, and something is due for {age:.0f} s",
                        "aftercare doctor checks the provider; aftercare status shows pauses and circuits")  # fmt: skip
        elif age > LATE:
            yield _page(f"late_{channel}", f"{channel}: the oldest due message waits for {age:.0f} s",
                        "start more workers, or see what slows the provider")  # fmt: skip


def _tickets(told: Facts) -> Iterator[Alarm]:
    if told.unknown_oldest > IN_DOUBT:
        yield _ticket("unknown", f"{told.unknown} outcome(s) unknown, the oldest for {told.unknown_oldest:.0f} s",
                      "aftercare unknown lists them with what was found out")  # fmt: skip
    if told.unresolved:
        yield _ticket("unresolved", f"{told.unresolved} outcome(s) that only a person can settle", "aftercare unknown")
    if told.receipts_missing is not None:
        yield _ticket("receipts", f"texts go, and no receipt came for {told.receipts_missing:.0f} s",
                      "see that the provider reaches PUBLIC_URL/hooks/twilio/status")  # fmt: skip
    if told.drift:
        yield _ticket("drift", f"the provider knew {told.drift} STOP(s) that we did not",
                      "look for what was lost: aftercare tasks names the clients")  # fmt: skip
    store, oldest = max(told.kept.items(), key=lambda each: each[1], default=("", 0.0))
    if oldest > KEPT:
        days = f"{oldest / 86_400:.0f} days ({store})"
        yield _ticket("kept", f"texts older than their time are still kept: the oldest for {days}",
                      "aftercare retain empties them; a worker's log says why the hourly round does not")  # fmt: skip


def as_json(told: Facts) -> dict[str, Any]:
    """The alarms for machines."""
    return {"alarms": [{"code": each.code, "severity": each.severity, "says": each.says, "mend": each.mend}
                       for each in alarms(told)]}  # fmt: skip


def is_well(told: Facts) -> bool:
    """True while nothing needs a person at once: then an outside monitor may hear from us."""
    return not any(_pages(told))


def _page(code: str, says: str, mend: str) -> Alarm:
    return Alarm(code=code, severity="page", says=says, mend=mend)


def _ticket(code: str, says: str, mend: str) -> Alarm:
    return Alarm(code=code, severity="ticket", says=says, mend=mend)


def _taken_ago(now: datetime) -> dict[str, float]:
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    last = Hour.objects.filter(hour__gte=since, accepted_at__isnull=False).values_list("channel")
    taken = {channel: (now - at).total_seconds() for channel, at in last.annotate(at=Max("accepted_at"))}
    return {channel.value: inf for channel in Channel} | taken


def _restored_ago(machine: datetime) -> float | None:
    since = Lineage.objects.filter(restored_at__isnull=False).values_list("restored_at", flat=True).first()
    return max(0.0, (machine - since).total_seconds()) if since else None


def _receipts_missing(now: datetime) -> float | None:
    newest = Receipt.objects.filter(attempt__channel=Channel.SMS).order_by("-pk").values_list("received_at", flat=True)
    last = newest.first()
    silent = unconfirmed(now=now, for_at_least=RECEIPTS)
    if last is not None:
        silent = silent.filter(sent_at__gt=last)
    oldest: datetime | None = silent.order_by("sent_at").values_list("sent_at", flat=True).first()
    return (now - oldest).total_seconds() if oldest else None


def _age(found: Any, column: str, now: datetime) -> float:
    oldest = found.order_by(column).values_list(column, flat=True).first()
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
