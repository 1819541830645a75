"""The checker by itself: of one good run it says nothing, and every way to break a promise is found and named."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.soak import checker, evidence
from tests.soak.checker import COUNTS, judge
from tests.soak.evidence import Commit, Evidence

TEN = datetime(2027, 3, 3, 10, tzinfo=ZoneInfo("America/New_York")).timestamp()
PHONE, DOCUMENT, BODY = "+12205550100", "{}", "Keep it clean."
ATTEMPT, SID = "a" * 32, "SM1"
AHEAD = 1000.0  # seconds by which the calendar stands before the machine
NOW = TEN - AHEAD  # machine time


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def create(at=NOW, attempt=ATTEMPT, sid=SID, to=PHONE, body=BODY):
    """One text as the provider took it."""
    params = {"To": to, "Body": body, "StatusCallback": f"http://127.0.0.1/hooks/twilio/status?d={attempt}"}
    return {"kind": "create", "accepted": True, "at": at, "sid": sid, "params": params}


def receipt(status, sid=SID, done=NOW):
    """One report that we thanked for."""
    return {
        "kind": "callback",
        "sid": sid,
        "params": {"MessageStatus": status},
        "answer": {"status": 204},
        "done": done,
    }


def a_good_run():
    """Alice agreed, the version is approved, one text was decided at ten and arrived."""
    message = {
        "id": 1, "client_id": 7, "standing_id": 3, "channel": "sms", "purpose": "aftercare", "cls": "course",
        "kind": "", "state": "delivered", "reason": "", "due_at": TEN, "expires_at": TEN + 3600, "occasion": "o",
        "version_id": 5, "step": "day-1", "treatment_id": 9, "appointment_id": None, "generation": 1,
    }  # fmt: skip
    return Evidence(
        log=[create(), receipt("delivered")],
        people={7: {"id": 7, "phone": PHONE, "email": "alice@example.com", "zone": "America/New_York",
                    "agrees": []}},
        steps=[(NOW - 5000, AHEAD)],
        messages={1: message},
        attempts={ATTEMPT: {"id": ATTEMPT, "message_id": 1, "state": "accepted", "decided_at": TEN - 0.1,
                            "body_sha256": sha(BODY)}},
        decided={ATTEMPT: Commit(10, NOW - 0.05)},
        told={1},
        ledger={(7, 3, "aftercare"): [(Commit(1, NOW - 4000), "given")]},
        approvals={5: [{"sha256": sha(DOCUMENT), "approved_at": TEN - 9000, "review_by": TEN + 9e6,
                        "withdrawn_at": float("inf")}]},
        documents={5: DOCUMENT},
    )  # fmt: skip


def lost(run):
    run.messages[1]["state"] = "sending"
    del run.log[1]


def silent(run):
    run.told.clear()


def never_seen(run):
    run.log.clear()


def never_planned(run):
    run.people[7]["agrees"] = [("sms", "reminders")]


def rang_twice(run):
    run.log.append(create(at=NOW + 60, sid="SM2"))


def planned_twice(run):
    run.messages[2] = run.messages[1] | {"id": 2, "occasion": "another"}
    run.attempts["b" * 32] = run.attempts[ATTEMPT] | {"message_id": 2}
    run.decided["b" * 32] = Commit(11, NOW)
    run.told.add(2)
    run.log += [create(attempt="b" * 32, sid="SM2"), receipt("delivered", "SM2")]


def revoked_first(run):
    run.ledger[7, 3, "aftercare"].append((Commit(9, NOW - 0.06), "revoked"))


def closed_first(run):
    run.stops[3] = [Commit(9, NOW - 0.06)]


def held_first(run):
    run.holds[3] = [Commit(9, NOW - 0.06)]


def late_past_a_stop(run):
    run.attempts[ATTEMPT]["decided_at"] = TEN - 5
    run.ledger[7, 3, "aftercare"].append((Commit(11, NOW - 2), "revoked"))


def said_stop(run):
    run.log[:0] = [
        {"kind": "inbound", "sid": "IN", "phone": PHONE, "body": "Stop please"},
        {"kind": "inbound_hook", "sid": "IN", "answer": {"status": 200}, "done": NOW - 4},
    ]


def no_consent(run):
    run.ledger.clear()


def other_purpose(run):
    run.ledger = {(7, 3, "reminders"): [(Commit(1, NOW - 4000), "given")]}


def undecided(run):
    run.decided.clear()


def no_approval(run):
    run.approvals.clear()


def withdrawn(run):
    run.approvals[5][0]["withdrawn_at"] = TEN - 60


def tampered(run):
    run.documents[5] = "{other}"


def other_words(run):
    run.log[0]["params"]["Body"] = "Something else."


def at_night(run):
    run.steps = [(NOW - 5000, AHEAD + 10 * 3600)]
    run.messages[1]["expires_at"] += 1e6
    run.attempts[ATTEMPT]["decided_at"] += 10 * 3600


def leapt_into_the_night(run):
    run.steps = [(NOW - 5000, AHEAD), (NOW - 1, AHEAD + 10 * 3600)]
    run.messages[1]["expires_at"] += 1e6
    run.attempts[ATTEMPT]["decided_at"] += 10 * 3600


def too_late(run):
    run.messages[1]["expires_at"] = TEN - 10


def unexplained(run):
    run.log.append(create(attempt="c" * 32, sid="SM3"))


def somebody_else(run):
    run.log[0]["params"]["To"] = "+12205550199"


def gone_back(run):
    run.messages[1]["state"] = "accepted"


def said_again_after_a_restore(run):
    run.lost = (NOW - 500, NOW - 100)
    run.log.insert(0, create(at=NOW - 200, attempt="d" * 32, sid="SM4"))


def forgot_a_click_in_a_restore(run):
    run.lost = (NOW - 500, NOW - 100)
    run.acts = [{"kind": "desk", "client": 7, "began": NOW - 300, "ended": NOW - 299}]


BROKEN = {
    "lost": (lost, silent, never_seen, never_planned),
    "doubled": (rang_twice, planned_twice, said_again_after_a_restore),
    "after stop": (revoked_first, closed_first, held_first, late_past_a_stop, said_stop, forgot_a_click_in_a_restore),
    "without consent": (no_consent, other_purpose, undecided),
    "unapproved": (no_approval, withdrawn, tampered, other_words),
    "out of hours": (at_night, leapt_into_the_night), "outdated": (too_late,),
    "astray": (unexplained, somebody_else), "untrue": (gone_back,),
}  # fmt: skip


def test_a_good_run_is_acquitted():
    """Nothing is found where nothing is wrong."""
    verdict = judge(a_good_run())
    assert verdict.faults == []
    assert (dict(verdict.sent), verdict.late["course"]) == ({"course": 1}, [0.0])


@pytest.mark.parametrize(("count", "mistake"), [(count, each) for count, all_ in BROKEN.items() for each in all_])
def test_every_broken_promise_is_found_and_named(count, mistake):
    """P1 to P6: each way to break one is counted under its own name."""
    run = a_good_run()
    mistake(run)
    assert judge(run).counts() == dict.fromkeys(COUNTS, 0) | {count: 1}


@pytest.mark.parametrize("module", [checker, evidence], ids=lambda module: module.__name__)
def test_the_checker_shares_no_code_with_what_it_judges(module):
    """It imports the standard library, the database's driver and its own evidence: nothing of worker/ or config/."""
    tree = ast.parse(inspect.getsource(module))
    names = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names} <= {
        "psycopg", "tests.soak.evidence",
    }  # fmt: skip


def test_every_count_can_be_anything_but_zero():
    """No count that nothing can raise."""
    assert set(BROKEN) == set(COUNTS)


def test_what_left_in_the_time_that_a_restore_lost_is_counted_apart():
    """What the restored copy can't know is no fault of its own, and is told; the same at any other time is."""
    run = a_good_run()
    run.log.append(create(at=NOW + 60, attempt="d" * 32, sid="SM4"))
    run.lost = (NOW + 50, NOW + 70)
    verdict = judge(run)
    assert (verdict.faults, verdict.unrecovered) == ([], 1)
    run.lost = (NOW + 70, NOW + 80)
    assert judge(run).counts()["astray"] == 1


def test_a_report_that_came_in_the_lost_time_is_known_to_nobody():
    """The text had left before the copy was made; that it was delivered was told afterwards, and is lost with it."""
    run = a_good_run()
    run.messages[1]["state"] = "accepted"
    run.lost = (NOW + 10, NOW + 100)
    assert judge(run).counts()["untrue"] == 1
    for each in run.log:
        if each["kind"] == "callback":
            each["done"] = NOW + 50
    assert judge(run).counts()["untrue"] == 0


def test_what_the_restore_check_found_at_the_provider_is_a_message_of_ours():
    """P4: found by the provider's id; the same step again is doubled."""
    run = a_good_run()
    run.attempts["e" * 32] = run.attempts.pop(ATTEMPT) | {"worker": "restore", "provider_id": SID}
    run.found, run.lost = {SID: "e" * 32}, (NOW - 10, NOW + 10)
    run.decided.clear()
    assert judge(run).faults == []
    run.attempts["b" * 32] = run.attempts["e" * 32] | {"worker": "w"}
    run.decided["b" * 32] = Commit(11, NOW + 20)
    run.log.append(create(at=NOW + 20, attempt="b" * 32, sid="SM2"))
    assert judge(run).counts()["doubled"] == 1


def test_a_stop_that_commits_after_the_decision_is_none_of_its_business():
    """P2: decided first and begun within its second, a text may arrive after the STOP."""
    run = a_good_run()
    run.ledger[7, 3, "aftercare"].append((Commit(11, NOW - 0.01), "revoked"))
    assert judge(run).faults == []


def test_a_clock_that_was_wrong_excuses_what_it_showed():
    """Rule 140: up to a minute a worker trusts its clock; where it was wrong just then, both moments are allowed."""
    run = a_good_run()
    run.messages[1]["expires_at"] = TEN - 10
    run.attempts[ATTEMPT]["decided_at"] = TEN - 20
    run.skews = [(NOW - 4, NOW - 0.05, -20.0)]
    assert judge(run).faults == []
    run.skews = [(NOW - 40, NOW - 30, -20.0)]
    assert judge(run).counts()["outdated"] == 1


def test_a_lying_clock_does_not_move_the_second():
    """P2: the second runs from the decision's start, or from its commit where our word for the start can't be true."""
    run = a_good_run()
    run.attempts[ATTEMPT]["decided_at"] = TEN + 20
    run.decided[ATTEMPT] = Commit(10, NOW - 5)
    run.ledger[7, 3, "aftercare"].append((Commit(11, NOW - 4), "revoked"))
    assert judge(run).counts()["after stop"] == 1


def test_a_step_of_the_calendar_while_it_travels_is_no_fault_of_ours():
    """P6: what was decided before the calendar leapt into the night was decided by day."""
    run = a_good_run()
    run.steps.append((NOW - 0.5, AHEAD + 10 * 3600))
    assert judge(run).faults == []


def test_an_answer_needs_no_consent_and_only_three_kinds_follow_a_stop():
    """Answers: allowed without consent; after a STOP its confirmation, help and the safety reply alone."""
    run = a_good_run()
    run.ledger.clear()
    run.messages[1] |= {"cls": "answer", "kind": "optin_confirmation"}
    assert judge(run).faults == []
    run.stops[3] = [Commit(9, NOW - 1)]
    assert judge(run).counts()["after stop"] == 1
    run.messages[1]["kind"] = "stop_confirmation"
    assert judge(run).faults == []
