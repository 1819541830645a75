"""Misspelt words that matter are known again, and real words are left alone (rule 17)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.lexicons import EVERY
from worker.rules.spelling import LONG, mended

TARGETS = EVERY.misspelt
LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("sttop", "stop"),
        ("syop", "stop"),
        ("unsubscrieb", "unsubscribe"),
        ("abemlden", "abmelden"),
        ("bsata", "basta"),
        ("sto", "sto"),
        ("strange", "strange"),
        ("", ""),
    ],
)
def test_one_slip_is_mended_two_in_a_long_word(word, meant):
    """Rule 17: too many, too few, another, or two swapped letters."""
    assert mended(word, TARGETS) == meant


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(TARGETS)), st.data())
def test_any_single_slip_in_a_long_word_is_mended(target, data):
    """Rule 17: wherever the thumb slips, a long word comes out as a target and not as written."""
    if len(target) < LONG:
        return
    at = data.draw(st.integers(0, len(target) - 1))
    slipped = data.draw(
        st.sampled_from(
            [
                target[:at] + target[at + 1 :],
                target[:at] + data.draw(LETTERS) + target[at:],
                target[:at] + data.draw(LETTERS) + target[at + 1 :],
            ]
        )
    )
    assert mended(slipped, TARGETS) in TARGETS
