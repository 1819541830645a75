"""What answers a reminder, and what is only nearly that (P7, anchors C4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.visit_words import ANOTHER_TIME, CONFIRM, visit_word
from worker.rules.words import Word, read


@pytest.mark.parametrize(
    "text",
    [
        "CONFIRM",
        "Confirm!",
        "c",
        "Yes, confirm",
        "ok confirmed thanks",
        "Confirmo",
        "Sí, confirmo.",
        "I'll be there",
        "Allí estaré",
    ],
)
def test_she_comes(text):
    """P7: in both languages, with the usual courtesies."""
    assert read(text).kind is Word.CONFIRM


@pytest.mark.parametrize(
    "text",
    [
        "CHANGE",
        "change please",
        "can we reschedule?",
        "Otra hora",
        "otro día por favor",
        "CAMBIAR",
        "¿Puedo cambiar la cita?",
    ],
)
def test_she_wants_another_time(text):
    """P7: a question is a wish too."""
    assert read(text).kind is Word.ANOTHER_TIME


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("stop, confirm", Word.STOP), ("confirm stop", Word.STOP), ("cancel", Word.CANCEL_STOP), ("yes", Word.YES),
        ("cancel my appointment", Word.CANCEL_STOP), ("change, and stop texting me", Word.STOP), ("START", Word.START),
        ("no cambiar nada, basta", Word.STOP),
    ],
)  # fmt: skip
def test_neither_is_ever_a_stop_or_a_start(text, kind):
    """P2, P7: what revokes is read first, whatever stands beside it; YES and START stay what they are."""
    assert read(text).kind is kind


@pytest.mark.parametrize(
    "text",
    [
        "confirm?",
        "do not change",
        "confirm 10",
        "I can't confirm",
        "not confirmed",
        "change me",
        "change your tone",
        "confirm another time",
        "",
        "🖕 confirm",
    ],
)
def test_what_is_only_nearly_an_answer_is_none(text):
    """P7: nobody's visit is confirmed by a question, a "not" or a number."""
    assert visit_word(text) is None


@given(st.sampled_from(sorted(CONFIRM | ANOTHER_TIME)), st.sampled_from(["stop", "STOP.", "unsubscribe", "quit"]))
def test_with_a_stop_beside_it_it_always_revokes(phrase, stop):
    """P2: over every phrase of ours, before and after it, as a clause of its own."""
    said = " ".join(phrase)
    assert read(f"{stop}. {said}").kind.revokes
    assert read(f"{said}. {stop}").kind.revokes


@given(st.sampled_from(sorted(CONFIRM | ANOTHER_TIME)))
def test_no_phrase_of_ours_is_consent(phrase):
    """P1: none of them reads as YES or START, which would answer an opt-in question."""
    assert read(" ".join(phrase)).kind in (Word.CONFIRM, Word.ANOTHER_TIME)
