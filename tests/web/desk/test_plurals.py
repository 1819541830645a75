"""One of a thing is said as one, in both languages of the desk."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from tests.builders import NOW, text_from
from worker.models import Conversation
from worker.reading.protocols import Touched
from worker.web.desk import client_acts, clock, enrol, inbox
from worker.web.desk.protocol_words import EFFECTS


@pytest.mark.parametrize(
    ("language", "many", "said"),
    [
        ("en", 1, "under version 3: 1 client, 1 message to come"),
        ("en", 2, "under version 3: 2 clients, 2 messages to come"),
        ("es", 1, "con la versión 3: 1 clienta, 1 mensaje por venir"),
        ("es", 2, "con la versión 3: 2 clientas, 2 mensajes por venir"),
    ],
)
def test_whom_a_version_touches(language, many, said):
    """Clients and messages are counted each by itself."""
    with override(language):
        assert f"<li>{said}</li>" in render_to_string("desk/_touched.html", {"touched": [Touched(3, many, many)]})


@pytest.mark.parametrize(
    ("language", "many", "said"),
    [
        ("en", 1, ["1 message would come", "1 message would end", "1 message would move to another hour",
                   "1 message would say something else", "1 more client was not looked at."]),
        ("en", 2, ["2 messages would come", "2 messages would end", "2 messages would move to another hour",
                   "2 messages would say something else", "2 more clients were not looked at."]),
        ("es", 1, ["vendría 1 mensaje", "terminaría 1 mensaje", "1 mensaje cambiaría de hora",
                   "1 mensaje diría otra cosa", "Queda 1 clienta más que no se miró."]),
        ("es", 2, ["vendrían 2 mensajes", "terminarían 2 mensajes", "2 mensajes cambiarían de hora",
                   "2 mensajes dirían otra cosa", "Quedan 2 clientas más que no se miraron."]),
    ],
)  # fmt: skip
def test_what_a_version_would_do(language, many, said):
    """Each change of a step, and the clients beyond those looked at."""
    with override(language):
        steps = [{"step": "day-1", "said": words % {"n": many}} for words in EFFECTS.values()]
        page = render_to_string("desk/_effect.html", {"effect": {"clients": 9, "left_out": many, "steps": steps}})
    for each in said:
        assert f">{each}</p>" in page


ENROLLED = {
    ("en", False): ["Alice Moreau is enrolled, 1 message is planned.",
                    "Alice Moreau is enrolled, 2 messages are planned."],
    ("en", True): ["Alice Moreau is enrolled, 1 message is planned. Some advice is too late to send: hand it over.",
                   "Alice Moreau is enrolled, 2 messages are planned. Some advice is too late to send: hand it over."],
    ("es", False): ["Alice Moreau está inscrita, hay 1 mensaje planeado.",
                    "Alice Moreau está inscrita, hay 2 mensajes planeados."],
    ("es", True): ["Alice Moreau está inscrita, hay 1 mensaje planeado. Algún consejo llega tarde: dígaselo usted.",
                   "Alice Moreau está inscrita, hay 2 mensajes planeados. Algún consejo llega tarde: dígaselo usted."],
}  # fmt: skip


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize(("language", "late"), ENROLLED)
def test_what_an_enrolment_brings(desk, monkeypatch, language, late, many):
    """The desk reads it right after the press, with or without advice that is too late."""
    made = SimpleNamespace(client=desk.alice, asked=(), result=SimpleNamespace(messages=[0] * many, hand_over=late))
    assert said(language, lambda: enrol._told(made)) == ENROLLED[language, late][many - 1]


def said(language, words):
    with override(language):
        return words()


PRESSED = {
    "clock": {
        "en": ["Noted. 1 message is planned anew, by her clock.", "Noted. 2 messages are planned anew, by her clock."],
        "es": ["Anotado. Se planea de nuevo 1 mensaje, según su hora.",
               "Anotado. Se planean de nuevo 2 mensajes, según su hora."],
    },
    "close": {
        "en": ["Closed. Her course goes on; 1 message that waited is checked anew.",
               "Closed. Her course goes on; 2 messages that waited are checked anew."],
        "es": ["Cerrada. Su plan sigue; se comprueba de nuevo 1 mensaje que esperaba.",
               "Cerrada. Su plan sigue; se comprueban de nuevo 2 mensajes que esperaban."],
    },
    "resume": {
        "en": ["Going on: 1 message is planned again.", "Going on: 2 messages are planned again."],
        "es": ["Sigue: 1 mensaje está planeado de nuevo.", "Sigue: 2 mensajes están planeados de nuevo."],
    },
}  # fmt: skip


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("press", PRESSED)
def test_what_a_press_brings(desk, monkeypatch, press, language, many):
    """Each act says on the next page what it did."""
    text_from(desk.lakeside, "+12125550123", "this is odd", now=NOW)
    client, talk = desk.alice.pk, Conversation.objects.get().pk
    monkeypatch.setattr(clock, "tell_zone", lambda **_: SimpleNamespace(planned=[0] * many))
    monkeypatch.setattr(inbox.end, "close", lambda **_: many)
    monkeypatch.setattr(client_acts.desk_hold, "undo_hold", lambda **_: many)
    url, form = {
        "clock": (f"/clients/{client}/clock", {"zone": "America/Denver"}),
        "close": (f"/inbox/{talk}/close", {}),
        "resume": (f"/clients/{client}/resume", {"undo": "1"}),
    }[press]
    page = desk.browser().post(url, form, headers={"accept-language": language}, follow=True)
    assert PRESSED[press][language][many - 1] in page.content.decode()
