"""After a restore: learn from the world what the backup does not know, and repeat nothing that may have gone (P2, P4).

First the STOPs of the provider's list, and the stops by other ways that the spool kept; then our own texts there. A
planned text that is found there with the same words has gone; what the backup has in doubt is given its text. One to a
number that got other words of ours is withheld, for nobody can tell. Of mail there is no list: what was due in the lost
time is withheld. What the list, read to its end, does not show has not gone, and stays planned. Texts that are known
here already make nothing doubtful.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from worker import clock
from worker.actions.receive.reconcile import GRACE, lists, reconcile
from worker.actions.record.audit import record
from worker.actions.restore import doubted, stopped
from worker.actions.restore.doubted import MAY_HAVE_GONE
from worker.actions.restore.lineage import released
from worker.actions.send.claim import Claim
from worker.actions.send.prepare import prepare
from worker.channels import turns
from worker.channels.records import Records, RecordsError
from worker.models import Attempt, Lineage, Message, Pause, Ready
from worker.models.attempt import AttemptState
from worker.models.hold import SYSTEM, PauseScope
from worker.models.rows import server_time
from worker.rules.names import Channel
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.actions.send.prepared import Prepared
    from worker.channels.records import Left

BEFORE = timedelta(minutes=15)  # what was due just before the backup may have been on its way
ONE_LIST = 120.0  # seconds
ROUNDS = 200  # of reading the list of incoming texts: some weeks
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the world knew, and what was done about it. `strangers` are texts of ours to numbers nobody here has.

    Of the texts that are `listed` as ours, `known` had left before the backup, or were found by an earlier comparison.
    `stops` are clicks, bounces, complaints, erasures and words at the desk, from the spool; `erased` the ids of clients
    who were erased and are here again.
    """

    since: datetime
    until: datetime
    inbound: int
    inbound_failed: int
    stops: int
    stops_known: int
    stops_of_strangers: int
    erased: list[int]
    listed: int
    known: int
    gone: int
    withheld_sms: int
    withheld_email: int
    strangers: int


def replay(*, now: datetime) -> Found:
    """Compare with the provider and act on it; may be run again. `now` is calendar time.

    Raises Refusals when this database was not restored, or when a list can't be read: nothing is concluded from half
    a list.
    """
    row = Lineage.objects.filter(pk=1).first()
    if row is None or row.restored_at is None or row.lost_since is None:
        mend = "if you did put it back, say so: aftercare restore-check --declare"
        raise Refusals([Refusal("database", "was not found to be restored", mend)])
    ahead = timedelta(seconds=clock.offset())
    found, failed = _inbound(now)
    stops = stopped.obey(since=row.lost_since, now=now)
    since, until = row.lost_since + ahead - BEFORE, max(now, clock.now())  # with the answers to what was just obeyed
    texts = _texts(since, until)
    unknown = _unknown(texts)
    known = len(texts) - len(unknown)
    settled = doubted.settle(unknown, now=now)
    gone, withheld, strangers = _compare(unknown, since, until, now)
    mails = _candidates(Channel.EMAIL, since, until)
    _withhold([pk for pk, _ in mails], now)
    if not failed:
        Lineage.objects.filter(pk=1, restored_at=row.restored_at).update(checked_at=server_time())
    return Found(
        since=since, until=until, inbound=found, inbound_failed=failed, stops=stops.obeyed,
        stops_known=stops.known, stops_of_strangers=stops.strangers, erased=stops.erased, listed=len(texts),
        known=known, gone=gone + settled, withheld_sms=withheld, withheld_email=len(mails),
        strangers=strangers,
    )  # fmt: skip


def release(*, by: str, now: datetime, unchecked: bool = False) -> int:
    """A person lets it go on; how many messages are planned again. What a person paused stays paused (rule 144).

    Raises Refusals when nothing is held so, or when it was not compared to the end: what it does not know would ring
    twice, and a STOP of the lost time would be ignored. `unchecked` is for a provider that will never answer again.
    """
    from worker.actions.consent.hold import resume

    row = Lineage.objects.filter(pk=1, restored_at__isnull=False).first()
    if row is None:
        raise Refusals([Refusal("database", "is not held for a restore", "see aftercare status")])
    if row.checked_at is None and not unchecked:
        mend = "run: aftercare restore-check (or, when a provider's list is gone for good: --release --unchecked)"
        raise Refusals([Refusal("database", "was not compared with the providers to the end", mend)])
    with transaction.atomic():
        released()
        held = _everything().select_for_update().filter(by=SYSTEM).exists()
        return resume(scope=PauseScope.ALL, value="", by=by, now=now) if held else 0


def still_paused() -> str:
    """Who pauses everything although the restore is released, and why; "" when nobody does."""
    stands = _everything().first()
    return f"{stands.by}: {stands.why}" if stands else ""


def _everything() -> QuerySet[Pause]:
    return Pause.objects.filter(scope=PauseScope.ALL, value="", ended_at__isnull=True)


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


def _texts(since: datetime, until: datetime) -> list[Left]:
    """What left each account. Raises Refusals when one can't be read to its end."""
    left: list[Left] = []
    for sid, token in sorted({(source.account_sid, source.auth_token) for source in lists()}):
        try:
            with Records(sid, token) as records:
                deadline = clock.running() + ONE_LIST
                left += turns.run(records.left(since=since, until=until, deadline=deadline))
        except RecordsError as error:
            mend = "mend the provider's login or wait until it answers, and run it again"
            raise Refusals([Refusal("provider", f"its list can't be read ({error.code})", mend)]) from None
    return left


def _unknown(texts: list[Left]) -> list[Left]:
    """Those that no attempt here is: what is known would pass for other words of ours, and withhold what is planned."""
    known: set[str] = set()
    for start in range(0, len(texts), BATCH):
        ids = [text.provider_id for text in texts[start : start + BATCH]]
        known |= set(Attempt.objects.filter(provider_id__in=ids).values_list("provider_id", flat=True))
    return [text for text in texts if text.provider_id not in known]


def _candidates(channel: Channel, since: datetime, until: datetime) -> list[tuple[int, int]]:
    """Messages that may have gone without our knowing: open, due, and of use in the lost time; (id, clinic).

    What was late already when the backup was made is among them: an outage that ended since has let it go.
    """
    waiting = Message.objects.filter(channel=channel, state__in=(State.PLANNED, State.HELD))
    useful = waiting.filter(due_at__lte=until, expires_at__gt=since)
    return list(useful.order_by("pk").values_list("pk", "clinic_id"))


def _compare(texts: list[Left], since: datetime, until: datetime, now: datetime) -> tuple[int, int, int]:
    """How many had gone, how many are withheld, and how many texts went to numbers that no message here is for."""
    by_number: dict[str, list[Left]] = defaultdict(list)
    for text in texts:
        by_number[text.to].append(text)
    ids = [pk for pk, _ in _candidates(Channel.SMS, since, until)]
    written: dict[str, list[Prepared]] = defaultdict(list)
    for each in _written(ids, now):
        written[each.to].append(each)
    gone = withheld = 0
    for number, messages in written.items():
        there = by_number.get(number, [])
        taken = [(each, _take(there, each)) for each in messages]
        went = [(each, text) for each, text in taken if text is not None]
        _gone(went, now)
        rest = {each.pk for each in messages} - {each.pk for each, _ in went}
        doubtful = rest if there else set()  # words of ours that no message here has
        _withhold(doubtful, now)
        gone, withheld = gone + len(went), withheld + len(doubtful)
    return gone, withheld, sum(len(there) for number, there in by_number.items() if number not in written)


def _written(ids: list[int], now: datetime) -> Iterable[Prepared]:
    """The messages with their words, as they would be sent now; nothing is claimed."""
    for start in range(0, len(ids), BATCH):
        yield from prepare([Claim(pk, 0) for pk in ids[start : start + BATCH]], now=now)


def _take(there: list[Left], each: Prepared) -> Left | None:
    """The text that is this message, taken out of the list: it can be no other's."""
    found = next((text for text in there if text.body == each.words.text), None)
    if found is not None:
        there.remove(found)
    return found


@transaction.atomic
def _gone(went: list[tuple[Prepared, Left]], now: datetime) -> None:
    """Write down what the lost attempt knew."""
    for each, text in went:
        changed = Message.objects.filter(pk=each.pk, state__in=(State.PLANNED, State.HELD)).update(
            state=State.ACCEPTED, reason="", sent_at=text.at, decided_at=text.at, provider_id=text.provider_id
        )
        if not changed:
            continue
        Ready.objects.filter(message_id=each.pk).delete()
        Attempt.objects.create(
            id=uuid.uuid4(), message_id=each.pk, clinic_id=each.row["clinic_id"], standing_id=each.row["standing_id"],
            channel=each.channel, cls=each.cls, state=AttemptState.ACCEPTED, worker="restore", decided_at=text.at,
            lease_until=now, finished_at=now, provider_id=text.provider_id, segments=each.segments,
            body_sealed=each.body_sealed, body_sha256=each.body_sha256,
        )  # fmt: skip
        _say(each.pk, each.row["clinic_id"], "found_at_provider", now)


@transaction.atomic
def _withhold(ids: Iterable[int], now: datetime) -> None:
    rows = Message.objects.filter(pk__in=list(ids), state__in=(State.PLANNED, State.HELD))
    for pk, clinic_id in rows.values_list("pk", "clinic_id"):
        Message.objects.filter(pk=pk).update(state=State.WITHHELD, reason=MAY_HAVE_GONE, decided_at=now)
        Ready.objects.filter(message_id=pk).delete()
        _say(pk, clinic_id, MAY_HAVE_GONE, now)


def _say(pk: int, clinic_id: int, code: str, now: datetime) -> None:
    record(
        clinic_id=clinic_id, kind="decision", subject=f"message:{pk}", actor="system", at=now, code=code,
        facts={"state": State.ACCEPTED if code == "found_at_provider" else State.WITHHELD},
    )  # fmt: skip
