"""Warning signs in a reply: found in every language, and nothing is concluded from them (rule 41)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.rules.red_flags import is_red_flag

FLAGS = [
    "I am bleeding", "it BLEEDS a lot", "I have a fever of 39", "there is pus", "I think it is infected", "oozing",
    "I fainted", "can't breathe", "my face has hives", "is this an emergency?", "it's getting worse", "gone black",
    "Está sangrando", "tengo fiebre", "creo que está infectado", "me desmayé", "Ça saigne beaucoup",
    "j'ai de la fièvre", "c'est infecté", "Es blutet", "ich habe Fieber", "es hat sich entzündet", "Eiter",
    "está com febre", "muito sangue", "sanguina", "ho la febbre", "it is darkening", "the scar is raised",
    "the redness is spreading", "se está oscureciendo", "se extiende", "una cicatriz", "ça s'étend", "ça noircit",
    "es breitet sich aus", "die Stelle wird dunkler", "está espalhando", "escureceu", "si allarga", "è più scuro",
    "ＢＬＥＥＤＩＮＧ", "ble\u200beding",
]  # fmt: skip
CALM = [
    "thank you", "see you on Monday", "the redness is gone", "my skin feels great", "I moved house", "STOP", "", "ok",
    "gracias", "merci", "danke", "in full bloom", "the pushchair fits", "ein schöner Blumenstrauß",
]  # fmt: skip


@pytest.mark.parametrize("text", FLAGS)
def test_a_warning_sign_is_found(text):
    """Rule 41: in six languages, in whatever letters."""
    assert is_red_flag(text)


@pytest.mark.parametrize("text", CALM)
def test_a_calm_reply_is_none(text):
    """Rule 41: an alarm for everything would be an alarm for nothing."""
    assert not is_red_flag(text)


@given(st.text(max_size=2000))
def test_any_text_can_be_asked(text):
    """P12: whatever is written, there is an answer; it does not hang on the case of the letters."""
    assert is_red_flag(f"{text[:1000]} pus ")
    assert isinstance(is_red_flag(text), bool)
