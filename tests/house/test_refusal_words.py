"""What refusals say is said in Spanish at a Spanish desk, and none of it was forgotten."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from django.utils import translation

from scripts.refusals import said, said_in
from worker.actions.clients import find
from worker.actions.converse.on_call import ANYONE
from worker.actions.course.feed import MAY_GIVE_KEYS
from worker.intake.client import ClientFile
from worker.intake.protocol_shape import FILE, HeaderShape, StepShape, shaped
from worker.intake.shape import MENDS, checked
from worker.intake.wording import _WHERE
from worker.models.appointment import AppointmentStatus
from worker.models.hold import PauseScope
from worker.models.import_batch import ImportState
from worker.models.scope_names import ScopeName
from worker.models.staff import Role
from worker.models.suppression import SuppressionReason
from worker.reading.explain import PLAIN, REFUSED
from worker.rules import lint
from worker.rules.consent_wording import BOTH, OFFERS, SERVICE
from worker.rules.lexicon import folded
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.rules.states import State
from worker.rules.steps import Cause
from worker.rules.text import _unseen
from worker.web.refusal_words import told, told_reason

TABLES = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "templates/locale/es/refusals.toml").read_text(encoding="utf-8")
)
ROLES = (find.DESK, ANYONE, MAY_GIVE_KEYS, (Role.PRACTITIONER,), (Role.PRACTITIONER, Role.OWNER))
HALF = re.compile(r"\b(?:valid|should|than|or|characters?|items?)\b")
"""Words of pydantic's: one of them in Spanish is half a translation."""
HELD, ENDED = (AppointmentStatus, ImportState, State), (State.UNDELIVERED, State.REFUSED, State.UNRESOLVED)


@pytest.fixture
def _spanish():
    with translation.override("es"):
        yield


def english(words):
    """Those that nobody has put into Spanish."""
    return [each for each in words if told(each, "es") == each]


def parts(finding):
    """As a lint's finding becomes a refusal: its problem and its mend; both in one where a link leads elsewhere."""
    whole = {finding.message} if finding.rule == 38 else set()
    return whole | set(finding.message.split("; ", 1))


def test_every_refusal_in_the_code_has_its_spanish():
    """Issue 6, point 8: a new refusal without its Spanish fails here; `python scripts/refusals.py` prints them all."""
    assert sorted(said() - set(TABLES["said"]) - set(TABLES["by_variable"])) == []


def test_nothing_is_kept_that_nobody_says():
    """Issue 6, point 8: what no reading of the code finds stands apart, and only there."""
    assert sorted(set(TABLES["said"]) - said()) == []
    assert sorted(set(TABLES["by_variable"]) & said()) == []


def test_every_reason_of_a_message_has_its_spanish():
    """P8, issue 6, point 8: each reason that the desk shows, and none that nobody gives."""
    assert set(TABLES["reasons"]) == {*PLAIN.values(), REFUSED.format("{}")}


def test_no_sentence_loses_a_value():
    """Issue 6, point 8: as many values in Spanish as in English, each once."""
    for words, spanish in chain.from_iterable(table.items() for table in TABLES.values()):
        places = re.findall(r"\{(\d*)\}", spanish)
        many = words.count("{}")
        assert places == [""] * many or sorted(places) == [str(each) for each in range(1, many + 1)], words


@pytest.mark.parametrize(
    ("words", "spanish"),
    [
        ("is no phone number", "no es un número de teléfono"),
        ("has more than 100 columns", "tiene más de 100 columnas"),
        ("is cancelled, not booked", "está cancelada, no reservada"),
        ("is cancelled", "está cancelada"),
        ("input should be greater than or equal to 5", "debe ser al menos 5"),
        ("it should be 'sms' or 'email'", "debe ser 'sms' o 'email'"),
        ("has a zero-width character at position 3", "tiene en la posición 3 un carácter sin anchura"),
        ("end it with {{ unsubscribe_url }}", "termínelo con {{ unsubscribe_url }}"),
        (
            "use only {{ name }} and {% if name %} ... {% endif %}",
            "use solo {{ name }} y {% if name %} ... {% endif %}",
        ),
        (
            "may not be written to since 9 January 2027 (keyword)",
            "no puede recibir mensajes desde el 9 de enero de 2027 (por palabra clave)",
        ),
        ("has letters outside GSM-7: \u201c\n\u201d", "tiene letras fuera de GSM-7: \u201c\n\u201d"),
        ("has more than (.*) columns", "tiene más de (.*) columnas"),
        ("is nothing that anybody has translated", "is nothing that anybody has translated"),
        ("write to the moon", "write to the moon"),
        ("", ""),
    ],
)
@pytest.mark.usefixtures("_spanish")
def test_a_sentence_is_told_with_its_values(words, spanish):
    """Issue 6, point 8: exact words before patterns, values put in their places, the unknown left in English."""
    assert told(words) == spanish


def test_the_page_says_the_language():
    """Issue 6, point 8: English pages say what the rules say; a variety of Spanish is Spanish; another has no book."""
    for language, spoken in (("en", "is missing"), ("es", "falta"), ("es-mx", "falta"), ("fr", "is missing")):
        with translation.override(language):
            assert told("is missing") == spoken
    with translation.override(None):
        assert told("is missing") == "is missing"
        assert told("is missing", "es") == "falta"


@pytest.mark.usefixtures("_spanish")
def test_a_reason_keeps_its_field():
    """Issue 6, point 8: a row's reason is told behind the name of its column, with the colons that it holds itself."""
    assert told_reason("zone: is needed: no hour is fit wherever this number may be").startswith("zone: hace falta: ")
    assert told_reason("phone: is no phone number") == "phone: no es un número de teléfono"
    assert told_reason("cut off") == "cut off"


def test_every_state_that_is_put_into_a_sentence_is_known():
    """Issue 6, point 8: "is dropped" would be half a translation."""
    values = {each.value for each in chain(*HELD)} - {each.value for each in ENDED}
    values |= {each.value for each in chain(SuppressionReason, Cause, Channel)}
    values |= {" or ".join(roles) for roles in ROLES}
    values |= {_unseen(each) for each in "\u200e\u200b\x00\ufdd0"} | set(_WHERE.values()) | {"end it with"}
    assert values - TABLES["by_variable"].keys() == set()
    for scope in PauseScope:
        whose = {PauseScope.ALL: ("", ""), PauseScope.DRAIN: ("", "")}.get(scope, ("this", "lakeside"))
        name = ScopeName(scope, *whose)
        for words in (f"{name} is paused already", f"{name} is not paused"):
            assert str(scope) not in told(words, "es").split()
    assert "cancelado" in told("is cancelled, nothing to settle", "es"), "a message, no visit"


def test_what_a_lint_finds_is_told():
    """Issue 6, point 8: each of the rules' findings, as the problem and the mend that it becomes."""
    html = (
        "<script></script><p onclick=x style='background:url(x)'><img src=//x><a href=http://x.org>x</a>"
        "<a href=https://x.org>x</a><a href='https://['>x</a><a ping=x href=https://me.org>x</a>"
    )
    bad = "Why? Save 5% at http://bit.ly/x or https://x.org: reply CANCEL. If you stop, we refuse you. " + "skin " * 40
    found = [
        *lint.lint_health(bad, "x"), *lint.lint_marketing(bad, "x"), *lint.lint_links(bad, "x", own_hosts=["me.org"]),
        *lint.lint_links("http://x.org", "x"), *lint.lint_sms(bad, "x"), *lint.lint_punishment(bad, "x"),
        *lint.lint_optin("", "x"), *lint.lint_asks_for_yes("", "x"), *lint.lint_call_to_action("", "x"),
        *lint.lint_stop_confirmation(bad, "x"), *lint.lint_html(html, "x", own_hosts=["me.org"]),
    ]  # fmt: skip
    assert {each.rule for each in found} == {5, 6, 7, 13, 22, 28, 35, 36, 37, 38, 39}
    assert len({each.message for each in found}) > 30
    assert english(set().union(*map(parts, found))) == []


def test_the_elements_of_consent_are_told_with_examples_that_would_do():
    """Issue 6, point 8, rule 5: a Spanish mend whose example the rule refuses would be no mend."""
    for element in (*BOTH, *SERVICE, *OFFERS):
        assert english([element.what, element.example]) == [], element
        example = told(element.example, "es")
        assert re.search(element.known_by["es"], folded(example) if element.folds else example), example


def test_what_a_shape_refuses_is_told():
    """Issue 6, point 8: what pydantic says, whichever of our two ways it comes by."""
    assert english(chain(*MENDS.values())) == []
    consent = {"channel": "fax", "purpose": 3, "affirmed": "x", "method": "x", "given_at": 5, "wording": "x"}
    moment = {"external_id": "x", "starts_at": "2026-13-08T10:00:00Z", "protocol": "?"}
    raw = {"clinic": 3, "name": "", "consents": [consent], "minor": "x", "holder": 3, "x": 1, "appointment": moment}
    with pytest.raises(Refusals) as refused:
        checked(ClientFile, raw | {"treatment": {"performed_at": "1800-01-01T00:00:00Z"}, "signature": {"typed": ""}})
    faults = list(refused.value.faults)
    step = {"code": "?", "purpose": "x", "when": {"days": 900, "at": 3}, "channels": [], "facts": 3, "x": 1}
    shaped(StepShape, step | {"fallback": ["sms", "email"], "says": [{"topic": "x"}], "until": 3}, FILE, faults)
    header = {"code": "x" * 90, "title": {"e": ""}, "languages": "x", "session_interval_days": [0, 999, 3]}
    shaped(HeaderShape, header | {"frequency": {"messages": "3", "per": "x"}}, FILE, faults)
    assert len(faults) > 30
    words = {words for fault in faults for words in (fault.problem, fault.mend)}
    assert english(words) == []
    assert [each for each in words if HALF.search(told(each, "es"))] == []


CODE = """
MEND = "hidden by a local name"
MENDS = "of the module"
SHARED = "shared"

def one(at, ok):
    MEND = "of its own" if ok else "of the other branch"
    raise Refusal("a", f"is past since {at:%d %B}", MEND)

def two(given):
    return Refusal("a", given or f"is {given}", MENDS)

def three():
    problem, mend = len("not said"), "one of two"
    return _no("said by a caller", mend, given="not said")

def _no(problem, mend):
    def inner():
        return Refusal("a", problem, _mend(problem))
    return Refusal("a", problem=problem, mend=mend)

def _mend(name):
    return "by a helper" if name else SHARED
"""


def test_the_collector_reads_each_name_where_it_stands():
    """Issue 6, point 8: a function's own name before the module's, both branches, callers' words, helpers' answers."""
    assert said_in([CODE]) == {
        "is past since {} {}", "of its own", "of the other branch", "is {}", "of the module", "said by a caller",
        "by a helper", "shared", "one of two",
    }  # fmt: skip
    other = 'def _no(problem, mend):\n    pass\n\n_no("of another module", "not said")\n'
    assert "of another module" not in said_in([CODE, other])


def test_a_validator_says_problem_and_mend_in_one():
    """Issue 6, point 8: a ValueError counts where pydantic asks, and nowhere else."""
    source = 'def check(value):\n    raise ValueError("is odd; make it even")\n'
    assert said_in([source]) == set()
    assert said_in([f"from pydantic import Field\n{source}"]) == {"is odd", "make it even"}
