"""Write down what the provider said, for many messages in one transaction; the call itself is long over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction

from worker.actions.record import verdicts
from worker.actions.record.task import optin_failed
from worker.actions.send.circuit import close_circuits
from worker.actions.send.due import make_ready
from worker.actions.send.went import confirm_optin, went
from worker.channels.base import Accepted, NotStarted, Refused, TryLater, Unknown
from worker.models import Attempt, Message
from worker.models.attempt import AttemptState
from worker.models.rows import update_many
from worker.rules.names import AnswerKind
from worker.rules.states import State

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from worker.actions.send.said import Said

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=30)
MOST_SEGMENTS = 255  # what a provider says beyond this is no number of segments
OURS = "t.state IN ('sending', 'unknown')"  # a receipt that was faster is never overwritten by our own answer


def record(said: list[Said], *, now: datetime) -> None:
    """Bring attempts and messages up to date with the outcomes, and take out of `said` what is written.

    Refusals go one by one, each in a transaction of its own, for they may end a consent; one that meets a lock does
    not stop the others. Raises DatabaseError when something could not be written: what is left in `said` may be
    tried again, for nothing is ever written twice.
    """
    late = _record([each for each in said if not isinstance(each.outcome, Refused)], now)
    said[:] = [each for each in said if isinstance(each.outcome, Refused) or each in late]
    failed: DatabaseError | None = None
    for each in list(said):
        try:
            (_late if each in late else _refused)(each, now)
            said.remove(each)
        except DatabaseError as error:
            failed = error
    if failed is not None:
        raise failed


def _refused(each: Said, now: datetime) -> None:
    assert isinstance(each.outcome, Refused)
    code, status = each.outcome.code, each.outcome.status
    verdicts.refused(message_id=each.of.pk, attempt_id=each.of.attempt_id, code=code, status=status, now=now)


def _late(each: Said, now: datetime) -> None:
    """The answer of a worker that had been given up: the text is there, whatever was decided meanwhile (P4)."""
    assert isinstance(each.outcome, Accepted)
    told = each.outcome.provider_id[:320]
    went(attempt_id=each.of.attempt_id, provider_id=told, status="sent", code="", how="late_answer", now=now)


@transaction.atomic
def _record(said: Sequence[Said], now: datetime) -> list[Said]:
    """Write all but refusals; gives back what was accepted although its attempt had been given up."""
    changed = update_many(
        "aftercare_attempt",
        "id",
        ("state", "provider_id", "code", "segments", "finished_at"),
        [_attempt(each, now) for each in said],
        OURS,
    )
    given_up = _given_up(said) if changed != len(said) else set()
    late = [each for each in said if each.of.attempt_id in given_up]
    said = [each for each in said if each.of.attempt_id not in given_up]
    _accepted([each for each in said if isinstance(each.outcome, Accepted)], now)
    probes = [each.of.pk for each in said if each.of.probes and isinstance(each.outcome, Accepted)]
    if probes:
        close_circuits(probes, now=now)
    _unknown([each for each in said if isinstance(each.outcome, Unknown)], now)
    _again([each for each in said if isinstance(each.outcome, NotStarted | TryLater)], now)
    return [each for each in late if isinstance(each.outcome, Accepted)]


def _given_up(said: Sequence[Said]) -> set[uuid.UUID]:
    """The attempts that were proved absent or put before a person: their messages may be on a second way by now."""
    ids = [each.of.attempt_id for each in said]
    settled = Attempt.objects.filter(pk__in=ids, state__in=(AttemptState.ABSENT, AttemptState.UNRESOLVED))
    return set(settled.values_list("pk", flat=True))


def _attempt(each: Said, now: datetime) -> tuple[object, ...]:
    match each.outcome:
        case Accepted(provider_id, segments):
            parts = segments if 0 < segments <= MOST_SEGMENTS else each.of.segments
            return each.of.attempt_id, AttemptState.ACCEPTED, provider_id[:320], "", parts, now
        case Refused():
            raise ValueError("a refusal is recorded together with its verdict")
        case TryLater(code, _):
            return each.of.attempt_id, AttemptState.TRY_LATER, "", code[:40], each.of.segments, now
        case NotStarted(why):
            return each.of.attempt_id, AttemptState.NOT_STARTED, "", why[:40], each.of.segments, now
        case Unknown(why):
            return each.of.attempt_id, AttemptState.UNKNOWN, "", why[:40], each.of.segments, now


def _accepted(said: Sequence[Said], now: datetime) -> None:
    update_many(
        "aftercare_message",
        "id",
        ("state", "sent_at", "provider_id"),
        [
            (each.of.pk, State.ACCEPTED, now, each.outcome.provider_id[:320])
            for each in said
            if isinstance(each.outcome, Accepted)
        ],
        OURS,
    )
    confirmations = [each.of.pk for each in said if each.of.row["kind"] == AnswerKind.OPTIN_CONFIRMATION]
    if confirmations:
        confirm_optin(confirmations, now=now)


def _unknown(said: Sequence[Said], now: datetime) -> None:
    update_many(
        "aftercare_message",
        "id",
        ("state", "reason"),
        [(each.of.pk, State.UNKNOWN, each.outcome.why[:40]) for each in said if isinstance(each.outcome, Unknown)],
        OURS,
    )
    for each in said:
        if each.of.row["kind"] == AnswerKind.OPTIN_CONFIRMATION:
            optin_failed(each.of.pk, now=now)


def _again(said: Sequence[Said], now: datetime) -> None:
    """Provably not sent: planned again, later each time, through all gates."""
    update_many(
        "aftercare_message",
        "id",
        ("state", "reason", "due_at", "attempts"),
        [(each.of.pk, State.PLANNED, _why(each), now + _wait(each), _counted(each)) for each in said],
        OURS,
    )
    if not said:
        return
    waiting = Message.objects.filter(pk__in=[each.of.pk for each in said], state=State.PLANNED)
    make_ready(waiting, now=now)


def _counted(each: Said) -> int:
    """A call that never began is no attempt."""
    return int(each.of.row["attempts"]) + (0 if isinstance(each.outcome, NotStarted) else 1)


def _why(each: Said) -> str:
    return "not_started" if isinstance(each.outcome, NotStarted) else "provider_busy"


def _wait(each: Said) -> timedelta:
    """A second after a call that never began; else the provider's wish, or twice as long each time, up to 30 min."""
    if not isinstance(each.outcome, TryLater):
        return timedelta(seconds=1)
    tries = min(int(each.of.row["attempts"]), 8)
    own = min(FIRST_WAIT * float(2**tries), LONGEST_WAIT)
    return max(own, timedelta(seconds=each.outcome.after)) if each.outcome.after else own
