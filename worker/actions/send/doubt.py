"""Find out what became of attempts whose outcome nobody knows; nothing is ever repeated blindly (P4, rule 80).

A receipt or a late answer settles an attempt at any time. This round asks the provider's own list. Found: adopted. Not
found by two whole lists, long enough after it was proved that the call is over: sent once more, through all gates, if
it is still useful and no reminder. Everything else ends before a person. docs/adr/0024 says why each condition stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from worker import clock, sealed
from worker.actions.record.audit import record
from worker.actions.record.task import open_task, optin_failed
from worker.actions.send.due import clock_is_trusted, make_ready
from worker.actions.send.incarnation import is_gone
from worker.actions.send.went import locked, went
from worker.channels import turns
from worker.channels.records import Records, RecordsError
from worker.models import Attempt, Doubt, Message, Sender
from worker.models.attempt import AttemptState
from worker.models.rows import server_time
from worker.rules import doubt as rules
from worker.rules.doubt import Empty, Ended, Known
from worker.rules.names import Channel
from worker.rules.states import State

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable
    from datetime import datetime

    from worker.rules.doubt import Listed

log = structlog.get_logger("aftercare.doubt")
LONGEST = 5.0  # seconds after which no other list is asked for: a provider that hangs must not keep a worker busy
ONE_LIST = 20.0
BATCH = 200
SILENT = "worker_silent"  # the code of an attempt whose worker never said how its call ended


@dataclass(slots=True)
class Report:
    """What one round did, in attempts."""

    found: int = 0
    absent: int = 0
    unresolved: int = 0
    waiting: int = 0


def look_into_doubts() -> None:
    """One round by the database's clock; none by a worker whose own is wrong (rule 140).

    The two minutes and the four between two whole lists hold whichever worker asked them: by a clock an hour behind a
    call would seem to be long over, and its text could be sent a second time.
    """
    if clock_is_trusted():
        settle_unknown(now=clock.now(), machine=server_time())


def settle_unknown(*, now: datetime, machine: datetime, longest: float = LONGEST) -> Report:
    """Look into every doubt that is due, for at most `longest` seconds; one that fails stops no other.

    `now` is calendar, `machine` machine time. Twice at once is harmless.
    """
    _open(machine)
    report = Report()
    deadline = clock.running() + longest
    due = Doubt.objects.filter(next_at__lte=machine).order_by("next_at", "pk").select_related("attempt__message")
    for doubt in due[:BATCH]:
        if clock.running() > deadline:
            break
        try:
            told = _look(doubt, now, machine)
        except DatabaseError as error:
            log.warning("doubt_waits", error=type(error).__name__)
            connection.close_if_unusable_or_obsolete()
            continue
        setattr(report, told, getattr(report, told) + 1)
    if report != Report():
        log.info("doubts", found=report.found, absent=report.absent, unresolved=report.unresolved)
    return report


def _open(machine: datetime) -> None:
    """Begin a doubt for every unknown attempt, and end those that something else settled."""
    Doubt.objects.exclude(attempt__state=AttemptState.UNKNOWN).delete()
    fresh = Attempt.objects.filter(
        message__state=State.UNKNOWN, state=AttemptState.UNKNOWN, doubt__isnull=True
    ).values_list("pk", flat=True)
    Doubt.objects.bulk_create(
        [Doubt(attempt_id=pk, since=machine, next_at=machine) for pk in fresh[:BATCH]], ignore_conflicts=True
    )


def _look(doubt: Doubt, now: datetime, machine: datetime) -> str:
    """One doubt: found, absent, unresolved or waiting."""
    attempt = doubt.attempt
    if attempt.channel != Channel.SMS:
        return _without_list(doubt, now, machine)
    if doubt.over_at is None and _is_over(attempt):
        doubt.over_at = machine
    try:
        found = _found(attempt)
    except RecordsError as error:
        if error.code == Ended.NO_ADDRESS:
            return _unresolved(doubt, Ended.NO_ADDRESS, now)
        doubt.failures, doubt.code = doubt.failures + 1, error.code[:40]
        return _wait(doubt, now, machine, failing=True)
    doubt.failures, doubt.code = 0, ""
    if found is not None and _adopted(attempt, found, now):
        return "found"
    counts = rules.worth(asked_at=machine, over_at=doubt.over_at, empty_at=doubt.empty_at, patience=_patience())
    if counts == Empty.SECOND:
        return _absent(doubt, now)
    if counts == Empty.FIRST:
        doubt.empty_at = machine
        _note(attempt, "not_listed", now)
    return _wait(doubt, now, machine, failing=False)


def _patience() -> timedelta:
    return timedelta(seconds=settings.DOUBT_SECONDS)


def _is_over(attempt: Attempt) -> bool:
    """Whether it is proved that this call writes no further byte: its worker said so itself, or is gone."""
    return attempt.code != SILENT or is_gone(attempt.worker)


def _found(attempt: Attempt) -> Listed | None:
    """The provider's own record of this attempt, in every account it may have gone through. Raises RecordsError."""
    senders = Sender.objects.filter(clinic_id=attempt.clinic_id, channel=Channel.SMS)
    to = address_of(attempt.message)
    listed = [each for account_of in _accounts(senders) for each in _asked(account_of, to)]
    taken = Attempt.objects.filter(provider_id__in=[each.provider_id for each in listed]).exclude(pk=attempt.pk)
    known = Known(
        body_sha256=attempt.body_sha256,
        decided_at=attempt.decided_at,
        senders={each.identity for each in senders},
        taken=set(taken.values_list("provider_id", flat=True)),
    )
    return rules.match(known, listed)


def _accounts(senders: Iterable[Sender]) -> set[tuple[str, str]]:
    try:
        return {sender.account() for sender in senders}
    except sealed.Unreadable:
        raise RecordsError("unreadable_credentials") from None


def _asked(account_of: tuple[str, str], to: str) -> list[Listed]:
    with Records(*account_of) as records:
        return turns.run(records.sent(to=to, deadline=clock.running() + ONE_LIST))


def address_of(message: Message) -> str:
    """The number that a message was sent to. Raises RecordsError when it is erased, or can't be read."""
    stored = message.contact.address_sealed if message.contact else message.address_sealed
    try:
        address = sealed.unseal(stored, "contact.address") if stored else ""
    except sealed.Unreadable:
        address = ""
    if not address:
        raise RecordsError(Ended.NO_ADDRESS)
    return address


def _adopted(attempt: Attempt, found: Listed, now: datetime) -> bool:
    adopted = went(
        attempt_id=attempt.pk, provider_id=found.provider_id, status=found.status, code=found.code, how="found",
        now=now,
    )  # fmt: skip
    if adopted:
        Doubt.objects.filter(pk=attempt.pk).delete()
    return adopted


def _wait(doubt: Doubt, now: datetime, machine: datetime, *, failing: bool) -> str:
    """Ask again later, or no more."""
    ended = rules.given_up(since=doubt.since, now=machine, over_at=doubt.over_at, failing=failing)
    if ended is not None:
        return _unresolved(doubt, ended, now)
    doubt.next_at = rules.next_look(now=machine, over_at=doubt.over_at, empty_at=doubt.empty_at, patience=_patience())
    changed = Doubt.objects.filter(pk=doubt.pk)
    changed.update(
        next_at=doubt.next_at, over_at=doubt.over_at, empty_at=doubt.empty_at, failures=doubt.failures, code=doubt.code
    )
    return "waiting"


def _without_list(doubt: Doubt, now: datetime, machine: datetime) -> str:
    """Mail: a bounce or an event may still settle it; nothing proves that a mail did not arrive (rule 119)."""
    if machine - doubt.since >= rules.NO_LIST:
        return _unresolved(doubt, Ended.NO_LIST, now)
    Doubt.objects.filter(pk=doubt.pk).update(next_at=doubt.since + rules.NO_LIST)
    return "waiting"


@transaction.atomic
def _absent(doubt: Doubt, now: datetime) -> str:
    """It never arrived: once more through all gates, or before a person."""
    attempt, message, _ = locked(doubt.attempt_id)
    before = Attempt.objects.filter(message=message, state=AttemptState.ABSENT).count()
    ended = rules.after_absence(purpose=message.purpose, cls=message.cls, times_absent=before)
    if ended != Ended.ABSENT:
        return _unresolved(doubt, ended, now)
    if attempt.state != AttemptState.UNKNOWN or message.state != State.UNKNOWN:
        return "found"  # a receipt was faster
    attempt.state = AttemptState.ABSENT
    attempt.save(update_fields=["state"])
    message.state, message.reason, message.due_at = State.PLANNED, ended, now
    message.save(update_fields=["state", "reason", "due_at"])
    make_ready([message], now=now)
    _note(attempt, ended, now)
    Doubt.objects.filter(pk=doubt.pk).delete()
    return "absent"


def _unresolved(doubt: Doubt, ended: Ended, now: datetime) -> str:
    return leave_unresolved(doubt.attempt_id, ended, now)


@transaction.atomic
def leave_unresolved(attempt_id: uuid.UUID, ended: str, now: datetime) -> str:
    """Nobody can know, so nothing is sent, and a person is told: "unresolved", or "found" where it was settled."""
    attempt, message, _ = locked(attempt_id)
    if attempt.state != AttemptState.UNKNOWN:
        return "found"
    attempt.state = AttemptState.UNRESOLVED
    attempt.save(update_fields=["state"])
    if message.state == State.UNKNOWN:
        message.state, message.reason = State.UNRESOLVED, ended
        message.save(update_fields=["state", "reason"])
        open_task(
            clinic_id=message.clinic_id, client_id=message.client_id, kind="unknown_outcome",
            cause=f"unknown_outcome:{message.pk}", facts={"message": message.pk, "reason": ended}, now=now,
        )  # fmt: skip
        optin_failed(message.pk, now=now)
    _note(attempt, ended, now)
    Doubt.objects.filter(pk=attempt_id).delete()
    return "unresolved"


def _note(attempt: Attempt, code: str, now: datetime) -> None:
    """A line of the message's story: what was looked for, and what came of it (P8)."""
    record(
        clinic_id=attempt.clinic_id, kind="reconciled", subject=f"message:{attempt.message_id}", actor="system",
        at=now, code=code, facts={"attempt": attempt.pk.hex},
    )  # fmt: skip
