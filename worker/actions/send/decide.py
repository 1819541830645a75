"""Decide a batch under the lock of its standing rows, and mark what goes as sending in the same commit (P1-P3, P8).

First statement: lock the standing rows, in id order. Second: read them. One statement that did both could miss a
revocation that commits while it waits for the lock (seen at READ COMMITTED). Lock order everywhere: standing, then
message. A revocation that commits first is seen; one that comes second waits until the marks are committed.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connection, transaction

from worker import meters
from worker.actions.send import tally
from worker.actions.send.claim import STRIDE, Claim, give_back
from worker.actions.send.due import HORIZON, LONG_AGO
from worker.actions.send.leave_word import code_of, record_decisions, tell_staff
from worker.actions.send.others import Others, newest_first
from worker.models.attempt import AttemptState
from worker.models.hold import PauseScope
from worker.models.rows import among, change, fetch, insert_many, moment, update_many
from worker.rules import gate
from worker.rules.gate import Approved, Decision, Facts, Go, Later, Reason, Stop
from worker.rules.hours import next_opening
from worker.rules.names import MessageClass
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.actions.send.prepared import Prepared

PLANNED = "t.state = 'planned'"
BUSY = timedelta(seconds=1)  # a standing row that somebody holds: its messages are looked at again after this
READ = (
    "SELECT m.id, m.state, r.lease, s.suppressed_why, s.held_why, "
    # the opt-in confirmation is about whatever was agreed to at that address, not about one purpose
    # (and so is what a person writes to her); staff agreed for themselves
    "CASE WHEN m.cls = 'staff' THEN (SELECT 'active' FROM aftercare_staffcontact k WHERE "
    "k.standing_id = m.standing_id AND k.ended_at IS NULL LIMIT 1) "
    "WHEN m.kind IN ('optin_confirmation', 'staff_reply') THEN (SELECT 'active' FROM aftercare_grant o WHERE "
    "o.standing_id = m.standing_id AND o.client_id = m.client_id AND o.state = 'active' LIMIT 1) "
    # and so is the question before it, as long as any of it waits for her yes
    "WHEN m.kind = 'optin_question' THEN (SELECT max(o.state) FROM aftercare_grant o WHERE "
    "o.standing_id = m.standing_id AND o.client_id = m.client_id AND o.state IN ('active', 'pending')) "
    "ELSE g.state END, "
    "g.confirmed_at IS NOT NULL, "
    "coalesce(t.generation, a.generation, m.generation) = m.generation AND coalesce(a.status, 'booked') = "
    "CASE WHEN m.kind = 'cancellation' THEN 'cancelled' ELSE 'booked' END, "
    "m.cls = 'course' AND (EXISTS(SELECT 1 FROM aftercare_conversation v WHERE v.client_id = m.client_id "
    "AND v.closed_at IS NULL AND v.holds) OR EXISTS(SELECT 1 FROM aftercare_conversation v "
    "WHERE v.standing_id = m.standing_id AND v.closed_at IS NULL AND v.holds)), "
    "f.heard_at, u.state, s.open_stop IS NOT NULL "
    "FROM aftercare_message m "
    "JOIN aftercare_ready r ON r.message_id = m.id "
    "JOIN aftercare_standing s ON s.id = m.standing_id "
    "LEFT JOIN aftercare_grant g ON g.standing_id = m.standing_id AND g.client_id = m.client_id "
    "AND g.purpose = m.purpose "
    "LEFT JOIN aftercare_treatment t ON t.id = m.treatment_id "
    "LEFT JOIN aftercare_appointment a ON a.id = m.appointment_id "
    "LEFT JOIN aftercare_message u ON u.id = m.fallback_of "
    "LEFT JOIN aftercare_feed f ON f.clinic_id = a.clinic_id AND f.source = a.source AND f.ended_at IS NULL "
    "WHERE {these}"
)


@transaction.atomic
def decide(
    batch: Sequence[Prepared], *, now: datetime, machine: datetime, lease: timedelta, worker: str
) -> list[Prepared]:
    """Decide every message of the batch once; what may go, in due order, already committed as sending.

    A message that another worker claimed meanwhile (its fence moved on), or that was cancelled, is left alone.
    """
    if not batch:
        return []
    locked = _lock({each.row["standing_id"] for each in batch})
    busy = [each for each in batch if each.row["standing_id"] not in locked]
    give_back([Claim(each.pk, each.lease) for each in busy], free_at=machine + BUSY)
    batch = [each for each in batch if each.row["standing_id"] in locked]
    if not batch:
        return []
    facts = _Facts(batch, now)
    give_back([Claim(each.pk, each.lease) for each in batch if facts.is_ending(each)], free_at=machine + BUSY)
    verdicts = [(each, _verdict(each, facts, now)) for each in newest_first(batch) if facts.still_ours(each)]
    going = sorted((each for each, verdict in verdicts if isinstance(verdict, Go)), key=_due)
    _mark_sending(going, now=now, until=machine + lease, worker=worker)
    _settle([(each, verdict) for each, verdict in verdicts if not isinstance(verdict, Go)], now)
    _not_ready({each.pk for each in batch if facts.is_stray(each)})
    ended = [(each, verdict) for each, verdict in verdicts if isinstance(verdict, Stop)]
    tell_staff(ended, now)
    transaction.on_commit(partial(tally.tell_ended, ended))
    record_decisions(verdicts, now, worker)
    meters.decided(batch[0].channel, Counter(code_of(verdict) for _, verdict in verdicts))
    return going


def _due(each: Prepared) -> tuple[datetime, int]:
    return each.row["due_at"], each.pk


def _lock(standing_ids: set[int]) -> set[int]:
    """Lock the rows in id order, and say which (on SQLite the transaction itself holds the whole database).

    A row that somebody holds just now (a STOP, an enrolment) is left out: its messages are claimed again a moment
    later, and the others of the batch don't wait for it.
    """
    these, ids = among("id", standing_ids)
    lock = "FOR NO KEY UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    return {row[0] for row in fetch(f"SELECT id FROM aftercare_standing WHERE {these} ORDER BY id {lock}", ids)}


class _Facts:
    """What the second statement read, for the whole batch."""

    def __init__(self, batch: Sequence[Prepared], now: datetime) -> None:
        these, ids = among("m.id", [each.pk for each in batch])
        self._rows = {row[0]: row[1:] for row in fetch(READ.format(these=these), ids)}
        self._approvals = _approvals({each.row["version_id"] for each in batch})
        self._paused = _paused()  # with the one message that each lets through
        self._others = Others([each for each in batch if each.cls == MessageClass.COURSE], now)
        self._now = now

    def still_ours(self, each: Prepared) -> bool:
        """True while the message is planned and nobody claimed it after us."""
        row = self._rows.get(each.pk)
        return row is not None and row[0] == State.PLANNED and row[1] == each.lease and not self.is_ending(each)

    def is_ending(self, each: Prepared) -> bool:
        """True while a STOP is obeyed and not followed up: that ends the message, and tells staff what it was."""
        row = self._rows.get(each.pk)
        return row is not None and bool(row[-1])

    def is_stray(self, each: Prepared) -> bool:
        """True when a race left our ready row behind: its message is no longer planned, and nobody else would look."""
        row = self._rows.get(each.pk)
        return row is not None and row[0] != State.PLANNED and row[1] == each.lease

    def of(self, each: Prepared) -> Facts:
        """The facts of one message."""
        _, _, suppressed, held, grant, confirmed, current, conversing, heard_at, undelivered, _ = self._rows[each.pk]
        return Facts(
            cls=each.cls,
            kind=each.row["kind"],
            expires_at=each.row["expires_at"],
            current=bool(current),
            grant=grant,
            confirmed=bool(confirmed),
            suppressed=suppressed,
            held=held is not None,
            approved=self._approved(each),
            paused=self._is_paused(each),
            conversing=bool(conversing),
            unsure=heard_at is not None and self._is_silent(each, moment(heard_at)),
            recent=self._others.recent[each.row["standing_id"]],
            needless=each.pk in self._others.needless or undelivered == State.DELIVERED,  # it arrived after all
            newer=each.pk in self._others.outdone,
            spent=self._others.is_spent(each),
        )

    def goes(self, each: Prepared) -> None:
        """Count a message that just got its Go toward the caps of the rest of the batch."""
        if each.cls == MessageClass.COURSE:
            self._others.goes(each, self._now)

    def _is_silent(self, each: Prepared, heard_at: datetime) -> bool:
        assert each.card is not None
        return heard_at <= self._now - timedelta(hours=each.card.clinic.feed_hold_hours)

    def _approved(self, each: Prepared) -> Approved:
        approval = self._approvals.get(each.row["version_id"])
        if approval is None:
            return Approved.NO
        sha256, review_by, withdrawn_at = approval
        if withdrawn_at is not None:
            return Approved.WITHDRAWN
        if review_by <= self._now:
            return Approved.OVERDUE
        return Approved.YES if sha256 == each.document_sha256 else Approved.DIFFERENT

    def _is_paused(self, each: Prepared) -> bool:
        if not self._paused:
            return False
        voice = each.voice
        scopes = (
            (PauseScope.ALL, ""),
            (PauseScope.CLINIC, str(each.row["clinic_id"])),
            (PauseScope.CHANNEL, each.channel),
            (PauseScope.PROTOCOL, str(each.row["version__protocol_id"])),
            (PauseScope.SENDER, str(voice.sender_id) if voice else "-"),
        )
        stops = [self._paused[scope] for scope in scopes if scope in self._paused]
        each.probes = each.pk in stops
        return any(let_through != each.pk for let_through in stops)


def _approvals(versions: set[int]) -> dict[int, tuple[str, datetime, datetime | None]]:
    """The newest approval of each version; a standing one beats a withdrawn one."""
    these, ids = among("version_id", versions)
    rows = fetch(
        "SELECT version_id, sha256, review_by, withdrawn_at FROM aftercare_approval "
        f"WHERE {these} ORDER BY withdrawn_at IS NULL, id",
        ids,
    )
    return {
        version_id: (sha256, moment(review_by), withdrawn_at and moment(withdrawn_at))
        for version_id, sha256, review_by, withdrawn_at in rows
    }


def _paused() -> dict[tuple[str, str], int | None]:
    rows = fetch("SELECT scope, value, probe FROM aftercare_pause WHERE ended_at IS NULL", [])
    return {(scope, value): probe for scope, value, probe in rows}


def _verdict(each: Prepared, facts: _Facts, now: datetime) -> Decision:
    if each.card is None:  # nothing of it could be read: its workers died, or the clinic's sender is unreadable
        return Stop(State.HELD, Reason.WORKER_DIED if each.fault == Reason.WORKER_DIED else Reason.NO_SENDER)
    verdict = gate.decide(facts.of(each), lambda: _opening(each, now), now)
    if isinstance(verdict, Go):
        if each.voice is None:
            return Stop(State.HELD, Reason.NO_SENDER)
        if each.fault is not None or each.out is None:
            return Stop(State.WITHHELD, each.fault or Reason.CANT_RENDER)
        facts.goes(each)
    return verdict


def _opening(each: Prepared, now: datetime) -> datetime | None:
    hours = each.hours
    return next_opening(now, hours.windows, *hours.zones, holidays_from=each.holidays_from)


def _mark_sending(going: Sequence[Prepared], *, now: datetime, until: datetime, worker: str) -> None:
    insert_many("aftercare_attempt", _ATTEMPT, [_attempt(each, now, until, worker) for each in going])
    marked = update_many(
        "aftercare_message",
        "id",
        ("state", "reason", "decided_at", "attempts"),
        [(each.pk, State.SENDING, "", now, each.row["attempts"] + 1) for each in going],
        PLANNED,
    )
    if marked != len(going):
        raise IntegrityError("a message of this batch was ended meanwhile; the batch is decided again")
    _not_ready({each.pk for each in going})


_ATTEMPT = (
    "id", "message_id", "clinic_id", "standing_id", "channel", "cls", "state", "worker", "decided_at", "lease_until",
    "provider_id", "code", "segments", "body_sealed", "body_sha256", "facts",
)  # fmt: skip


def _attempt(each: Prepared, now: datetime, until: datetime, worker: str) -> tuple[Any, ...]:
    row = each.row
    return (
        each.attempt_id, each.pk, row["clinic_id"], row["standing_id"], row["channel"], row["cls"],
        AttemptState.SENDING, worker, now, until, "", "", each.segments, each.body_sealed, each.body_sha256, "{}",
    )  # fmt: skip


def _settle(verdicts: Sequence[tuple[Prepared, Decision]], now: datetime) -> None:
    """Write what the gate said of the messages that don't go now."""
    stopped = [(each, verdict) for each, verdict in verdicts if isinstance(verdict, Stop)]
    later = [(each, verdict) for each, verdict in verdicts if isinstance(verdict, Later)]
    update_many(
        "aftercare_message",
        "id",
        ("state", "reason", "decided_at"),
        [(each.pk, verdict.state, verdict.reason, now) for each, verdict in stopped],
        PLANNED,
    )
    update_many(
        "aftercare_message",
        "id",
        ("due_at", "reason", "decided_at"),
        [(each.pk, verdict.at, verdict.reason, now) for each, verdict in later],
        PLANNED,
    )
    soon = [(each, verdict) for each, verdict in later if verdict.at <= now + HORIZON]
    update_many(
        "aftercare_ready",
        "message_id",
        ("due_at", "free_at", "worker", "lease"),
        [(each.pk, verdict.at, LONG_AGO, "", (each.lease // STRIDE + 1) * STRIDE) for each, verdict in soon],
    )
    _not_ready({each.pk for each, _ in verdicts} - {each.pk for each, _ in soon})


def _not_ready(message_ids: set[int]) -> None:
    if message_ids:
        these, ids = among("message_id", message_ids)
        change(f"DELETE FROM aftercare_ready WHERE {these}", ids)
