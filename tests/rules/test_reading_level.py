"""How easily a text reads: the published formulas, on plain and on hard words."""

from __future__ import annotations

import pytest

from worker.rules.reading_level import ease

EASY = "Wash your hands. Keep the skin clean. Call us if it hurts. We are glad to help you."
HARD = (
    "Microneedling-associated hyperpigmentation necessitates immediate dermatological evaluation notwithstanding "
    "institutional contraindications, considering individual susceptibility characteristics."
)
FACIL = "Lave sus manos. Cuide bien su piel. Llame si le duele. Con gusto le ayudamos hoy."


def test_short_words_read_easily_and_long_ones_hard():
    """Flesch: a child's sentence near 100, a specialist's at 0."""
    assert ease(EASY, "en").score >= 90
    assert ease(HARD, "en").score == 0
    assert ease(EASY, "en").plain
    assert not ease(HARD, "en").plain
    assert ease(FACIL, "es").score >= 80


def test_sentences_and_words_are_counted_without_links():
    """A link is no word, and a list entry is a sentence."""
    assert ease(EASY, "en")[1:3] == (18, 4)
    assert ease(f"{EASY} https://x.example/abc.def", "en")[1:3] == (18, 4)


@pytest.mark.parametrize(("text", "language"), [(EASY, "de"), ("Two words", "en"), ("", "en")])
def test_no_formula_or_no_text_gives_no_score(text, language):
    """Better no number than a wrong one."""
    assert ease(text, language) is None
