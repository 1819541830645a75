"""All sixteen facts of the treatment are carried, and each step speaks of those it claims, in both languages."""

from __future__ import annotations

import re

import pytest

from tests.protocols.shipped import advice, course, protocol, words
from worker.rules.names import Channel, Purpose

ALL = {f"S{number}" for number in range(1, 17)}

# What a reader would have to be told, as patterns that must all be found.
SAID = {
    "en": {
        "S1": ("red or purple", "fade to a lighter tone", "dent", "less noticeable", "cannot be erased"),
        "S2": ("collagen induction therapy", "fine needles", "controlled injuries", "collagen and elastin"),
        "S3": ("thicker skin", "shallower marks", "smoother texture", "sterile serums and creams"),
        "S4": ("consultation", "licensed dermatologist or skincare professional", "decides"),
        "S5": ("skin is cleaned", "numbing cream", "disinfected with chlorhexidine", "device is passed over"),
        "S6": ("15 minutes or more", "how many marks", "where they are"),
        "S7": ("redness", r"\btight", "sensitive"),
        "S8": ("gentle",),
        "S9": (r"\bsun\b", "out of the sun|avoid the sun|protect"),
        "S10": ("products your professional recommended",),
        "S11": ("instruction|told you before and after",),
        "S12": ("several sessions", "4 to 6 weeks apart", r"heal and (to )?form new collagen"),
        "S13": ("regular|steady", "brings (the )?results?"),
        "S14": ("gradually", "vary|differ"),
        "S15": ("generally safe", "infection", "pigment", "scarring"),
        "S16": ("qualified professional", "clean, safe"),
    },
    "es": {
        "S1": ("rojas o moradas", "se aclaran", "hundimiento", "notarse menos", "no se pueden borrar"),
        "S2": ("inducción de colágeno", "agujas finas", "lesiones muy pequeñas y controladas", "colágeno y elastina"),
        "S3": ("piel más gruesa", "marcas menos profundas", "textura más lisa", "sérums y las cremas estériles"),
        "S4": ("consulta", "dermatología o del cuidado de la piel con licencia", "decide"),
        "S5": ("se limpia la piel", "crema anestésica", "desinfecta con clorhexidina", "pasa el aparato"),
        "S6": ("15 minutos o más", "cuántas marcas", "dónde están"),
        "S7": ("enrojecimiento", r"\btirante", "sensible"),
        "S8": ("suave|suavidad",),
        "S9": (r"\bsol\b", "al sol|evite el sol|del sol"),
        "S10": ("productos que su profesional le recomendó",),
        "S11": ("instruccion|indicó para antes y después",),
        "S12": ("varias sesiones", "4 a 6 semanas", "sanar y formar colágeno nuevo"),
        "S13": ("regular", "da resultado"),
        "S14": ("poco a poco", "varían"),
        "S15": ("en general, seguro", "infección", "pigmento", "cicatrices"),
        "S16": ("profesional calificado", "limpio y seguro"),
    },
}
CLAIMS = [(step, fact, language) for step in protocol().steps for fact in step.facts for language in SAID]


def test_no_fact_is_missing_and_none_is_invented() -> None:
    """Every fact S1 to S16 is claimed by a step, and every claim is one of them."""
    assert {fact for step in protocol().steps for fact in step.facts} == ALL
    assert {language: set(said) for language, said in SAID.items()} == dict.fromkeys(SAID, ALL)


@pytest.mark.parametrize(
    ("step", "fact", "language"), CLAIMS, ids=[f"{step.rule.code}-{fact}-{lang}" for step, fact, lang in CLAIMS]
)
def test_a_claimed_fact_is_said_in_both_parts(step, fact, language) -> None:
    """A step that claims a fact says it in the text and in the HTML, in English and in Spanish."""
    text = step.text(Channel.EMAIL, language)
    for part in (text.text, text.html):
        missing = [said for said in SAID[language][fact] if not re.search(said, words(part), re.IGNORECASE)]
        assert not missing


def test_every_aftercare_message_tells_the_risks_and_each_after_a_session_the_sun() -> None:
    """S15 stands in each aftercare message, and S9 in each: the sun matters as long as the skin heals."""
    for step in course(Purpose.AFTERCARE):
        assert {"S9", "S15"} <= set(step.facts)


@pytest.mark.parametrize("code", ["same-day", "day-1", "day-7", "day-14", "week-3"])
def test_why_the_sun_matters_is_said_through_the_weeks(code: str) -> None:
    """S9 gives its reason, ultraviolet light, again and again."""
    step = protocol().step(code)
    assert "ultraviolet light" in words(step.text(Channel.EMAIL, "en").text).lower()
    assert "luz ultravioleta" in words(step.text(Channel.EMAIL, "es").text).lower()


SIGNS = {
    "en": ("redness, swelling or pain that grows", "pus", "darker or lighter", "scar", "fever", "trouble breathing"),
    "es": (
        "enrojecimiento, hinchazón o dolor que aumenta",
        "pus",
        "más oscuras o más claras",
        "cicatriz",
        "fiebre",
        "respirar",
    ),
}
URGENT = {"en": "It is urgent if", "es": "Es urgente si"}
EMERGENCY = {"en": "local emergency number", "es": "número de emergencias de su zona"}


@pytest.mark.parametrize(
    ("step", "text"), advice(), ids=[f"{step.rule.code}-{text.language}" for step, text in advice()]
)
def test_every_aftercare_email_says_whom_to_call_and_when_it_is_urgent(step, text) -> None:
    """The clinic's phone, the signs of infection, pigment change and scarring, and the emergency number (rule 41)."""
    for part in (words(text.text), words(text.html)):
        assert "{{ clinic_phone }}" in part
        assert URGENT[text.language] in part
        assert EMERGENCY[text.language] in part
        assert [sign for sign in SIGNS[text.language] if sign not in part] == []
        urgent = part.split(URGENT[text.language])[1]
        assert "{{ clinic_phone }}" in urgent
