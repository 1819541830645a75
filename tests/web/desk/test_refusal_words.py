"""A desk that speaks Spanish says no in Spanish; what is kept, and what machines read, stays as it was said."""

from __future__ import annotations

import pytest
from django.utils import translation

from tests import builders
from tests.actions import post
from tests.actions.imports.test_import import row, table
from tests.builders import ALICES_PHONE, NOW
from tests.web.desk.test_enrol import form
from tests.web.desk.test_imports import brought, csv_file
from tests.web.desk.test_protocols import of, typed
from worker import clock
from worker.models import Appointment, Conversation, ImportRow
from worker.models.staff import Role

DIGITS = "le faltan o le sobran cifras; póngalo entero, con el código de área"


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


def spanish(desk, role=Role.DESK):
    """Somebody who has pressed Español: a cookie keeps it."""
    browser = desk.browser(role)
    browser.post("/language", {"language": "es", "next": "/today"})
    return browser


def test_a_refused_form_says_why_in_the_language_of_the_page(desk):
    """Issue 6, point 8, P12: problem and mend beside their field, in Spanish by the cookie, in English without it."""
    page = spanish(desk).post("/enrol", form(phone="12"))
    assert page.context["form"].errors["phone"] == [DIGITS]
    assert DIGITS in page.content.decode()
    plain = desk.browser().post("/enrol", form(phone="12")).context["form"].errors["phone"]
    assert plain == ["has too few or too many digits; give it in full, with area code"]


def test_words_of_the_page_itself_are_not_told_twice(desk):
    """Issue 6, point 8: a visit's form has a mend of its own, and only the problem comes from the rules."""
    visit = Appointment.objects.get(client=desk.alice)
    page = spanish(desk).post(f"/visits/{visit.pk}/move", {"day": "2020-01-01", "hour": "10:00"})
    (said,) = page.context["form"].errors["day"]
    assert said == "no dice su diferencia horaria, ya pasó, o queda a más de dos años; elija otro día u otra hora"


def test_a_press_in_a_conversation_is_refused_in_spanish(desk):
    """Issue 6, point 8, rule 17: the notice above the conversation speaks as the page does."""
    post.confirmed(NOW)
    builders.text_from(desk.lakeside, ALICES_PHONE, "this is a lot of texts, is that needed?", now=NOW)
    talk = Conversation.objects.latest("pk")
    said = spanish(desk).post(f"/inbox/{talk.pk}/close", follow=True).content.decode()
    assert "su respuesta puede significar STOP: diga que no quiere parar" in said


def test_the_faults_of_a_text_are_told_while_one_writes_it(desk):
    """Issue 6, point 8, P3: beside the preview, and beside the field when it can't be saved."""
    browser, url = spanish(desk, Role.PRACTITIONER), of(desk, "/steps/day-1")
    said = typed(browser, url, sms__en="{{ clinic_name }}: your skin. {{ care_url }} Reply STOP to end.", when="soon")
    shown = browser.post(of(desk, "/preview"), said | {"step": "day-1"}).content.decode()
    assert "menciona salud o tratamiento: &quot;skin&quot;; dígalo en la página del enlace" in shown
    assert "no dice a quién llamar; añada {{ clinic_phone }}" in shown
    assert "no es un momento; escriba &quot;3 10:00&quot; para el tercer día" in shown
    assert "no es un momento; " in browser.post(url, said).context["form"].errors["when"][0]


def test_the_rows_of_a_file_are_told_in_spanish_and_kept_as_they_were_said(desk):
    """Issue 6, point 8, P12: each row's faults, the sums by reason and the CSV; the record itself stays English."""
    builders.text_from(desk.lakeside, ALICES_PHONE, "STOP", now=NOW)
    browser = spanish(desk)
    stopped = row(2, Mobile=ALICES_PHONE)
    page = brought(browser, table(row(1, Mobile="12"), stopped, row(3, consent_sms_aftercare="perhaps")))
    said = browser.get(page).content.decode()
    day = "no puede recibir mensajes desde el 12 de enero de 2027 (por palabra clave)"
    assert f"phone: {DIGITS}" in said
    assert f"<strong>1</strong> phone: {day}</li>" in said
    assert f"phone: {day}; inscríbala sin eso; solo la clienta" in said
    assert "no es ni sí ni no; escriba sí o no; vacío es no" in said
    file = browser.get(f"{page}/refused.csv")
    with translation.override("en"):  # whoever is served next in this thread
        lines = b"".join(file.streaming_content).decode().splitlines()
    assert lines[0] == "line,external_id,column,problem,mend"
    assert lines[1] == '2,C-1,phone,le faltan o le sobran cifras,"póngalo entero, con el código de área"'
    assert "has too few or too many digits" in str(ImportRow.objects.get(number=2).faults)
    assert "has too few" in b"".join(desk.browser().get(f"{page}/refused.csv").streaming_content).decode()


def test_a_file_that_is_no_table_is_refused_in_spanish(desk):
    """Issue 6, point 8, P12: above the form where no field has that name."""
    page = spanish(desk).post("/imports", csv_file(b"external_id,given_name\n"))
    assert "no tiene filas; añada una línea por cada clienta" in page.content.decode()
