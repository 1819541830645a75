"""Which words a provider has answered already: then we don't, and for every other word we do (rules 18, 23, 31)."""

from __future__ import annotations

import pytest

from worker.rules.provider_words import answered_help, answered_stop
from worker.rules.words import TWILIO_HELP, TWILIO_STOP, Word, read


@pytest.mark.parametrize("word", sorted(TWILIO_STOP))
@pytest.mark.parametrize("dress", ["{}", " {} ", "{}.", "{}!", '"{}"', "{}\n"])
def test_a_word_of_its_list_alone_is_answered_by_the_provider(word, dress):
    """Rule 23: in any case, and in doubt about a full stop the provider has it: never two confirmations."""
    for said in (word, word.lower(), word.title()):
        assert answered_stop(dress.format(said), "")
        assert read(dress.format(said)).kind.revokes


@pytest.mark.parametrize(
    "body", ["basta", "stpo", "parar", "arrêt", "opt out", "STOP please", "s.t.o.p", "ＳＴＯＰ", "🛑"]
)
def test_a_stop_that_it_does_not_know_is_ours_to_confirm(body):
    """Rules 18, 23: it revokes here, and nobody else says so."""
    assert read(body).kind.revokes
    assert not answered_stop(body, "")


@pytest.mark.parametrize("said", ["STOP", "stop", " Stop "])
def test_its_own_verdict_counts_whatever_was_written(said):
    """Rule 24: OptOutType tells that it answered."""
    assert answered_stop("basta", said)
    assert not answered_stop("basta", "HELP")


@pytest.mark.parametrize("word", sorted(TWILIO_HELP))
def test_help_words_of_its_list(word):
    """Rule 31: HELP and INFO are answered there, AYUDA is not."""
    assert answered_help(f" {word.lower()}? ", "")
    assert answered_help("?", "HELP")
    assert read("ayuda").kind is Word.HELP
    assert not answered_help("ayuda", "")
