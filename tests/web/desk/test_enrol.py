"""Enrolling at the desk: one page, the one action, and evidence of every yes (P1, P12, rules 2, 3)."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from tests.builders import NOW, PROTOCOL, alice, counts
from worker import clock, sealed
from worker.models import Client, Evidence, Grant, Message
from worker.models.staff import Role
from worker.rules.local_time import local, zone

pytestmark = pytest.mark.usefixtures("really")
STROKES = [[[100, 500], [400, 200], [700, 800]]]


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


def form(**changes):
    """Carla, as Sam types her in; None takes a field out."""
    wall = local(NOW - timedelta(minutes=20), zone("America/New_York"))
    said = {
        "name": "Carla Ruiz", "phone": "(212) 555-0142", "email": "", "language": "es", "zone": "America/New_York",
        "protocol": PROTOCOL, "treated_day": f"{wall:%Y-%m-%d}", "treated_time": f"{wall:%H:%M}",
        "practitioner": "okafor@lakeside.example", "agree_sms_aftercare": "on", "method": "kiosk",
        "strokes": json.dumps(STROKES), "external_id": "desk-carla",
    }  # fmt: skip
    return {name: value for name, value in (said | changes).items() if value is not None}


def test_a_press_enrols_with_the_signature_as_evidence(desk):
    """One press: client, consent with the words and what she drew, treatment, messages (rule 2, P1)."""
    answer = desk.browser().post("/enrol", form())

    carla = Client.objects.get(external_id="desk-carla")
    assert answer["Location"] == f"/clients/{carla.pk}"
    grant = Grant.objects.get(client=carla)
    assert (grant.purpose, grant.state) == ("aftercare", "active")
    said = sealed.unseal_json(Evidence.objects.latest("pk").sealed, "consent.evidence")
    assert said["signature"]["strokes"] == STROKES
    assert said["as_written"] == "(212) 555-0142"
    assert Message.objects.filter(client=carla, channel="sms").exists()
    assert not Message.objects.filter(client=carla, purpose="reminders", cls="course").exists()


def test_nothing_is_ticked_beforehand(desk):
    """Every box of the fresh page is empty (rule 3)."""
    said = desk.browser().get("/enrol").content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]*name="agree_[^>]*>', said)
    assert len(boxes) == 6
    assert not [box for box in boxes if "checked" in box]
    assert "I agree that the clinic named on this form" in said
    assert "Acepto que la clínica" in said


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"treated_day": "2027-02-01"}, "treated_day"),
        ({"session_day": "2026-01-01", "session_time": "10:00"}, "session_day"),
        ({"strokes": "", "signed_name": ""}, "signed_name"),
        ({"method": None}, "method"),
        ({"agree_email_aftercare": "on"}, None),
        ({"name": ""}, "name"),
        ({"agree_sms_marketing": "on", "method": "verbal"}, "method"),
        ({"minor": "on"}, None),
        ({"session_time": "10:00"}, "session_day"),
    ],
)
def test_a_refusal_stands_beside_its_field_and_changes_nothing(desk, changes, field):
    """Every fault names its field and the mend, and nothing was written (P12)."""
    before = counts()

    answer = desk.browser().post("/enrol", form(**changes))

    assert answer.status_code == 200
    errors = answer.context["form"].errors
    assert (field or "__all__") in errors, errors
    assert counts() == before


def test_somebody_with_that_phone_is_told_before_a_second_enrolment(desk):
    """A phone that is known asks whether it is the same person; nobody is enrolled before the answer (rule 134)."""
    browser, phone = desk.browser(), "(212) 555-0123"

    first = browser.post("/enrol", form(phone=phone))
    assert [each.name for each in first.context["same"]] == ["Alice Moreau"]
    assert not Client.objects.filter(external_id="desk-carla").exists()

    browser.post("/enrol", form(phone=phone, another="on"))
    assert Client.objects.filter(external_id="desk-carla").exists()


def test_pressed_twice_it_is_one_client(desk):
    """The same page sent twice leads to the same client (P4)."""
    browser = desk.browser()
    first, second = browser.post("/enrol", form()), browser.post("/enrol", form())
    assert first["Location"] == second["Location"]
    assert Client.objects.filter(external_id="desk-carla").count() == 1


def test_the_preview_says_what_the_enrolment_then_plans(desk):
    """Hours and channels of the preview are those of the messages planned afterwards; it writes nothing (P6)."""
    browser, before = desk.browser(), counts()
    shown = browser.post(
        "/enrol/preview", form(session_day="2027-02-16", session_time="10:30", agree_sms_reminders="on")
    )
    assert counts() == before
    lines = [each for each in shown.context["preview"].lines if not each.hand_over]
    assert shown.context["preview"].parts > 0

    browser.post("/enrol", form(session_day="2027-02-16", session_time="10:30", agree_sms_reminders="on"))

    planned = Message.objects.filter(client__external_id="desk-carla").select_related("step")
    assert sorted((each.step, each.channel) for each in lines) == sorted(
        (each.step.code, each.channel) for each in planned
    )
    due = {each.step.code: each.due_at for each in planned if each.cls == "course"}  # the confirmation is due at once
    assert {each.step: each.due_at for each in lines if each.step in due} == due


def test_an_address_that_said_stop_is_refused_in_words(desk):
    """Who said STOP is not enrolled again by us (rules 34, 62)."""
    from worker.actions.consent.desk_revoke import from_desk

    from_desk(
        clinic_slug="lakeside", phone="", email="", client_id=desk.alice.pk, reason="letter", received_at=None, now=NOW
    )
    answer = desk.browser().post("/enrol", form(phone="(212) 555-0123", another="on"))
    assert "may not be written to since" in str(answer.context["form"].errors["phone"])


def test_a_hostile_name_stays_a_name(desk):
    """Markup in a name is shown, not obeyed (P12)."""
    browser = desk.browser()
    browser.post("/enrol", form(name="<script>alert(1)</script>"))
    said = browser.get(f"/clients/{Client.objects.get(external_id='desk-carla').pk}").content.decode()
    assert "<script>alert" not in said
    assert "&lt;script&gt;alert" in said


def begin(desk, browser, **changes):
    """From the desk's page to the link behind the code."""
    said = browser.post("/enrol/self", form(**changes))
    return "/e/" + said.context["link"].rpartition("/")[2]


def test_she_enrols_on_her_own_phone(desk, client):
    """Behind the code she reads, ticks and signs; the desk's own fields are not hers to change (rule 2)."""
    link = begin(desk, desk.browser(), name="", phone="")
    page = client.get(link)
    assert "Acepto que la cl" in page.content.decode()

    done = client.post(
        link,
        {"name": "Carla Ruiz", "phone": "(212) 555-0142", "email": "", "agree_sms_aftercare": "on",
         "signed_name": "Carla", "treated_day": "2020-01-01", "external_id": "of-mine", "method": "paper"},
        headers={"user-agent": "Phone/1"},
    )  # fmt: skip

    assert done.status_code == 200
    carla = Client.objects.get(external_id="desk-carla")
    said = sealed.unseal_json(Evidence.objects.latest("pk").sealed, "consent.evidence")
    assert said["signature"]["typed"] == "Carla"
    assert "Phone/1" in said["signature"]["device"]
    assert carla.treatments.get().performed_at.date() == NOW.date()
    assert client.get(link).status_code == 404, "the link works once"


def test_her_link_asks_for_a_signature(desk, client):
    """A tick without a signature enrols nobody (rule 2)."""
    link = begin(desk, desk.browser())
    answer = client.post(link, {"name": "Carla Ruiz", "phone": "(212) 555-0142", "agree_sms_aftercare": "on"})
    assert "signed_name" in answer.context["form"].errors
    assert not Client.objects.filter(external_id="desk-carla").exists()


@pytest.mark.parametrize("token", ["x", "A" * 24, "../today"])
def test_a_forged_link_leads_nowhere(desk, client, token):
    """404, in the same words (P10)."""
    assert client.get(f"/e/{token}").status_code == 404


def test_the_desk_sees_when_she_has_finished(desk, client):
    """Waiting leads to her page once she is there, and not before."""
    browser = desk.browser()
    link = begin(desk, browser)
    ask = {"external_id": "desk-carla"}
    assert browser.post("/enrol/self/wait", ask, headers={"x-requested-with": "fetch"}).content == b""
    client.post(link, {"name": "Carla Ruiz", "phone": "", "email": "c@example.com", "agree_email_aftercare": "on",
                       "signed_name": "Carla"})  # fmt: skip
    made = Client.objects.get(external_id="desk-carla")
    assert browser.post("/enrol/self/wait", ask)["Location"] == f"/clients/{made.pk}"
    assert desk.browser(Role.DESK, "hillside").post("/enrol/self/wait", ask).status_code == 200, (
        "not the other clinic's"
    )


def test_an_old_file_is_still_a_repeat(desk):
    """The hash of a file without a signature is what it was before there were any (P12)."""
    assert alice(visit=NOW + timedelta(days=35)).repeated


def test_the_code_asks_whether_it_is_another_person(desk, client):
    """Enrolled twice she would get every text twice: the question stands before the code as before the press (P4)."""
    browser, twice = desk.browser(), {"phone": "(212) 555-0123"}
    asked = browser.post("/enrol/self", form(**twice))
    assert "link" not in asked.context
    assert asked.context["form"].errors.keys() == {"another"}
    assert browser.post("/enrol/self", form(**twice, another="on")).context["link"]


def test_her_own_phone_enrols_nobody_twice(desk, client):
    """A number that somebody has is for the desk to judge, and nothing says whose it is (P4, P9)."""
    said = {"name": "Carla Ruiz", "phone": "(212) 555-0123", "agree_sms_aftercare": "on", "signed_name": "Carla"}
    answer = client.post(begin(desk, desk.browser(), name="", phone=""), said)
    assert "Pregunte en el puesto" in answer.content.decode()
    assert "Alice" not in answer.content.decode()
    assert not Client.objects.filter(external_id="desk-carla").exists()


@pytest.mark.parametrize(
    ("field", "days"), [("treated_day", 1), ("treated_day", -121), ("session_day", -1), ("session_day", 800)]
)
def test_a_day_that_only_the_desk_can_mend_gets_no_code(desk, field, days):
    """On her phone it would be a dead end, for she can't see it (P12)."""
    day = f"{(NOW + timedelta(days=days)).date()}"
    answer = desk.browser().post("/enrol/self", form(**{field: day, "session_time": "10:00", "session_day": day}))
    assert field in answer.context["form"].errors
    assert "link" not in answer.context


def test_who_was_enrolled_meanwhile_is_told_so(desk, client):
    """The desk pressed its own button while she filled in hers: one client, and no fault of hers (P4, P12)."""
    browser = desk.browser()
    link = begin(desk, browser)
    browser.post("/enrol", form())
    assert (
        "nothing more" in client.get(link).content.decode()
        or "nada más que rellenar" in client.get(link).content.decode()
    )
    again = browser.post("/enrol", form(name="Somebody Else"), follow=True)
    assert "was sent before" in again.content.decode()
    assert Client.objects.filter(external_id="desk-carla").count() == 1


@pytest.mark.parametrize("path", ["/enrol", "/enrol/preview"])
@pytest.mark.parametrize(
    "odd",
    [
        {"treated_day": "9999-12-31"}, {"session_day": "9999-12-31", "session_time": "10:00"},
        {"session_day": "0001-01-01"}, {"zone": "Nowhere/Land"}, {"strokes": "[" * 5000},
    ],
    ids=lambda odd: next(iter(odd)),
)  # fmt: skip
def test_what_no_browser_sends_is_refused_and_breaks_no_page(desk, path, odd):
    """Hostile fields get a page that says what to mend, and enrol nobody by accident (P12)."""
    answer = desk.browser().post(path, form(**odd) | {"preview": "1"})
    assert answer.status_code == 200
    assert not Client.objects.filter(external_id="desk-carla").exists()


@pytest.mark.parametrize("strokes", ['[["a"]]', '[[["x", 1]]]', "[[1]]", '[{"a": 1}]', "[[[true, 1]]]", '{"a": 1}'])
def test_what_is_no_drawing_is_no_signature(desk, strokes):
    """It is shown on the client's page, which must open (rule 2, P12)."""
    browser = desk.browser()
    answer = browser.post("/enrol", form(strokes=strokes, signed_name="Carla"))
    assert browser.get(answer["Location"]).status_code == 200
    said = sealed.unseal_json(Evidence.objects.latest("pk").sealed, "consent.evidence")
    assert said["signature"]["strokes"] == []
