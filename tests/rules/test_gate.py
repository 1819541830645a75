"""The gate over all combinations of its facts: Go only if everything allows it (P1-P3, P6, P7, rule 1, 51)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.gate import AFTER_STOP, Approved, Caps, Facts, Go, Later, Reason, Stop, decide, free_from
from worker.rules.names import AnswerKind, MessageClass
from worker.rules.states import State, may

NOW = datetime(2027, 1, 12, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPENING = {AnswerKind.OPTIN_QUESTION: "pending", AnswerKind.OPTIN_CONFIRMATION: "active"}
BY_CONSENT = OPENING | {AnswerKind.STAFF_REPLY: "active"}
GRANTS = (None, "pending", "active", "revoked", "expired", "needs_reconfirmation")
ALL_WELL = {
    "cls": MessageClass.COURSE, "kind": "", "expires_at": NOW + 9 * HOUR, "current": True, "grant": "active",
    "confirmed": True, "suppressed": None, "held": False, "approved": Approved.YES, "paused": False, "recent": (),
}  # fmt: skip
SPACE = {
    "cls": (MessageClass.COURSE, MessageClass.STAFF),
    "expires_at": (NOW - HOUR, NOW, NOW + 9 * HOUR),
    "current": (True, False),
    "grant": GRANTS,
    "confirmed": (True, False),
    "suppressed": (None, "keyword"),
    "held": (True, False),
    "approved": tuple(Approved),
    "paused": (True, False),
    "conversing": (True, False),
    "recent": ((), (NOW - HOUR,)),
    "opening": (NOW, NOW + HOUR, None),
}


def _decide(opening=NOW, **facts):
    return decide(Facts(**{**ALL_WELL, **facts}), lambda: opening, NOW)


def test_a_course_message_goes_only_if_every_fact_allows_it():
    """P1-P3, P6, P7, rules 1, 53: all combinations; Go exactly where nothing at all stands against it, in no emergency.

    Staff agreed for themselves, and are called at any hour: a warning sign does not wait for the morning (rule 41).
    """
    for values in product(*SPACE.values()):
        facts = dict(zip(SPACE, values, strict=True))
        allowed = (
            facts["expires_at"] > NOW
            and facts["grant"] == "active"
            and facts["suppressed"] is None
            and not facts["held"]
            and facts["approved"] is Approved.YES
            and not facts["paused"]
        ) and (
            facts["cls"] == MessageClass.STAFF
            or (
                facts["current"]
                and facts["confirmed"]
                and not facts["conversing"]
                and not facts["recent"]
                and facts["opening"] == NOW
            )
        )
        assert isinstance(_decide(**facts), Go) is allowed, facts


ANSWERS = {**SPACE, "cls": (MessageClass.ANSWER,), "kind": tuple(AnswerKind)}


def test_an_answer_needs_no_consent_but_an_approved_text_and_its_time():
    """Classes of message: exempt from hours, caps and grants; after STOP only what she asked for may leave.

    What opens a course needs a consent, the question one that waits for it, as does what a person writes by hand; all
    three stay at home while the address is held.
    A STOP that was taken back is confirmed no more (rule 22).
    """
    for values in product(*ANSWERS.values()):
        facts = dict(zip(ANSWERS, values, strict=True))
        allowed = (
            facts["expires_at"] > NOW
            and facts["approved"] is Approved.YES
            and not facts["paused"]
            and (facts["suppressed"] is None or facts["kind"] in AFTER_STOP)
            and not (facts["suppressed"] is None and facts["kind"] == AnswerKind.STOP_CONFIRMATION)
            and facts["grant"] == BY_CONSENT.get(facts["kind"], facts["grant"])
            and not (facts["kind"] in BY_CONSENT and facts["held"])
        )
        assert isinstance(_decide(**facts), Go) is allowed, facts


def test_every_way_to_stop_is_a_legal_state_with_a_reason():
    """P5, P8: no combination ends outside the states, or in a state that a planned message may not take."""
    for space in (SPACE, ANSWERS):
        for values in product(*space.values()):
            verdict = _decide(**dict(zip(space, values, strict=True)))
            if isinstance(verdict, Stop):
                assert may(State.PLANNED, verdict.state)
                assert isinstance(verdict.reason, Reason)
            if isinstance(verdict, Later):
                assert NOW < verdict.at < NOW + 9 * HOUR


REASONS = [
    ({"expires_at": NOW}, Stop(State.MISSED, Reason.TOO_LATE)),
    ({"approved": Approved.NO}, Stop(State.WITHHELD, Reason.NOT_APPROVED)),
    ({"approved": Approved.WITHDRAWN}, Stop(State.WITHHELD, Reason.WITHDRAWN)),
    ({"approved": Approved.OVERDUE}, Stop(State.WITHHELD, Reason.REVIEW_OVERDUE)),
    ({"approved": Approved.DIFFERENT}, Stop(State.WITHHELD, Reason.CHANGED)),
    ({"grant": None}, Stop(State.WITHHELD, Reason.NO_CONSENT)),
    ({"grant": "pending"}, Later(NOW + timedelta(minutes=5), Reason.PENDING)),
    ({"grant": "pending", "expires_at": NOW + timedelta(minutes=5)}, Stop(State.MISSED, Reason.PENDING)),
    ({"grant": "revoked"}, Stop(State.WITHHELD, Reason.REVOKED)),
    ({"grant": "expired"}, Stop(State.WITHHELD, Reason.EXPIRED_CONSENT)),
    ({"grant": "needs_reconfirmation"}, Stop(State.WITHHELD, Reason.RECONFIRM)),
    ({"suppressed": "legal"}, Stop(State.WITHHELD, Reason.SUPPRESSED)),
    ({"current": False}, Stop(State.CANCELLED, Reason.SUPERSEDED)),
    ({"held": True}, Stop(State.HELD, Reason.ON_HOLD)),
    ({"confirmed": False}, Later(NOW + timedelta(minutes=1), Reason.UNCONFIRMED)),
    ({"confirmed": False, "expires_at": NOW + timedelta(seconds=59)}, Stop(State.MISSED, Reason.UNCONFIRMED)),
    ({"paused": True}, Stop(State.HELD, Reason.PAUSED)),
    ({"recent": (NOW - HOUR,)}, Later(NOW + 3 * HOUR, Reason.CAP)),
    ({"recent": (NOW - HOUR,), "expires_at": NOW + 3 * HOUR}, Stop(State.MISSED, Reason.CAP)),
    ({"opening": NOW + HOUR}, Later(NOW + HOUR, Reason.QUIET_HOURS)),
    ({"opening": NOW + 9 * HOUR}, Stop(State.MISSED, Reason.QUIET_HOURS)),
    ({"opening": None}, Stop(State.MISSED, Reason.QUIET_HOURS)),
    ({"cls": MessageClass.ANSWER, "suppressed": "x", "kind": AnswerKind.START_CONFIRMATION},
     Stop(State.WITHHELD, Reason.REVOKED)),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "verdict"), REASONS, ids=lambda value: str(value)[:60])
def test_each_reason_by_itself(facts, verdict):
    """P8: one fact out of order gives exactly its own reason."""
    assert _decide(**facts) == verdict


@pytest.mark.parametrize("later", [{"held": True}, {"paused": True}, {"opening": NOW + HOUR}, {"confirmed": False}])
@pytest.mark.parametrize("ending", [{"grant": "revoked"}, {"approved": Approved.WITHDRAWN}, {"suppressed": "keyword"}])
def test_what_ends_a_message_comes_before_what_only_delays_it(ending, later):
    """P2, P3: a revocation is never hidden behind a pause or the night."""
    verdict = _decide(**ending, **later)
    assert isinstance(verdict, Stop)
    assert verdict.state == State.WITHHELD


def test_the_hours_are_asked_last_and_only_if_needed():
    """The dearest question: not asked for a message that does not go anyway, nor for an answer."""

    def never():
        raise AssertionError("the hours were asked")

    for facts in ({"grant": None}, {"held": True}, {"paused": True}, {"recent": (NOW,)}, {"cls": MessageClass.ANSWER}):
        decide(Facts(**{**ALL_WELL, **facts}), never, NOW)


MOMENTS = st.lists(st.integers(1, 7 * 24 * 60), max_size=15).map(
    lambda ago: [NOW - timedelta(minutes=minutes) for minutes in sorted(ago, reverse=True)]
)


@given(recent=MOMENTS)
def test_one_more_at_the_free_moment_keeps_every_cap(recent):
    """Rule 51: in any window of four hours, a day or a week that ends there; and a minute earlier would break one."""
    free = free_from(recent, NOW, Caps())
    assert _keeps([*recent, free])
    assert free == NOW or not _keeps([*recent, free - timedelta(minutes=1)])


def _keeps(moments):
    last = moments[-1]
    spans = ((timedelta(hours=4), 1), (timedelta(hours=24), 3), (timedelta(days=7), 10))
    return all(sum(last - span < at <= last for at in moments) <= most for span, most in spans)


@given(gaps=st.lists(st.integers(0, 600), min_size=1, max_size=40))
def test_whoever_always_waits_for_the_free_moment_never_breaks_a_cap(gaps):
    """Rule 51: over a whole run of messages, however they come due."""
    sent: list[datetime] = []
    now = NOW
    for minutes in gaps:
        now += timedelta(minutes=minutes)
        now = free_from([at for at in sent if at > now - timedelta(days=7)], now, Caps())
        sent.append(now)
        assert _keeps(sent)
