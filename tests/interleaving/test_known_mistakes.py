"""The stage sees what it is there to see: each known mistake is made on purpose, and found (P2).

A hold is what these workers meet, for it changes the standing row alone: nothing else may tell them in time.
"""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from tests.interleaving import people
from tests.interleaving.trial import REVOCATION, TICK, WORKER, in_turns
from worker import clock
from worker.actions.send import decide as deciding
from worker.actions.send import shift as shifting
from worker.channels import http
from worker.channels.sms import SmsChannel
from worker.models import Message

TO_THE_END = 10_000
MOST = 40  # steps of a worker


def search(trial, *, revoke=people.by_doubt, frozen=0.0):
    """Stop the worker before each of its steps, then the revocation after each, until something is found."""
    for between in (TO_THE_END, 12, 8, 4):
        for at in range(MOST):
            first = in_turns((WORKER, at), (TICK, frozen), (REVOCATION, between), (WORKER, TO_THE_END))
            trial.run(revoke, first)
            if not trial.found:
                trial.run(revoke, in_turns((REVOCATION, between), (WORKER, at), (REVOCATION, TO_THE_END)))
            if trial.found:
                return trial.found[0]
    return "nothing"


def only_postgres():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time, whatever is locked")


def test_nothing_is_found_without_a_mistake(trial, monkeypatch):
    """The search itself is no mistake."""
    monkeypatch.setattr(f"{__name__}.MOST", 6)
    assert search(trial, frozen=1.05) == "nothing"


def test_deciding_by_what_was_read_before_the_lock(trial, monkeypatch):
    """Facts that were read with the words, a moment earlier."""
    kept, prepare, facts = threading.local(), shifting.prepare, deciding._Facts

    def early(claims, *, now):
        batch = prepare(claims, now=now)
        kept.facts = facts(batch, now) if batch else None
        return batch

    monkeypatch.setattr(shifting, "prepare", early)
    monkeypatch.setattr(deciding, "_Facts", lambda batch, now: kept.facts)
    assert "after the revocation's commit" in search(trial)


def test_deciding_without_a_lock(trial, monkeypatch):
    """A hold that commits between reading and committing."""
    only_postgres()
    monkeypatch.setattr(deciding, "_lock", set)
    assert "after the revocation's commit" in search(trial)


def test_deciding_in_one_statement_by_the_ledger(trial, monkeypatch):
    """A statement that waits for the lock goes on with the ledger as it was before it waited."""
    only_postgres()
    ledger = "(SELECT h.why FROM aftercare_hold h WHERE h.standing_id = s.id AND h.released_at IS NULL LIMIT 1)"
    assert "s.held_why" in deciding.READ
    monkeypatch.setattr(deciding, "_lock", set)
    monkeypatch.setattr(deciding, "READ", deciding.READ.replace("s.held_why", ledger) + " FOR NO KEY UPDATE OF s")
    assert "after the revocation's commit" in search(trial)


def test_no_second_look_at_the_clock(trial, monkeypatch):
    """A frozen worker that goes on where it was."""
    monkeypatch.setattr(http, "FIRST_BYTE_WITHIN", 1e9)
    assert "after its decision began" in search(trial, frozen=1.05)


def test_a_second_that_begins_after_the_commit(trial, monkeypatch):
    """The clock read too late: the second has to contain the decision."""
    send = SmsChannel.send
    monkeypatch.setattr(SmsChannel, "send", lambda self, slot, out, started: send(self, slot, out, clock.running()))
    assert "after its decision began" in search(trial, frozen=1.05)


def test_locks_in_the_wrong_order(trial):
    """Message before standing: one day the two wait for each other."""
    only_postgres()

    @transaction.atomic
    def backwards(who):
        Message.objects.select_for_update().get(pk=who.number)
        people.by_doubt(who)

    assert "deadlock" in search(trial, revoke=backwards)


def test_a_revocation_that_passes_the_standing_by(trial):
    """A way to say stop that cancels what is planned and tells the standing row nothing."""

    def lightly(who):
        with transaction.atomic():
            Message.objects.filter(pk=who.number, state="planned").update(state="cancelled", reason="revoked")
        with transaction.atomic():
            Message.objects.filter(pk=who.number, state="cancelled").update(state="planned", reason="")

    assert search(trial, revoke=lightly, frozen=1.05) != "nothing"
