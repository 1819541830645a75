"""What providers' answers mean (rules 32, 80, 81, 87, 119, 125, 127)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.errors import TWILIO, Effect, Outcome, email_event, no_answer, smtp_reply, twilio_code

A, S, C = Outcome.REFUSED_ADDRESS, Outcome.REFUSED_SENDER, Outcome.REFUSED_CONTENT
L, U, X, OK = Outcome.TRY_LATER, Outcome.UNKNOWN, Outcome.EXPIRED, Outcome.ACCEPTED
NO, SUP, REC, OPEN = Effect.NONE, Effect.SUPPRESS, Effect.RECONFIRM, Effect.OPEN_CIRCUIT
PAGE, TASK, REV = Effect.PAGE_OPERATOR, Effect.STAFF_TASK, Effect.REVIEW

CODES = [
    *((20003, 401, S, OPEN), (20429, 429, L, NO), (20500, 500, U, NO), (20503, 503, U, NO), (21211, 400, A, TASK)),
    *((21212, 400, S, OPEN), (21603, 400, S, OPEN), (21606, 400, S, OPEN), (21659, 400, S, OPEN)),
    *((21408, 403, S, PAGE), (21602, 400, C, PAGE), (21617, 400, C, PAGE), (21608, 400, S, PAGE)),
    *((21610, 400, A, SUP), (21611, 400, L, NO), (21612, 400, A, TASK), (21614, 400, A, TASK), (21635, 400, A, TASK)),
    *((21703, 400, S, OPEN), (30001, 200, L, NO), (30002, 200, S, OPEN), (30003, 200, L, REV), (30004, 200, A, REV)),
    *((30005, 200, A, REC), (30006, 200, A, TASK), (30007, 200, C, NO), (30008, 200, L, NO), (30032, 200, S, OPEN)),
    *((30034, 200, S, OPEN), (30036, 200, X, NO), (30450, 200, S, PAGE), (30610, 200, L, NO), (30640, 200, A, SUP)),
]


@pytest.mark.parametrize(("code", "status", "outcome", "effect"), CODES)
def test_each_known_code_has_its_outcome_and_effect(code, status, outcome, effect):
    """Rule 87: the table of codes, one line each; the raw code is kept."""
    verdict = twilio_code(code, status)
    assert (verdict.outcome, verdict.effect, verdict.code) == (outcome, effect, str(code))


def test_the_table_is_tested_whole_and_each_line_has_its_source_mark():
    """Rule 87: no code slips in untested or unsourced."""
    assert {code for code, *_ in CODES} == set(TWILIO)
    assert {verdict.source[:3] for verdict in TWILIO.values()} <= {"C: ", "S: ", "O: "}


@pytest.mark.parametrize(("code", "tries", "after"), [(30001, 2, 1), (30003, 1, 3), (30008, 1, 1), (21611, None, 1)])
def test_a_failed_delivery_is_tried_again_at_most_so_often(code, tries, after):
    """Rule 88: one more ring at most for an unreachable handset; three in a row bring a review."""
    verdict = twilio_code(code, 200)
    assert (verdict.tries, verdict.after) == (tries, after)


HTTP = [
    *((None, 201, OK, NO), (99999, 201, OK, NO), (None, 200, OK, NO), (0, 201, OK, NO), (None, 204, OK, NO)),
    *((None, 429, L, NO), (99999, 429, L, NO), (21610, 429, L, NO)),
    *((None, 500, U, NO), (21610, 500, U, NO), (20003, 503, U, NO), (None, 599, U, NO), (None, 302, U, NO)),
    *((None, 401, S, OPEN), (None, 403, S, OPEN), (None, 404, S, OPEN), (20003, 403, S, OPEN)),
    *((None, 400, C, PAGE), (None, 418, C, PAGE), (None, 100, U, NO), (None, 0, U, NO)),
]


@pytest.mark.parametrize(("code", "status", "outcome", "effect"), HTTP)
def test_the_http_class_decides_what_the_code_cannot(code, status, outcome, effect):
    """Rules 80, 81: 201 is sent, 429 was never processed, every 5xx is ambiguous even under a known code."""
    verdict = twilio_code(code, status)
    assert (verdict.outcome, verdict.effect) == (outcome, effect)


@given(st.integers(1, 10**9).filter(lambda code: code not in TWILIO), st.integers(100, 599).filter(lambda s: s != 429))
def test_a_code_nobody_knows_is_never_tried_again_by_itself(code, status):
    """Rule 87, P4: e.g. 99999; the raw code stays for the operator."""
    verdict = twilio_code(code, status)
    assert verdict.outcome is not Outcome.TRY_LATER
    assert verdict.code == str(code)


@given(st.one_of(st.none(), st.integers(-5, 99999)), st.integers(500, 599))
def test_a_server_error_is_always_reconciled(code, status):
    """P4, rule 81: a 5xx may have sent the text; nothing but a look at the provider settles it."""
    assert twilio_code(code, status).outcome is Outcome.UNKNOWN


def test_only_a_call_that_left_no_byte_may_be_repeated():
    """Rules 81, 119: connect refused is safe, a lost answer is not."""
    assert no_answer(bytes_left=False).outcome is Outcome.TRY_LATER
    assert no_answer(bytes_left=True).outcome is Outcome.UNKNOWN


REPLIES = [
    *((250, "2.0.0 OK queued as 4F3", OK, NO), (250, "Ok", OK, NO), (251, "User not local; will forward", OK, NO)),
    *((550, "5.1.1 The email account does not exist", A, SUP), (550, "5.1.1 <a@b.c>: inconnu", A, SUP)),
    *((550, "5.1.2 bad domain", A, SUP), (553, "5.1.3 bad syntax", A, SUP), (551, "5.1.6 moved", A, SUP)),
    *((550, "550-5.1.1 The account\n550-5.1.1 does not exist\n550 5.1.1 see help", A, SUP),),
    *((550, "Requested action not taken\n5.1.1 Benutzer unbekannt", A, SUP), (550, "no such box. (#5.1.1)", A, SUP)),
    *((550, "#5.1.1 no mailbox here", A, SUP), (550, "5.2.1 mailbox disabled", A, SUP)),
    *((552, "5.2.2 mailbox full", L, NO), (452, "4.2.2 over quota", L, NO), (550, "5.2.2 Buzón lleno", L, NO)),
    *((554, "5.2.2 mailbox full", L, NO), (552, "5.3.4 message too big", C, PAGE), (554, "5.6.0 bad content", C, PAGE)),
    *((554, "5.6.7 international headers", C, PAGE), (552, "5.2.3 too long for this box", C, PAGE)),
    *((550, "5.7.1 blocked for spam", S, PAGE), (550, "5.7.515 Access denied, DMARC", S, PAGE)),
    *(
        (550, "5.7.26 unauthenticated sender", S, PAGE),
        (554, "5.7.0 policy", S, PAGE),
        (553, "5.1.8 bad sender", S, PAGE),
    ),
    *((550, "5.1.7 sender syntax", S, PAGE), (535, "5.7.8 bad credentials", S, OPEN), (530, "login first", S, OPEN)),
    *((535, "authentication failed", S, OPEN), (501, "5.5.4 bad argument", C, PAGE), (503, "bad sequence", C, PAGE)),
    *((421, "4.7.0 try again later", L, NO), (421, "closing", L, NO), (450, "4.7.1 greylisted", L, NO)),
    *((451, "4.3.0 local error", L, NO), (450, "mailbox busy", L, NO), (450, "5.1.1 unverified", L, NO)),
    *((499, "?", L, NO), (550, "No such user here", A, TASK), (550, "Пользователь не найден", A, TASK)),
    *((550, "5.4.1 recipient access denied", A, TASK), (554, "no", A, TASK), (599, "", A, TASK)),
    *((550, "rejected by mailer 5.1.1 of vendor", A, TASK), (550, "host 5.1.1.7 refuses", A, TASK)),
    *((354, "go on", U, NO), (0, "", U, NO), (777, "x", U, NO)),
]


@pytest.mark.parametrize(("code", "text", "outcome", "effect"), REPLIES)
def test_each_smtp_reply_has_its_outcome_and_effect(code, text, outcome, effect):
    """Rule 125: enhanced code first, else the class digit; several lines, any language."""
    verdict = smtp_reply(code, text)
    assert (verdict.outcome, verdict.effect) == (outcome, effect)


def test_a_disabled_mailbox_is_suppressed_at_the_second_reply():
    """Rule 125: 5.2.1 after two, 5.1.1 at once."""
    assert smtp_reply(550, "5.2.1 disabled").after == 2
    assert smtp_reply(550, "5.1.1 unknown").after == 1


@pytest.mark.parametrize(
    ("code", "text", "slow"), [(421, "bye", True), (450, "4.7.28 rate", True), (450, "4.2.1 busy", False)]
)
def test_a_domain_that_asks_for_patience_is_slowed_down(code, text, slow):
    """Rule 125: 421 and 4.7.x slow the domain down."""
    assert smtp_reply(code, text).slow_down is slow


@given(st.integers(0, 999), st.integers(0, 999), st.text(max_size=20))
def test_policy_never_suppresses_a_client(code, detail, words):
    """Rule 125: whatever the reply code, x.7.x is about us."""
    for klass in (2, 4, 5):
        verdict = smtp_reply(code, f"{klass}.7.{detail} {words}")
        assert verdict.effect is not Effect.SUPPRESS
        assert verdict.outcome is not Outcome.REFUSED_ADDRESS


@given(st.integers(0, 999), st.text(max_size=60))
def test_a_verdict_never_carries_the_replys_words(code, text):
    """P9: a reply quotes the address; the verdict keeps digits and dots only."""
    assert set(smtp_reply(code, text).code) <= set("0123456789. ")


EVENTS = [
    *(("queued", None, OK, NO), ("sent", None, OK, NO), ("delivered", None, OK, NO), ("deferred", None, OK, NO)),
    *(
        ("opened", None, OK, NO),
        ("clicked", None, OK, NO),
        ("autoresponded", None, OK, NO),
        ("subscribed", None, OK, NO),
    ),
    *(("complained", None, OK, SUP), ("unsubscribed", None, OK, SUP), ("complained", "spam", OK, SUP)),
    *(("bounced", "invalid", A, SUP), ("bounced", "bounced", A, SUP), ("bounced", "blocked", S, PAGE)),
    *(("bounced", "timed_out", X, NO), ("bounced", None, A, SUP), ("bounced", "other", A, SUP)),
    *(("rejected", "unsubscribed", A, SUP), ("rejected", "spam", A, SUP), ("rejected", "blocked", S, PAGE)),
    *(("rejected", None, A, TASK), ("failed", None, C, PAGE), ("unknown", None, U, PAGE), ("inbound", None, U, PAGE)),
]


@pytest.mark.parametrize(("event", "reason", "outcome", "effect"), EVENTS)
def test_each_mail_event_has_its_outcome_and_effect(event, reason, outcome, effect):
    """Rules 125, 127: complaints suppress at once, a policy bounce never does."""
    verdict = email_event(event, reason)
    assert (verdict.outcome, verdict.effect) == (outcome, effect)
    assert verdict.code.startswith(event)


def test_a_bounce_without_a_reason_needs_a_second_one():
    """Rule 125: an unexplained bounce may be passing."""
    assert email_event("bounced").after == 2
    assert email_event("bounced", "invalid").after == 1
