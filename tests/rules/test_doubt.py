"""When a text counts as absent: never by time alone, never before two whole lists, never early (P4, rule 80)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.doubt import (
    NOT_PROVED,
    NOT_READ,
    Empty,
    Ended,
    Known,
    Listed,
    after_absence,
    given_up,
    match,
    next_look,
    worth,
)

T0 = datetime(2027, 1, 12, 15, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=120)
SECONDS = st.integers(0, 4000).map(lambda seconds: timedelta(seconds=seconds))


def listed(**changes):
    """Our text as the provider shows it."""
    usual = {
        "provider_id": "SM1", "body_sha256": "a" * 64, "sender": "+12125550100", "service": "", "at": T0,
        "status": "sent",
    }  # fmt: skip
    return Listed(**(usual | changes))


def known(**changes):
    """What we know of the attempt."""
    return Known(**({"body_sha256": "a" * 64, "decided_at": T0, "senders": {"+12125550100"}} | changes))


@given(looks=st.lists(SECONDS, min_size=1, max_size=12), over=SECONDS)
def test_absence_needs_two_whole_lists_late_enough_after_the_proof(looks, over):
    """Rule 80: whatever the moments, the list that ends a doubt was begun 240 s after the proof, one 120 s before."""
    empty_at = None
    for look in sorted(looks):
        told = worth(asked_at=T0 + look, over_at=T0 + over, empty_at=empty_at, patience=PATIENCE)
        if told == Empty.FIRST:
            assert look >= over + PATIENCE
            empty_at = T0 + look
        elif told == Empty.SECOND:
            assert empty_at is not None
            assert empty_at + PATIENCE / 2 <= T0 + look
            assert look >= over + 2 * PATIENCE
            return


@given(look=SECONDS)
def test_without_the_proof_no_list_ever_counts(look):
    """Rule 80: a frozen worker may still write, however long ago it was seen."""
    assert worth(asked_at=T0 + look, over_at=None, empty_at=None, patience=PATIENCE) == Empty.TOO_EARLY


@given(now=SECONDS, over=st.none() | SECONDS, empty=st.none() | SECONDS)
def test_the_next_look_is_never_now(now, over, empty):
    """No round asks a provider twice in one breath."""
    over_at, empty_at = (None if each is None else T0 + each for each in (over, empty))
    at = next_look(now=T0 + now, over_at=over_at, empty_at=empty_at, patience=PATIENCE)
    assert at >= T0 + now + timedelta(seconds=15)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"sender": "", "service": "+12125550100"}, True),
        ({"at": T0 - timedelta(seconds=119)}, True),
        ({"at": T0 - timedelta(minutes=3)}, False),
        ({"at": T0 + timedelta(minutes=16)}, False),
        ({"body_sha256": "b" * 64}, False),
        ({"sender": "+12125550111"}, False),
        ({"provider_id": "SMtaken"}, False),
    ],
)
def test_a_listed_text_is_ours_by_words_sender_and_time(other, same):
    """Rule 80: an older text of the same words, or one that another attempt has, proves nothing."""
    found = match(known(taken={"SMtaken"}), [listed(**other)])
    assert (found is not None) is same


def test_of_two_that_fit_the_older_is_taken():
    """Two clients may share a phone and get the same words: each attempt takes one."""
    first, second = listed(), listed(provider_id="SM2", at=T0 + timedelta(seconds=1))
    assert match(known(), [second, first]) == first
    assert match(known(taken={"SM1"}), [second, first]) == second


@pytest.mark.parametrize(
    ("purpose", "cls", "times", "ended"),
    [
        ("aftercare", "course", 0, Ended.ABSENT),
        ("aftercare", "course", 1, Ended.TWICE),
        ("reminders", "course", 0, Ended.REMINDER),
        ("marketing", "course", 0, Ended.REMINDER),
        ("reminders", "answer", 0, Ended.ABSENT),
    ],
)
def test_what_is_absent_is_sent_once_more_and_a_reminder_never(purpose, cls, times, ended):
    """Rule 80."""
    assert after_absence(purpose=purpose, cls=cls, times_absent=times) == ended


@pytest.mark.parametrize(
    ("after", "over", "failing", "ended"),
    [
        (NOT_PROVED - timedelta(seconds=1), None, False, None),
        (NOT_PROVED, None, False, Ended.WRITER),
        (NOT_PROVED * 3, T0, False, None),
        (NOT_PROVED, None, True, None),
        (NOT_READ, T0, True, Ended.UNREADABLE),
    ],
)
def test_nobody_waits_for_ever(after, over, failing, ended):
    """P5: what can't be proved ends before a person."""
    assert given_up(since=T0, now=T0 + after, over_at=over, failing=failing) == ended
