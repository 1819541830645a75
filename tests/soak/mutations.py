"""Our own guards taken out, one at a time, in the processes of one soak: so that the checker is seen to catch it.

A mutation changes a module right after it was imported there, before anybody else has taken a name from it; see
`mutant/sitecustomize.py`. The product knows nothing of all this. What sleeps here makes a race wide, it breaks nothing:
`a slow machine` does only that, and must be found clean.
"""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.soak import inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.soak.inside import Change

SEND = "worker.actions.send"
A_WHILE = float(os.environ.get("SOAK_A_WHILE", "0.3"))  # seconds within a decision; none in a test that needs no luck
TOO_LONG = 4.0  # seconds between a decision and its call


def _slow_decision(decide: Any) -> None:
    mark = decide._mark_sending

    def slowly(going: Any, **more: Any) -> None:
        time.sleep(A_WHILE)
        mark(going, **more)

    decide._mark_sending = slowly


def _slow_call(shift: Any) -> None:
    decide, dice = shift.decide, secrets.SystemRandom()

    def slowly(batch: Any, **more: Any) -> Any:
        going = decide(batch, **more)
        if any(each.cls == "course" for each in going) and dice.random() < 0.7:
            time.sleep(TOO_LONG)
        return going

    shift.decide = slowly


def _without_the_lock(decide: Any) -> None:
    decide._lock = set
    _slow_decision(decide)


def _with_stale_facts(shift: Any) -> None:
    from worker.actions.send import decide

    prepare, facts, kept = shift.prepare, decide._Facts, {}

    def early(claims: Any, *, now: Any) -> Any:
        batch = prepare(claims, now=now)
        kept["facts"] = facts(batch, now) if batch else None
        time.sleep(A_WHILE)
        return batch

    shift.prepare = early
    decide._Facts = lambda *_: kept["facts"]


def _without_the_second(base: Any) -> None:
    base.FIRST_BYTE_WITHIN = 1e9


def _resend_blindly(due: Any) -> None:
    doubt = due.doubt_silent

    def plan_again(*, now: Any, machine: Any) -> int:
        from worker.models import Attempt, Message

        count: int = doubt(now=now, machine=machine)
        silent = Attempt.objects.filter(state="unknown", code="worker_silent")
        Message.objects.filter(pk__in=silent.values("message_id"), state="unknown").update(state="planned", reason="")
        silent.update(state="not_started")
        return count

    due.doubt_silent = plan_again


def _no_answer_is_not_sent(http: Any) -> None:
    http.LostAnswerError = http.NotStartedError


def _a_5xx_is_not_sent(sms: Any) -> None:
    refusal = sms._refusal

    def hopeful(status: int, code: str, answer: Any) -> Any:
        return sms.TryLater(code, None) if status >= sms.SERVER_ERROR else refusal(status, code, answer)

    sms._refusal = hopeful


def _any_number_of_occasions(plan: Any) -> None:
    occasion = plan.occasion
    plan.occasion = lambda *about: occasion(*about, resend=secrets.randbelow(10**9))


def _call_before_marking(decide: Any) -> None:
    def only_the_attempt(going: Any, *, now: Any, until: Any, worker: str) -> None:
        rows = [decide._attempt(each, now, until, worker) for each in going]
        decide.insert_many("aftercare_attempt", decide._ATTEMPT, rows)

    decide._mark_sending = only_the_attempt


def _at_any_hour(gate: Any) -> None:
    gate._hour = lambda *_: None


def _approved_by_nobody(decide: Any) -> None:
    decide._Facts._approved = lambda *_: decide.Approved.YES


def _any_hash(decide: Any) -> None:
    approved = decide._Facts._approved

    def careless(self: Any, each: Any) -> Any:
        said = approved(self, each)
        return decide.Approved.YES if said == decide.Approved.DIFFERENT else said

    decide._Facts._approved = careless


def _useful_for_ever(gate: Any) -> None:
    gate._useful = lambda *_: None


def _never_missed(due: Any) -> None:
    due.close_missed = lambda **_: 0


def _the_last_receipt_wins(states: Any) -> None:
    def after_receipt(before: Any, status: str) -> Any:
        rank = states.RANK.get(status.lower())
        return before if rank is None else states._meaning(rank)

    states.after_receipt = after_receipt


def _deaf_to_stop(words: Any) -> None:
    read = words.read

    def deaf(text: str, *more: Any, **named: Any) -> Any:
        reading = read(text, *more, **named)
        return read("ok thanks") if reading.kind.revokes else reading

    words.read = deaf


def _sent_before_the_call(decide: Any) -> None:
    mark = decide._mark_sending

    def too_sure(going: Any, **more: Any) -> None:
        mark(going, **more)
        these, ids = decide.among("id", [each.pk for each in going])
        if ids:
            decide.change(f"UPDATE aftercare_message SET state = 'accepted' WHERE {these}", ids)
            sent, ids = decide.among("message_id", [each.pk for each in going])
            decide.change(f"UPDATE aftercare_attempt SET state = 'accepted' WHERE state = 'sending' AND {sent}", ids)

    decide._mark_sending = too_sure


def _nobody_doubts(due: Any) -> None:
    due.doubt_silent = lambda **_: 0


def _everybody_agrees(decide: Any) -> None:
    of = decide._Facts.of
    decide._Facts.of = lambda self, each: replace(of(self, each), grant="active", confirmed=True)


MUTATIONS: Mapping[str, Mapping[str, Change]] = {
    "a slow machine": {f"{SEND}.decide": _slow_decision, f"{SEND}.shift": _slow_call},
    "no lock of the standing": {f"{SEND}.decide": _without_the_lock},
    "decided by stale facts": {f"{SEND}.shift": _with_stale_facts},
    "no second look at the clock": {"worker.channels.base": _without_the_second, f"{SEND}.shift": _slow_call},
    "what fell silent is sent again": {f"{SEND}.due": _resend_blindly},
    "no answer means not sent": {"worker.channels.http": _no_answer_is_not_sent},
    "a 5xx means not sent": {"worker.channels.sms": _a_5xx_is_not_sent},
    "no unique occasion": {"worker.actions.course.plan": _any_number_of_occasions},
    "not marked before the call": {f"{SEND}.decide": _call_before_marking},
    "no look at the hours": {"worker.rules.gate": _at_any_hour},
    "no look at the approval": {f"{SEND}.decide": _approved_by_nobody},
    "no look at the approved hash": {f"{SEND}.decide": _any_hash},
    "no last useful moment": {"worker.rules.gate": _useful_for_ever, f"{SEND}.due": _never_missed},
    "the last receipt wins": {"worker.rules.states": _the_last_receipt_wins},
    "deaf to STOP": {"worker.rules.words": _deaf_to_stop},
    "written as sent before the call": {f"{SEND}.decide": _sent_before_the_call},
    "nobody doubts the silent": {f"{SEND}.due": _nobody_doubts},
    "no look at the consent": {f"{SEND}.decide": _everybody_agrees},
}


def install(name: str) -> None:
    """Take this guard out of the present process; nothing of ours must have been imported there yet."""
    inside.change(MUTATIONS[name])
