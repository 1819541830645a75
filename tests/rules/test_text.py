"""The cost of a text, plain punctuation, unseen characters, names in an SMS (rules 104, 105, 106, 108)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.rules.refusal import Refusal
from worker.rules.text import (
    GSM7_BASIC,
    GSM7_EXTENSION,
    Encoding,
    graphemes,
    refuse_control,
    segments,
    short_name,
    simplify,
    to_gsm7,
)

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PARTS = [
    ("", 0),
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
]


@pytest.mark.parametrize(("text", "parts"), PARTS)
def test_parts_are_counted_as_the_network_cuts_them(text, parts):
    """The vectors of rule 104, the two naive traps among them."""
    assert segments(text).parts == parts


@pytest.mark.parametrize("character", [*"ç`’—…\t\u00a0", "👍"])
def test_one_character_outside_gsm7_turns_the_whole_text_to_ucs2(character):
    """Rule 104: a cedilla or a typeset quote more than halves the room."""
    assert segments("a" * 70 + character).encoding is Encoding.UCS2
    assert segments("a" * 70 + character).parts == 2


@pytest.mark.parametrize("character", [*"Çèéàñäöüß^{}\\[~]|€\n"])
def test_letters_of_the_alphabet_keep_gsm7(character):
    """Rule 104: these letters cost septets only, the extension two each."""
    expected = 2 if character in GSM7_EXTENSION else 1
    assert (segments(character).encoding, segments(character).units) == (Encoding.GSM7, expected)


def slowly(units: list[int], single: int, part: int) -> int:
    """Cut character by character, as a phone does."""
    if sum(units) <= single:
        return 1 if units else 0
    parts, room = 1, part
    for unit in units:
        if unit > room:
            parts, room = parts + 1, part
        room -= unit
    return parts


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a" * 50, "€", "b", "[" * 20]), max_size=60).map("".join))
def test_gsm7_parts_never_split_an_extension_pair(text):
    """Rule 104: the count equals a cut that moves a pair whole to the next part."""
    assert segments(text).parts == slowly([2 if c in GSM7_EXTENSION else 1 for c in text], 160, 153)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["ê" * 20, "👍", "x", "👩" * 7]), max_size=40).map("ê{}".format))
def test_ucs2_parts_never_split_a_surrogate_pair(text):
    """Rule 104: the count equals a cut that moves a surrogate pair whole to the next part."""
    assert segments(text).parts == slowly([2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67)


def test_typeset_punctuation_becomes_plain_and_letters_stay():
    """Rule 106: quotes, dashes, dots and odd spaces are replaced, accents and emoji are not."""
    assert simplify("“Don’t”\u00a0— wait…\tSí 👍\r\nok") == '"Don\'t" - wait... Sí 👍\nok'
    assert simplify("e\u0301\u200b") == "é"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_simplifying_twice_changes_nothing_more(text):
    """Rule 106: deterministic, so that the approved hash is the sent hash."""
    assert simplify(simplify(text)) == simplify(text)


HIDDEN = [
    "\x00",
    "\x07",
    "\r",
    "\n",
    "\x7f",
    "\x85",
    "\u200b",
    "\u200e",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ufeff",
    "\u00ad",
]
HIDDEN += ["\u061c", "\u115f", "\u3164", "\ud800", "\ufffe", "\U000e0041", "\u2060", "\u200c", "\u200d"]


@pytest.mark.parametrize("character", HIDDEN)
def test_what_no_one_can_see_is_refused_in_a_name(character):
    """Rule 108: control, bidi and zero-width characters name the field and a mend, never the value."""
    with pytest.raises(Refusal) as refused:
        refuse_control(f"Ali{character}ce", "first_name")
    assert refused.value.field == "first_name"
    assert "position 4" in refused.value.problem
    assert "Ali" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["Alice", "José María", "Zoë 👩🏽", FAMILY, "❤️\u200d🔥", "ශ්\u200dරී", "محمد", "Nguyễn", "李"]
)
def test_real_names_and_emoji_families_pass(name):
    """Rule 108: a joiner between emoji or after a virama is writing, not hiding."""
    refuse_control(name, "first_name")
    assert segments(name + " ").parts == 1


@pytest.mark.parametrize("text", ["\u200dAlice", "Alice\u200d", "👩\u200d", "👩\u200dx", "x\u200d👩"])
def test_a_joiner_that_joins_nothing_is_refused(text):
    """Rule 108: outside of what it joins, a joiner only hides."""
    with pytest.raises(Refusal, match="zero-width"):
        refuse_control(text, "first_name")


def test_a_refusal_says_what_kind_of_character_it_met():
    """Rule 108: staff can only mend what is named."""
    for character, kind in {"\u202e": "a bidirectional control", "\ufeff": "a zero-width", "\x07": "a control"}.items():
        with pytest.raises(Refusal, match=kind):
            refuse_control(character, "first_name")


def test_line_ends_are_refused_unless_asked_for():
    """Rule 108 allows a line feed in an address; in a name it would start a new line of advice."""
    refuse_control("1 High Street\nLeeds", "clinic_address", newlines=True)
    with pytest.raises(Refusal):
        refuse_control("1 High Street\r\nLeeds", "clinic_address", newlines=True)


def test_graphemes_are_what_a_reader_calls_one_character():
    """Rule 105: flags, families, skin tones, marks and conjuncts stay whole."""
    whole = [FAMILY, "👩🏽", "🇬🇧", "🇺🇸", "e\u0301", "ශ්\u200dරී", "क्ष"]
    assert list(graphemes("".join(whole))) == whole


@pytest.mark.parametrize(
    ("name", "limit", "short"),
    [
        ("Alice", 10, "Alice"),
        ("María del Carmen", 10, "María"),
        ("Anna Lee", 8, "Anna Lee"),
        ("Anna Lee", 7, "Anna"),
        ("  Jean-Christophe  ", 10, "Jean"),
        ("Wolfeschlegelstein", 10, "Wolfeschle"),
        ("👍" * 40, 10, "👍" * 5),
        (FAMILY * 3, 10, FAMILY),
        (FAMILY, 7, ""),
        ("Alice", 0, ""),
    ],
)
def test_a_long_name_is_shortened_and_never_the_advice(name, limit, short):
    """Rule 105: whole words first, then whole graphemes, then nothing."""
    assert short_name(name, limit) == short


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.integers(0, 30))
def test_a_shortened_name_always_fits(name, limit):
    """Rule 105: the worst case seen at approval holds for every name."""
    short = short_name(name, limit)
    assert segments(short).units <= limit
    assert " ".join(name.split()).startswith(short)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("José", "José"),
        ("María", "Maria"),
        ("François", "Francois"),
        ("Łukasz", "Lukasz"),
        ("Nguyễn Thị", "Nguyen Thi"),
        ("O’Brien", "O'Brien"),
        ("Alice 🌸", "Alice"),
        (f"Alice {FAMILY}", "Alice"),
        ("李", ""),
        ("Anna 李", ""),
        ("Al[i]ce|", "Alice"),
        ("Дмитрий", ""),
        ("👍", ""),
        ("---", ""),
        ("", ""),
    ],
)
def test_a_name_is_written_in_gsm7_or_left_out(name, written):
    """Rule 105: a name never turns an approved SMS into UCS-2 and is never half written."""
    assert to_gsm7(name) == written


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=40))
def test_a_written_name_costs_one_septet_a_character(name):
    """Rule 104: no extension pair, no UCS-2, and writing it again changes nothing."""
    written = to_gsm7(name)
    assert set(written) <= set(GSM7_BASIC) - {"\n", "\r"}
    assert segments(written).units == len(written)
    assert to_gsm7(written) == written
