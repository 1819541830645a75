"""The provider counts parts by itself (rules 104 and 107)."""

from __future__ import annotations

import pytest

from worker.sandbox.provider.segments import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),
        ("é" * 160, 1),
        ("ê" * 70, 1),
        ("ê" * 71, 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("👍" * 67, 3),
        ("a" * 159 + "[", 2),
        *[(mark * 71, 2) for mark in "ç`’“—…\t\u00a0"],
        *[(mark * 160, 1) for mark in "Çèéàñäöüß"],
    ],
)
def test_the_vectors_of_rule_104(text, parts):
    """Rule 104: 160/153 and 70/67; a pair is never split over two parts."""
    assert segments(text) == parts
