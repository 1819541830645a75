"""Bring what is due within the hour into the ready table, and end what nobody may read any more."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Q

from worker import clock, meters
from worker.actions.record.audit import record, request_number
from worker.actions.record.task import open_task, optin_failed
from worker.actions.send import tally
from worker.models import Attempt, Message, Pause, Ready, Sender
from worker.models.attempt import AttemptState
from worker.models.hold import PauseScope
from worker.models.rows import among, fetch, insert_many, locking, plain, server_time
from worker.rules.gate import Reason
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

HORIZON = timedelta(hours=1)
FIRST = timedelta(days=1)
BATCH = 1000
log = structlog.get_logger("aftercare.due")
MOST_SKEW = timedelta(seconds=60)
OPEN_STATES = ", ".join(f"'{state}'" for state in OPEN)  # as the index names them: bound values hide it from SQLite
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def make_ready(messages: Iterable[Message], *, now: datetime) -> None:
    """Put planned messages that are due within the hour where a claim finds them, in the caller's transaction.

    The number of the request that does so goes along: no hint carries it, for the web part needs no broker (P11).
    """
    request = request_number()
    insert_many(
        "aftercare_ready",
        ("message_id", "clinic_id", "channel", "due_at", "free_at", "lease", "worker", "request"),
        [
            (each.pk, each.clinic_id, each.channel, _place(each, now), LONG_AGO, 0, "", request)
            for each in messages
            if each.due_at <= now + HORIZON
        ],
        "ON CONFLICT DO NOTHING",
    )


def _place(each: Message, now: datetime) -> datetime:
    """An answer goes before all that waits for its sender: the confirmation of a STOP has five minutes (rule 22)."""
    return each.due_at - FIRST if each.cls == MessageClass.ANSWER and each.due_at <= now else each.due_at


@transaction.atomic
def promote(*, now: datetime) -> int:
    """Copy planned messages due within the hour into the ready table; how many. Harmless when run twice at once."""
    rows = fetch(
        "INSERT INTO aftercare_ready (message_id, clinic_id, channel, due_at, free_at, lease, worker) "
        "SELECT m.id, m.clinic_id, m.channel, m.due_at, %s, 0, '' FROM aftercare_message m "
        "WHERE m.state = 'planned' AND m.due_at <= %s "
        "AND NOT EXISTS (SELECT 1 FROM aftercare_ready r WHERE r.message_id = m.id) "
        f"ORDER BY m.due_at LIMIT {BATCH} ON CONFLICT DO NOTHING RETURNING message_id",
        [LONG_AGO, now + HORIZON],
    )
    return len(rows)


@transaction.atomic
def close_missed(*, now: datetime, machine: datetime) -> int:
    """Every open message past its useful time ends as missed, with its decision on record (P5); how many.

    A message under a live lease is left to the worker that holds it: that worker decides the same thing.
    """
    late = sorted(
        fetch(
            "SELECT m.id, m.clinic_id, m.reason, m.kind FROM aftercare_message m "
            f"WHERE m.state IN ({OPEN_STATES}) AND m.expires_at <= %s "
            "AND NOT EXISTS (SELECT 1 FROM aftercare_ready r WHERE r.message_id = m.id AND r.free_at > %s) "
            f"ORDER BY m.expires_at LIMIT {BATCH} {locking('FOR UPDATE OF m SKIP LOCKED')}",
            [plain(now), plain(machine)],
        )
    )
    ids = [pk for pk, _, _, _ in late]
    Message.objects.filter(pk__in=ids).update(state=State.MISSED, decided_at=now)
    Message.objects.filter(pk__in=ids, reason="").update(reason=Reason.TOO_LATE)
    Ready.objects.filter(message_id__in=ids).delete()
    told = [(pk, clinic_id, reason or Reason.TOO_LATE) for pk, clinic_id, reason, _ in late]
    transaction.on_commit(partial(tally.tell_missed, told))
    for pk, clinic_id, reason, kind in late:
        if kind == AnswerKind.OPTIN_CONFIRMATION:
            optin_failed(pk, now=now)
        if reason == Reason.CONVERSATION:  # nobody closed it in time: what she did not read, a person tells her
            _hand_over(pk, clinic_id, now)
        record(
            clinic_id=clinic_id,
            kind="decision",
            subject=f"message:{pk}",
            actor="system",
            at=now,
            code=reason or Reason.TOO_LATE,
            facts={"state": State.MISSED},
        )
    return len(ids)


def _hand_over(pk: int, clinic_id: int, now: datetime) -> None:
    client_id, step, channel = Message.objects.values_list("client_id", "step__code", "channel").get(pk=pk)
    open_task(
        clinic_id=clinic_id, client_id=client_id, kind="hand_over", cause=f"hand_over:message:{pk}",
        facts={"step": step, "channel": channel, "message": pk}, due_at=now, now=now,
    )  # fmt: skip


@transaction.atomic
def doubt_silent(*, now: datetime, machine: datetime) -> int:
    """An attempt whose worker fell silent is `unknown`: it may have left, so it is never repeated blindly (P4)."""
    silent = list(
        Attempt.objects.select_for_update(skip_locked=True)
        .filter(state=AttemptState.SENDING, lease_until__lte=machine)
        .order_by("pk")
        .values_list("pk", "message_id", "clinic_id")[:BATCH]
    )
    Attempt.objects.filter(pk__in=[pk for pk, _, _ in silent]).update(
        state=AttemptState.UNKNOWN, code="worker_silent", finished_at=now
    )
    Message.objects.filter(pk__in=[pk for _, pk, _ in silent], state=State.SENDING).update(
        state=State.UNKNOWN, reason="worker_silent"
    )
    transaction.on_commit(lambda: meters.DOUBTED.inc(len(silent)))
    for _, message_id, clinic_id in silent:
        optin_failed(message_id, now=now)
        record(
            clinic_id=clinic_id,
            kind="doubted",
            subject=f"message:{message_id}",
            actor="system",
            at=now,
            code="worker_silent",
        )
    return len(silent)


def waiting(*, channel: str, now: datetime, machine: datetime, limit: int, without: Collection[int] = ()) -> int:
    """How many messages of a channel could be claimed now, counted up to `limit`; none while the house is drained.

    Those of the clinics `without` don't count: their senders rest.
    """
    others, ids = "", list[int]()
    if without:
        these, ids = among("clinic_id", without)
        others = f"AND NOT {these} "
    rows = fetch(
        "SELECT count(*) FROM (SELECT 1 FROM aftercare_ready "
        f"WHERE channel = %s AND due_at <= %s AND free_at <= %s {others}"
        f"AND NOT EXISTS (SELECT 1 FROM aftercare_pause WHERE scope = '{PauseScope.DRAIN}' AND ended_at IS NULL) "
        f"LIMIT {int(limit)}) AS due",
        [channel, plain(now), plain(machine), *ids],
    )
    return int(rows[0][0])


@transaction.atomic
def release_unpaused() -> int:
    """Plan again what a pause held that stands no more: a decision and a resume may pass each other; how many."""
    held = Message.objects.filter(state=State.HELD, reason=Reason.PAUSED)
    if not held.exists():
        return 0
    covered = Q(pk__in=[])
    for scope, value in Pause.objects.filter(ended_at__isnull=True).values_list("scope", "value"):
        covered |= _covered(PauseScope(scope), value)
    return held.exclude(covered).update(state=State.PLANNED, reason="")


def _covered(scope: PauseScope, value: str) -> Q:
    if scope == PauseScope.CLINIC:
        return Q(clinic_id=int(value))
    if scope == PauseScope.CHANNEL:
        return Q(channel=value)
    if scope == PauseScope.PROTOCOL:
        return Q(version__protocol_id=int(value))
    if scope == PauseScope.SENDER:
        own = Sender.objects.filter(pk=int(value)).values("clinic_id", "channel").first()
        return Q(**own) if own else Q(pk__in=[])
    return Q(pk__in=[]) if scope == PauseScope.DRAIN else ~Q(pk__in=[])  # what is drained is not held, only left


def clock_is_trusted() -> bool:
    """False when this machine's clock is over a minute off the database's: nothing is sent then (rule 140)."""
    skew = server_time() - clock.machine()
    trusted = abs(skew) <= MOST_SKEW
    if not trusted:
        log.error("clock not trusted", skew_seconds=round(skew.total_seconds()))
    return trusted
