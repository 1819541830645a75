"""After a restore: learn from the world what the backup does not know, and repeat nothing that may have gone (P2, P4).

First the STOPs of the provider's list, and the stops by other ways that the spool kept; then our own texts there
(`compared`, `waiting`). Of mail there is no list: what was due in the lost time is withheld. What the list of texts,
read to its end, does not show has not gone, and stays as it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from worker import clock
from worker.actions.receive.reconcile import GRACE, reconcile
from worker.actions.restore import candidates, outbound, settled, stopped, waiting
from worker.actions.restore.candidates import Lost
from worker.actions.restore.compared import BATCH, Tally, compare
from worker.actions.restore.release import compared, release, still_paused
from worker.channels.records import RecordsError
from worker.models import Lineage
from worker.models.hold import SYSTEM
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from datetime import datetime

    from worker.actions.restore.outbound import Tell

__all__ = ["Found", "release", "replay", "still_paused"]

BEFORE = timedelta(minutes=15)  # what was due just before the backup may have been on its way
ONE_LIST = 120.0  # seconds
ROUNDS = 200  # of reading the list of incoming texts: some weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the world knew, and what was done about it. `strangers` are texts of ours to numbers nobody here has.

    Of the texts that are `listed` as ours, `known` had left before the backup, or were found by an earlier comparison.
    `stops` are clicks, bounces, complaints, erasures and words at the desk, from the spool; `erased` the ids of clients
    who were erased and are here again, `spool_unread` why more stops may lie where nobody could read; "" when not.
    """

    since: datetime
    until: datetime
    inbound: int
    inbound_failed: int
    stops: int
    stops_known: int
    stops_of_strangers: int
    spool_unread: str
    erased: list[int]
    listed: int
    known: int
    gone: int
    withheld_sms: int
    withheld_email: int
    strangers: int


def replay(*, now: datetime, by: str = SYSTEM, tell: Tell = lambda _: None) -> Found:
    """Compare with the provider and act on it; may be run again. `now` is calendar time; `tell` hears how far it is.

    Raises Refusals when this database was not restored, or when a list can't be read: nothing is released after half
    a list. What was read of it counts, and the next run goes on there, also after this one was stopped.
    """
    row = Lineage.objects.filter(pk=1).first()
    if row is None or row.restored_at is None or row.lost_since is None:
        mend = "if you did put it back, say so: aftercare restore-check --declare"
        raise Refusals([Refusal("database", "was not found to be restored", mend)])
    ahead = timedelta(seconds=clock.offset())
    found, failed = _inbound(now)
    stops = stopped.obey(since=row.lost_since, now=now)
    since, until = row.lost_since + ahead - BEFORE, max(now, clock.now())  # with the answers to what was just obeyed
    tally = _outbound(row.restored_at, Lost(since, until), now, tell)
    mails = _withheld_mails(Lost(since, until), now)
    told = Found(
        since=since, until=until, inbound=found, inbound_failed=failed, stops=stops.obeyed,
        stops_known=stops.known, stops_of_strangers=stops.strangers, spool_unread=stops.unread, erased=stops.erased,
        listed=tally.listed, known=tally.known, gone=tally.gone, withheld_sms=tally.withheld, withheld_email=mails,
        strangers=tally.strangers,
    )  # fmt: skip
    compared(row, asdict(told), whole=not (failed or stops.unread), by=by, now=now)
    return told


def _inbound(now: datetime) -> tuple[int, int]:
    """Every STOP since the backup, until every list was read to its end and nothing new is found.

    How many texts, and how many lists failed or are still unread: a STOP may lie there as well.
    """
    found = behind = 0
    for _ in range(ROUNDS):
        report = reconcile(now=now + GRACE, longest=ONE_LIST)  # no webhook is under way that knows more
        found, behind = found + report.found, report.behind
        if report.failed or not (report.found or behind):
            return found, report.failed + behind
    return found, behind


def _outbound(life: datetime, lost: Lost, now: datetime, tell: Tell) -> Tally:
    """What left each account, or waits there to leave. Raises Refusals when a list can't be read to its end."""
    tally, accounts = Tally(), outbound.accounts()
    outbound.forget_marks(but=life)
    try:
        for account in accounts:
            for texts in outbound.spans(account, life=life, since=lost.since, until=lost.until, tell=tell):
                tally.listed += len(texts)
                compare(texts, account, lost, tally, now=now)
        waiting.ask(accounts, lost, tally, now=now, tell=tell)
    except RecordsError as error:
        raise outbound.refused(error.code) from None
    outbound.forget_marks()  # all of it is read once more by the next run: a key may have been missing
    return tally


def _withheld_mails(lost: Lost, now: datetime) -> int:
    """Of mail there is no list: nobody can tell what went."""
    ids = list(candidates.open_messages(Channel.EMAIL, lost).order_by("pk").values_list("pk", flat=True))
    return sum(settled.withhold(ids[start : start + BATCH], now) for start in range(0, len(ids), BATCH))
