"""One of a thing is said as one, in both languages of the desk."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from worker.reading.protocols import Touched
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
