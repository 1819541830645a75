"""After an outage: what was missed or refused meanwhile goes again where it is still useful; the rest is told to staff.

A missed message is past the last moment at which it is true, so nearly none of them can go; those that failed by the
provider's fault or ours often can. What may have left is never repeated (P4), whatever else it is. Whether a message
may go is not reckoned here: it is planned and decided as any other, and all of that is taken back. What passed is then
planned by the way of every retry (`resend`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db import transaction

from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.course.resend import GIVEN_UP, resend
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.actions.record.verdicts import judge
from worker.actions.send.claim import Claim
from worker.actions.send.decide import decide
from worker.actions.send.prepare import prepare
from worker.models import Attempt, Clinic, Contact, Message, StaffTask
from worker.models.appointment import AppointmentStatus
from worker.models.attempt import MAY_HAVE_LEFT
from worker.models.rows import server_time
from worker.models.sent_again import not_sent_again
from worker.rules.errors import Outcome
from worker.rules.gate import Reason
from worker.rules.names import Channel, MessageClass
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State
from worker.rules.steps import Anchor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

KIND = "missed_in_outage"
CODE = "outage"
BATCH = 20  # messages whose addresses are locked at once: a STOP waits for no more than these
LEASE = timedelta(minutes=1)
FAILED = (State.REFUSED, State.UNDELIVERED, State.UNRESOLVED)
LEFT = (State.UNDELIVERED, State.UNKNOWN, State.UNRESOLVED)
ENDED = (State.MISSED, *FAILED, State.UNKNOWN)
UNDER_WAY = (State.PLANNED, State.HELD, State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)
COLUMNS = (
    "pk", "clinic_id", "clinic__slug", "client_id", "client__erased_at", "standing_id", "step_id", "step__code",
    "channel", "kind", "state", "reason", "due_at", "expires_at", "occasion", "generation", "fallback_of",
    "treatment__generation", "appointment__generation", "appointment__status",
)  # fmt: skip


class Fate(StrEnum):
    """What a replay makes of a message."""

    AGAIN = "again"
    LATE = "too_late"
    REFUSED = "refused"
    LEFT = "may_have_left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One message of the outage and its fate; `why` is a reason's code, or a refusal's own words."""

    row: dict[str, Any]
    fate: Fate
    why: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """Every message of the window in due order, and how many clinics' staff are told what was missed."""

    messages: list[Judged]
    tasks: int


def replay(
    *,
    since: datetime,
    until: datetime,
    by: str,
    now: datetime,
    clinic: str = "",
    channel: str = "",
    really: bool = False,
) -> Replayed:
    """Judge what was due, or failed, from `since` to `until`; when `really`, plan what is useful and tell the clinics.

    Said twice it does nothing twice: what went again is no longer the newest of its step, and what a clinic was told of
    is in its task. Raises Refusals. `now` is calendar time.
    """
    if since >= until:
        raise Refusals([Refusal("--to", "is not after --from", "give when the outage began, then when it ended")])
    clinics = [find.clinic(clinic).pk] if clinic else list(Clinic.objects.values_list("pk", flat=True))
    rows = _rows(since, until, clinics, channel)
    told = [each for each in (_at_first_sight(row, now) for row in rows) if each is not None]
    known = {each.row["pk"] for each in told}
    for batch in _batches([row for row in rows if row["pk"] not in known]):
        told += _judged(batch, by=by, now=now, really=really)
    told.sort(key=lambda each: (each.row["due_at"], each.row["pk"]))
    return Replayed(told, _tell(told, since, until, by=by, now=now, really=really))


def _rows(since: datetime, until: datetime, clinics: list[int], channel: str) -> list[dict[str, Any]]:
    """What was due in the window, or failed in it, and did not reach its client, as far as it was not her address."""
    course = Message.objects.filter(cls=MessageClass.COURSE, client__isnull=False).exclude(reason=GIVEN_UP)
    ours = course.filter(clinic__in=clinics)
    if channel:
        ours = ours.filter(channel=channel)
    due = ours.filter(state__in=ENDED, due_at__gte=since, due_at__lt=until)
    failed = ours.filter(state__in=FAILED, decided_at__gte=since, decided_at__lt=until)
    found = {row["pk"]: row for each in (due, failed) for row in not_sent_again(each).values(*COLUMNS)}
    return sorted(
        (row for row in found.values() if not _of_her_address(row)), key=lambda row: (row["due_at"], row["pk"])
    )


def _of_her_address(row: dict[str, Any]) -> bool:
    code = row["reason"].removeprefix("code:")
    if row["state"] not in (State.REFUSED, State.UNDELIVERED) or code == row["reason"]:
        return False
    return judge(Channel(row["channel"]), code).outcome == Outcome.REFUSED_ADDRESS


def _at_first_sight(row: dict[str, Any], now: datetime) -> Judged | None:
    """The fate of what needs no lock; None for what has to be tried."""
    if row["client__erased_at"] is not None:
        return Judged(row=row, fate=Fate.REFUSED, why="erased")
    if row["state"] in LEFT:
        return Judged(row=row, fate=Fate.LEFT, why=row["reason"])
    if not _is_current(row):
        return Judged(row=row, fate=Fate.REFUSED, why=Reason.SUPERSEDED)
    if row["expires_at"] <= now:
        return Judged(row=row, fate=Fate.LATE, why=row["reason"] if row["state"] == State.MISSED else Reason.TOO_LATE)
    return None


def _is_current(row: dict[str, Any]) -> bool:
    """As the gate has it: of the session's or visit's present time, and of a visit that stands (P7)."""
    generation = row["treatment__generation"] or row["appointment__generation"] or row["generation"]
    wanted = AppointmentStatus.CANCELLED if row["kind"] == Anchor.CANCELLATION else AppointmentStatus.BOOKED
    return generation == row["generation"] and row["appointment__status"] in (None, wanted)


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """A client's messages stay together, for her caps count them together."""
    batch: list[dict[str, Any]] = []
    ordered = sorted(rows, key=lambda row: (row["clinic_id"], row["client_id"], row["due_at"], row["pk"]))
    for _, theirs in groupby(ordered, key=lambda row: row["client_id"]):
        batch += theirs
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@transaction.atomic
def _judged(batch: Sequence[dict[str, Any]], *, by: str, now: datetime, really: bool) -> list[Judged]:
    """Try them all, take it back, and plan what passed; under the locks of their addresses, in id order."""
    clients = {row["client_id"] for row in batch}
    today = Contact.objects.filter(client__in=clients, valid_to__isnull=True).values_list("standing_id", flat=True)
    standings.lock({*today, *(row["standing_id"] for row in batch)})
    told = list(_by_others(batch))
    known = {each.row["pk"] for each in told}
    tried = _tried([row for row in batch if row["pk"] not in known], by=by, now=now)
    if really:
        for each in tried:
            if each.fate == Fate.AGAIN:
                resend(message_id=each.row["pk"], by=by, now=now, in_bulk=True)
    return told + tried


def _by_others(batch: Sequence[dict[str, Any]]) -> Iterator[Judged]:
    """What another message of the same step decides: a number that may have left, or the other channel."""
    left = Attempt.objects.filter(
        state__in=MAY_HAVE_LEFT, message__client__in={row["client_id"] for row in batch},
        message__step__in={row["step_id"] for row in batch},
    )  # fmt: skip
    gone = {_stem(occasion) for occasion in left.values_list("message__occasion", flat=True)}
    others = {f"{_stem(row['occasion'])}:f-{channel}:r0": row["pk"] for row in batch for channel in Channel}
    there = Message.objects.filter(occasion__in=others).values_list("occasion", flat=True)
    stood_in_for = {others[occasion] for occasion in there}
    first = {row["fallback_of"] for row in batch} - {None}
    going = set(Message.objects.filter(pk__in=first, state__in=UNDER_WAY).values_list("pk", flat=True))
    for row in batch:
        if _stem(row["occasion"]) in gone:
            yield Judged(row=row, fate=Fate.LEFT, why=row["reason"])
        elif row["pk"] in stood_in_for:
            yield Judged(row=row, fate=Fate.REFUSED, why="fell_back")
        elif row["fallback_of"] in going:
            yield Judged(row=row, fate=Fate.REFUSED, why=Reason.NOT_NEEDED)


def _stem(occasion: str) -> str:
    return occasion.rpartition(":r")[0]


def _tried(rows: Sequence[dict[str, Any]], *, by: str, now: datetime) -> list[Judged]:
    """Plan each and let every gate decide it, as a worker would now; nothing of that stays."""
    told: list[Judged] = []
    with transaction.atomic():
        made: dict[int, dict[str, Any]] = {}
        for row in rows:  # the one meant for later last, for it is decided first
            try:
                made[resend(message_id=row["pk"], by=by, now=now, in_bulk=True).pk] = row
            except Refusals as refused:
                told.append(Judged(row=row, fate=Fate.REFUSED, why=refused.faults[0].problem))
        for channel in Channel:
            theirs = [Claim(pk, 0) for pk, row in made.items() if row["channel"] == channel]
            decide(prepare(theirs, now=now), now=now, machine=server_time(), lease=LEASE, worker="replay")
        decided = Message.objects.in_bulk(made)
        told += [_fate(made[pk], decided[pk]) for pk in made]
        transaction.set_rollback(True)
    return told


def _fate(row: dict[str, Any], decided: Message) -> Judged:
    if decided.state in (State.SENDING, State.PLANNED):  # at once, or at an hour that it names
        return Judged(row=row, fate=Fate.AGAIN, why=decided.reason)
    fate = Fate.LATE if decided.state == State.MISSED else Fate.REFUSED
    return Judged(row=row, fate=fate, why=decided.reason)


@transaction.atomic
def _tell(told: Sequence[Judged], since: datetime, until: datetime, *, by: str, now: datetime, really: bool) -> int:
    """One task for each clinic with clients who missed something, and the act itself on each clinic's record."""
    opened = 0
    for clinic_id in sorted({each.row["clinic_id"] for each in told}):
        theirs = [each for each in told if each.row["clinic_id"] == clinic_id]
        again = sum(each.fate == Fate.AGAIN for each in theirs)
        late = _not_told_yet(clinic_id, theirs)
        window = {"since": since.isoformat(), "until": until.isoformat()}
        if late:
            open_task(
                clinic_id=clinic_id, client_id=None, kind="missed_in_outage",
                cause=f"missed_in_outage:{min(row['pk'] for row in late)}", facts=window | _facts(late), due_at=now,
                now=now,
            )  # fmt: skip
            opened += 1
        if late or again:
            record(
                clinic_id=clinic_id, kind="replayed", subject=f"clinic:{clinic_id}", actor=by, at=now, code=CODE,
                facts=window | {"again": again, "too_late": len(late)},
            )  # fmt: skip
    transaction.set_rollback(not really)
    return opened


def _not_told_yet(clinic_id: int, theirs: Iterable[Judged]) -> list[dict[str, Any]]:
    """What is too late, and in no earlier task; what a conversation held up has one of its own."""
    late = [each.row for each in theirs if each.fate == Fate.LATE and each.why != Reason.CONVERSATION]
    if not late:
        return []
    before = StaffTask.objects.filter(clinic=clinic_id, kind=KIND).values_list("facts", flat=True)
    told = {pk for facts in before for pk in facts["messages"]}
    return [row for row in late if row["pk"] not in told]


def _facts(late: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How many clients missed which step, and who: ids and codes alone (P9)."""
    each_once = {(row["step__code"], row["channel"], row["client_id"]) for row in late}
    missed = Counter((step, channel) for step, channel, _ in each_once)
    return {
        "steps": [
            {"step": step, "channel": channel, "clients": many} for (step, channel), many in sorted(missed.items())
        ],
        "clients": sorted({row["client_id"] for row in late}),
        "messages": sorted(row["pk"] for row in late),
    }
