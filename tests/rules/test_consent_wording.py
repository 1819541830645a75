"""The words shown before a yes: every element the rules demand, named when missing (rules 3, 5, 13, 35, 59, 65)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from worker.rules.consent_wording import wording_faults, wording_kind

SHIPPED = tomllib.loads((Path(__file__).parents[2] / "templates/wordings.toml").read_text("utf-8"))["wording"]
TEXTS = {(each["code"], each["language"]): each["text"] for each in SHIPPED}


def lacks(text, code="service", language="en"):
    return [fault.problem for fault in wording_faults(text, code=code, language=language, field="wording")]


@pytest.mark.parametrize("key", sorted(TEXTS), ids="-".join)
def test_every_shipped_wording_says_all(key):
    """Rule 5: for clients and holders, care and offers, in both languages."""
    assert lacks(TEXTS[key], *key) == []


def test_every_shipped_wording_has_both_languages():
    """Rule 2: a client reads it in her own."""
    codes = {code for code, _ in TEXTS}
    assert {(code, language) for code in codes for language in ("en", "es")} == set(TEXTS)


WITHOUT = [
    ("service", "en", "clinic", "practice", "who sends"),
    ("service", "en", "up to 12 messages", "messages", "how many messages"),
    ("service", "en", "data rates may apply", "data", "that rates may apply"),
    ("service", "en", "STOP", "a word", "how to stop"),
    ("service", "en", "Reply HELP for help.", "", "how to get help"),
    ("service", "en", "Terms", "Rules", "where the terms are"),
    ("service", "en", "privacy notice", "notice", "where the privacy notice is"),
    ("service", "en", "voluntary", "needed", "that agreeing is voluntary"),
    ("service", "en", "I have given here", "that is mine", "which address"),
    ("service", "en", "care", "things", "messages about care"),
    ("service", "en", "eminders", "otes", "reminders"),
    ("service", "en", "suggests a next", "has another", "next session may be suggested"),
    ("service", "en", "does not depend", "may depend", "treatment does not depend"),
    ("service", "en", "not encrypted", "encrypted", "not encrypted"),
    ("service", "es", "clínica", "consulta", "who sends"),
    ("service", "es", "hasta 12 mensajes", "mensajes", "how many messages"),
    ("service", "es", "Pueden aplicarse tarifas", "Hay tarifas", "that rates may apply"),
    ("service", "es", "STOP", "algo", "how to stop"),
    ("service", "es", "HELP", "algo", "how to get help"),
    ("service", "es", "Condiciones", "Normas", "where the terms are"),
    ("service", "es", "privacidad", "datos", "where the privacy notice is"),
    ("service", "es", "voluntario", "necesario", "that agreeing is voluntary"),
    ("service", "es", "cuidados", "cosas", "messages about care"),
    ("service", "es", "ecordatorios", "otas", "reminders"),
    ("service", "es", "sugiere", "tiene", "next session may be suggested"),
    ("service", "es", "no depende", "depende", "treatment does not depend"),
    ("service", "es", "no van cifrados", "van cifrados", "not encrypted"),
    ("marketing", "en", "offers and news", "news", "what comes: offers"),
    ("marketing", "en", "by an automated system, ", "", "sent automatically"),
    ("marketing", "en", "not a condition of any purchase", "easy", "no purchase depends"),
    ("marketing", "en", "With my signature I", "I", "agreed to by signature"),
    ("marketing", "es", "ofertas y", "", "what comes: offers"),
    ("marketing", "es", "por un sistema automático, ", "", "sent automatically"),
    ("marketing", "es", "no es condición de ninguna compra", "es fácil", "no purchase depends"),
    ("marketing", "es", "Con mi firma acepto", "Acepto", "agreed to by signature"),
]


@pytest.mark.parametrize(("code", "language", "old", "new", "what"), WITHOUT)
def test_a_missing_element_names_itself(code, language, old, new, what):
    """Rules 3, 5, 13, 59: each alone, with a mend that shows how to say it."""
    text = TEXTS[code, language]
    assert old in text
    found = list(wording_faults(text.replace(old, new), code=code, language=language, field="wording.x@1"))
    assert any(what in fault.problem for fault in found), found
    assert all(fault.field == "wording.x@1" and "for example" in fault.mend and "rule" in fault.mend for fault in found)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("I also get special offers and discounts.", "speaks of offers"),
        ("If you stop, we cannot treat you any more.", "threatens"),
        ("My data are shared with partners of the clinic.", "sharing in the same breath"),
        ("We share your number with third parties.", "sharing in the same breath"),
    ],
)
def test_what_a_wording_may_not_hold(more, problem):
    """Rules 13, 35, 65: offers, threats and sharing have no place beside care."""
    assert any(problem in each for each in lacks(TEXTS["service", "en"] + more))


@pytest.mark.parametrize(
    "more", ["We never share your data with third parties.", "Stopping does not affect your care."]
)
def test_a_promise_is_no_fault(more):
    """Rules 35, 65: saying that nothing is shared, and nothing changes, is welcome."""
    assert lacks(TEXTS["service", "en"] + more) == []


def test_an_unknown_language_is_not_guessed_at():
    """No fault is named where the words are not known; `doctor` says that nobody checked it."""
    assert lacks("Ich willige ein.", language="de") == []


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("service@1", (False, False)), ("service-holder@2", (False, True)), ("marketing", (True, False)),
        ("marketing-summer-holder@1", (True, True)), ("my-marketing@1", (False, False)),
    ],
)  # fmt: skip
def test_the_code_tells_what_it_is_for(reference, kind):
    """Rules 13, 15: offers begin with "marketing", a proxy's words end with "-holder"."""
    assert wording_kind(reference) == kind
