"""A desk that speaks Spanish says no in Spanish; what is kept, and what machines read, stays as it was said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from tests import builders
from tests.actions import post
from tests.actions.course import versions
from tests.actions.imports.test_import import row, table
from tests.builders import ALICES_PHONE, NOW, message
from tests.web.desk.test_enrol import form
from tests.web.desk.test_imports import brought, csv_file
from tests.web.desk.test_protocols import draft, of, typed
from worker import clock
from worker.actions.consent.hold import pause
from worker.channels.reported import What
from worker.intake import client_rows
from worker.models import Appointment, Attempt, Conversation, Event, ImportRow, Message, Receipt
from worker.models.attempt import AttemptState
from worker.models.hold import PauseScope
from worker.models.staff import Role
from worker.rules.states import RANK, State
from worker.web.desk import agreed_words, operations, states
from worker.web.desk.protocol_approve import TERMS

METHOD = re.compile(r'\b(?:method|METHOD|ONE_CLICK|KEYWORD)(?: = |=)"(\w+)"')
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


def test_a_message_is_explained_in_spanish(desk):
    """P8, issue 6, point 8: state, reasons and what the provider said; no code and no English between them."""
    row = message(desk.alice, "day-1")
    Message.objects.filter(pk=row.pk).update(state=State.WITHHELD, reason="quiet_hours", decided_at=NOW)
    Event.objects.create(
        clinic_id=desk.lakeside.pk, subject=f"message:{row.pk}", at=NOW, kind="decision", actor="worker", code="sent"
    )
    tried = Attempt.objects.create(
        message=row, clinic=desk.lakeside, standing_id=row.standing_id, channel=row.channel, cls=row.cls,
        state="unknown", worker="w", decided_at=NOW, lease_until=NOW, code="worker_silent", body_sha256="",
    )  # fmt: skip
    Receipt.objects.create(
        clinic=desk.lakeside, attempt=tried, provider_id="SM1", status="undelivered", received_at=NOW
    )
    said = spanish(desk).get(f"/messages/{row.pk}").content.decode()
    state = "Estado: no enviado; la hora no lo permitía"
    for word in (state, "se entregó al proveedor", "aún no se sabe", "no entregado"):
        assert word in said, word
    assert not [word for word in ("withheld", "provider", "unknown", "undelivered", "silent") if word in said]
    assert "la hora no lo permitía" in spanish(desk).get(f"/clients/{desk.alice.pk}").content.decode()
    Message.objects.filter(pk=row.pk).update(state=State.REFUSED, reason="code:30007")
    assert "el proveedor lo rechazó (30007)" in spanish(desk).get(f"/messages/{row.pk}").content.decode()
    plain = desk.browser().get(f"/messages/{row.pk}").content.decode()
    assert "State: refused; the provider refused it (30007)" in plain


def test_her_consent_is_told_in_spanish(desk):
    """P8, issue 6, point 8: what for, by which channel and how, in words."""
    said = spanish(desk).get(f"/clients/{desk.alice.pk}").content.decode()
    assert "dijo sí</strong> recordatorios, correo" in said
    assert "dijo sí</strong> cuidados, SMS" in said
    assert '<p class="wide soft">en papel ·' in said
    assert "</strong> aftercare, SMS" in desk.browser().get(f"/clients/{desk.alice.pk}").content.decode()


def test_every_way_to_agree_or_to_end_it_has_words():
    """P8, issue 6, point 8: each method that the code writes into the ledger, and each word of a receipt's."""
    written = {What.COMPLAINT.value, What.UNSUBSCRIBE.value}
    written |= set(client_rows.METHODS.values())
    actions = Path(__file__).resolve().parents[3] / "worker"
    for path in (*(actions / "actions").rglob("*.py"), *(actions / "web").glob("*.py")):
        written |= set(METHOD.findall(path.read_text(encoding="utf-8")))
    assert written - set(agreed_words.METHODS) == set()
    assert set(RANK) == set(states.RECEIPTS)
    assert set(AttemptState) == set(states.CALLS)
    assert set(PauseScope) == set(operations.SCOPES)


def test_what_changes_is_told_in_words(desk):
    """P3, issue 6, point 8: hours, purpose and channels as the desk says them, and not as the file has them."""
    practitioner = spanish(desk, Role.PRACTITIONER)
    draft(desk)
    said = practitioner.get(of(desk, "/changes")).content.decode()
    assert "<ins>1 día después (tratamiento), 11:00</ins>" in said
    assert "es verdad hasta: 2 días después (tratamiento)" in said
    for word in ("hand_over", "until", "if closed", "treatment:"):
        assert word not in said, word
    plain = desk.browser(Role.PRACTITIONER).get(of(desk, "/changes")).content.decode()
    assert "is true until: " in plain
    assert "if closed" not in plain
    source = versions.newest(desk.lakeside)
    with translation.override("es"):
        whole, step = TERMS.whole(source), TERMS.frame(source.step("day-1"))
    assert (step["channels"], step["purpose"]) == ("SMS, correo", "del curso, cuidados")
    assert whole["days between sessions"] == "de {} a {}".format(*source.interval_days)


def test_a_pause_and_a_wrong_address_are_told_in_spanish(desk):
    """Rule 144, issue 6, point 8: what is paused by its name; a page that is not there, too."""
    pause(scope=PauseScope.CLINIC, value=str(desk.lakeside.pk), why="x", by="tests", now=NOW)
    pause(scope=PauseScope.ALL, value="", why="y", by="tests", now=NOW)
    browser = spanish(desk, Role.OPERATOR)
    said = browser.get("/operations").content.decode()
    assert '<span class="tag warn">la clínica</span>' in said
    assert '<span class="tag warn">todo</span>' in said
    lost = browser.get("/nowhere")
    assert lost.status_code == 404
    assert "No hay nada en esta dirección" in lost.content.decode()
    assert '<html lang="es"' in lost.content.decode()
    assert "There is nothing at this address" in desk.browser().get("/nowhere").content.decode()
