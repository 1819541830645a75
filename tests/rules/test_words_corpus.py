"""How well clients' words are read, on 1,600 labelled texts in six languages (rules 17, 18; P2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.management.cli import main
from worker.reading.words import HELD_OUT, STOP, TUNING, corpus, scores
from worker.rules.lexicons import LANGUAGES
from worker.rules.refusal import Refusals
from worker.rules.words import Word, read

if TYPE_CHECKING:
    import random

FOLDER = Path(__file__).parents[2] / "templates" / "corpora"
SCORES = scores(FOLDER)
REVOCATIONS = [row.text for language in LANGUAGES for row in corpus(FOLDER, language) if row.label == STOP]


@pytest.mark.parametrize("score", SCORES, ids=lambda score: f"{score.language}-{score.half}")
def test_no_revocation_is_ignored_and_few_harmless_texts_trouble_anyone(score):
    """P2, rule 17: ignored 0; 95 % revoke at once; at most 1 % of the harmless revoke and 15 % wait for staff."""
    assert score.ignored == 0
    assert score.recall >= 0.95
    assert score.false_stops <= score.harmless * 0.01
    assert score.false_holds <= score.harmless * 0.15


def test_the_corpora_are_as_large_as_promised_and_split_by_hash():
    """Rule 17: far more than 200 revocations and 100 harmless replies, every language in both halves."""
    assert sum(score.stops for score in SCORES) >= 400
    assert sum(score.harmless for score in SCORES) >= 400
    assert {(score.language, score.half) for score in SCORES} == {(a, b) for a in LANGUAGES for b in (TUNING, HELD_OUT)}
    assert min(min(score.stops, score.harmless) for score in SCORES) >= 35


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice_in_a_corpus(language):
    """A text counted twice would flatter the figures."""
    texts = [row.text for row in corpus(FOLDER, language)]
    assert len(texts) == len(set(texts))


def widened(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


DRESSES = [
    str.upper,
    str.lower,
    str.title,
    str.swapcase,
    widened,
    "\u200b".join,
    lambda t: t.replace(" ", "\u00a0"),
    lambda t: t.replace(" ", "   "),
    lambda t: t.replace("'", "\u2019"),
    lambda t: f"{t}!!!",
    lambda t: f"\u201c{t}\u201d",
    lambda t: f"*{t}*",
    lambda t: f"{t} 🙏",
    lambda t: f"👍 {t} 😊",
    lambda t: f"\n\n{t}\n\n",
    lambda t: f"\ufeff{t}\u200e",
    lambda t: f"{t} 4711",
    lambda t: f"Ok. {t}",
    lambda t: f"{t}. Thanks",
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(REVOCATIONS), st.lists(st.sampled_from(DRESSES), min_size=1, max_size=4))
def test_no_dress_hides_a_revocation(text, dresses):
    """P2, rule 17: case, marks, emoji, width, unseen characters and courtesy never make a revocation pass."""
    for dress in dresses:
        text = dress(text)
    kind = read(text).kind
    assert kind.revokes or kind is Word.UNCLEAR


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(REVOCATIONS), st.randoms(use_true_random=False))
def test_a_slip_of_the_thumb_hides_no_revocation(text, luck: random.Random):
    """P2, rule 17: a longer revocation with two neighbouring letters swapped is still obeyed or held."""
    words = text.split()
    longest = max(words, key=len)
    if len(longest) < 5:
        return
    at = luck.randrange(len(longest) - 1)
    swapped = longest[:at] + longest[at + 1] + longest[at] + longest[at + 2 :]
    kind = read(text.replace(longest, swapped, 1)).kind
    assert kind.revokes or kind is Word.UNCLEAR


def test_the_command_prints_both_halves_of_every_language(capsys):
    """Rule 17: recall and precision per language, where anyone can see them."""
    assert main(["words", "--evaluate"]) == 0
    printed = capsys.readouterr().out
    assert "revocations ignored: 0" in printed
    for language in LANGUAGES:
        assert sum(line.startswith(f"{language} ") for line in printed.splitlines()) == 2


def test_the_command_says_how_a_text_is_read(capsys):
    """P8: staff can ask why a reply was taken as it was."""
    assert main(["words", "Please stop texting me"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("stop: revokes")


def test_a_broken_corpus_is_refused_by_line_and_never_quoted(tmp_path):
    """P9, P12: the refusal names the line and the mend, not what stands in it."""
    (tmp_path / "en.tsv").write_text("stop\tSTOP\nmaybe\tAlice's secret\n", encoding="utf-8")
    with pytest.raises(Refusals) as refused:
        corpus(tmp_path, "en")
    assert "en.tsv line 2" in str(refused.value)
    assert "secret" not in str(refused.value)
    with pytest.raises(Refusals):
        corpus(tmp_path, "fr")
