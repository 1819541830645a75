"""A session on record is put right at the desk: seen before it is done, by its own clinic alone (P7, P8, P10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW, messages_of
from worker import clock
from worker.actions.course.put_right import correct, void
from worker.models import StaffTask, Treatment
from worker.models.staff import Role
from worker.rules.states import State
from worker.rules.taken_back import VoidReason

MONDAY = {"day": "2027-01-11", "hour": "11:00"}
"""A day before Alice's session as it stands: on Tuesday at nine in New York."""
MAY = (Role.DESK, Role.PRACTITIONER, Role.OWNER)


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


@pytest.fixture
def known(desk):
    """Alice's session."""
    return desk.alice.treatments.get()


def went():
    """Her texts of the first six hours left; the calendar stands there."""
    post.confirmed(NOW)
    for hour in range(7):
        post.round_of_post(NOW + hour * timedelta(hours=1))
    clock.step_to(NOW + timedelta(hours=6))


def fresh(known):
    known.refresh_from_db()
    return known


def seen_of(answer):
    return answer.context["form"]["seen"].value()


def test_her_page_leads_to_both_and_after_a_void_to_its_undo(desk, known):
    """Each session that stands can be corrected or voided, one that was voided can stand again."""
    page = f"/clients/{desk.alice.pk}"
    shown = desk.browser().get(page).content.decode()
    assert f'href="/sessions/{known.pk}/time"' in shown
    assert f'href="/sessions/{known.pk}/void"' in shown
    assert "/stand" not in shown
    void(treatment_id=known.pk, why=VoidReason.NOT_DONE, by=builders.SAM, now=NOW)
    shown = desk.browser().get(page).content.decode()
    assert f'href="/sessions/{known.pk}/stand"' in shown
    assert f"/sessions/{known.pk}/time" not in shown


@pytest.mark.parametrize("role", MAY)
def test_a_time_is_shown_first_and_corrected_by_the_second_press(desk, known, role):
    """P8, P12: the first press changes nothing and says what moves; the second does just that."""
    browser, url, before = desk.browser(role), f"/sessions/{known.pk}/time", builders.counts()
    assert "What would change" not in browser.get(url).content.decode()
    answer = browser.post(url, {**MONDAY, "look": "yes"})
    turns = answer.context["foreseen"].turns
    assert turns
    assert "moves" in answer.content.decode()
    assert builders.counts() == before
    browser.post(url, {**MONDAY, "seen": seen_of(answer), "act": "yes"})
    assert fresh(known).performed_at == NOW - timedelta(hours=23)
    due = {(each.step.code, each.channel): each.due_at for each in messages_of(desk.alice, state=State.PLANNED)}
    for each in turns:  # what is due at once is due at the press
        then = due.get((each.step, each.channel))
        assert then == each.after or each.after <= then <= each.after + timedelta(minutes=1)


def test_a_press_counts_for_what_was_on_the_screen(desk, known):
    """P8: another day typed after the preview, or a colleague's correction meanwhile: shown first, not done."""
    browser, url = desk.browser(), f"/sessions/{known.pk}/time"
    seen = seen_of(browser.post(url, {**MONDAY, "look": "yes"}))
    for sent in ({**MONDAY, "act": "yes"}, {**MONDAY, "hour": "12:00", "seen": seen, "act": "yes"}):
        assert browser.post(url, sent).context["foreseen"] is not None
        assert fresh(known).generation == 1
    correct(treatment_id=known.pk, performed_at=NOW - timedelta(minutes=7), by=builders.SAM, now=NOW)
    assert browser.post(url, {**MONDAY, "seen": seen, "act": "yes"}).context["foreseen"] is not None
    assert fresh(known).generation == 2


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"day": "", "hour": "11:00"}, "day", "required"),
        ({"day": "2027-13-40", "hour": "11:00"}, "day", "Enter a valid date"),
        ({"day": "2027-01-11", "hour": "25:99"}, "hour", "Enter a valid time"),
        ({"day": "2027-01-13", "hour": "11:00"}, "day", "lies ahead"),
        ({"day": "2020-01-01", "hour": "11:00"}, "day", "choose another day or hour"),
        ({"day": "2027-01-12", "hour": "09:00"}, "day", "the time on record"),
    ],
)
@pytest.mark.parametrize("press", ["look", "act"])
def test_a_bad_time_is_refused_beside_its_field(desk, known, sent, field, said, press):
    """P12: it names the field and the mend, and changes nothing."""
    before = builders.counts()
    answer = desk.browser().post(f"/sessions/{known.pk}/time", {**sent, "seen": "g1:x", press: "yes"})
    assert said in str(answer.context["form"].errors[field])
    assert (builders.counts(), fresh(known).generation) == (before, 1)


def test_a_void_is_shown_asks_why_and_can_be_undone(desk, known):
    """P7, P12: without a reason nothing happens; with one its plan ends; one press brings it back."""
    browser, url, before = desk.browser(), f"/sessions/{known.pk}/void", builders.counts()
    planned = {(each.step.code, each.channel) for each in messages_of(desk.alice, state=State.PLANNED)}
    looked = browser.get(url)
    assert {each.after for each in looked.context["foreseen"].turns} == {None}
    for sent in ({}, {"why": "because"}):
        assert "why" in browser.post(url, sent).context["form"].errors
    assert (builders.counts(), fresh(known).voided_at) == (before, None)
    said = browser.post(url, {"why": "twice"}, follow=True).content.decode()
    assert fresh(known).voided_at is not None
    assert not [each for each in messages_of(desk.alice, state=State.PLANNED) if each.treatment_id]
    assert f'action="/sessions/{known.pk}/stand"' in said
    browser.post(f"/sessions/{known.pk}/stand", {"undo": "1"})
    assert fresh(known).voided_at is None
    assert {(each.step.code, each.channel) for each in messages_of(desk.alice, state=State.PLANNED)} == planned


def test_what_left_and_was_not_true_is_said_and_becomes_a_task(desk, known):
    """P5, P7: before the press in words, after it among what waits for a person."""
    went()
    url = f"/sessions/{known.pk}/void"
    assert "She has read something that was not true" in desk.browser().get(url).content.decode()
    said = desk.browser().post(url, {"why": "other_client"}, follow=True).content.decode()
    assert StaffTask.objects.get(kind="told_untrue").client_id == desk.alice.pk
    assert "Call her: they were not true." in said


def test_one_that_was_taken_back_meanwhile_is_said_and_stays_so(desk, known):
    """P12: a colleague was faster; looking and pressing say so, and nothing changes."""
    void(treatment_id=known.pk, why=VoidReason.NOT_DONE, by=builders.SAM, now=NOW)
    before, browser = builders.counts(), desk.browser()
    looked = browser.get(f"/sessions/{known.pk}/void").content.decode()
    assert "was taken back; let it stand again if it was done after all" in looked
    assert 'name="act"' not in looked
    assert "was taken back" in browser.post(f"/sessions/{known.pk}/void", {"why": "twice"}).content.decode()
    assert "was taken back" in browser.post(f"/sessions/{known.pk}/time", {**MONDAY, "look": "yes"}).content.decode()
    assert builders.counts() == before


@pytest.mark.parametrize("what", ["time", "void", "stand"])
def test_nobody_else_puts_it_right(desk, known, what):
    """P10: 404 for Charlie's desk, whether it looks or presses; 403 for an operator; nothing has changed."""
    url, sent = f"/sessions/{known.pk}/{what}", {**MONDAY, "why": "twice", "act": "yes", "look": "yes"}
    for role in MAY:
        charlie = desk.browser(role, "hillside")
        assert (charlie.get(url).status_code, charlie.post(url, sent).status_code) == (404, 404)
    operator = desk.browser(Role.OPERATOR)
    assert (operator.get(url).status_code, operator.post(url, sent).status_code) == (403, 403)
    assert (fresh(known).generation, fresh(known).voided_at) == (1, None)


def test_it_is_said_in_spanish(desk, known):
    """Issue 6, point 8: the pages, their choices and what they refuse."""
    browser = desk.browser()
    browser.post("/language", {"language": "es", "next": "/today"})
    went()
    said = browser.get(f"/sessions/{known.pk}/void").content.decode()
    for words in ("Qué cambiaría", "termina", "Se anotó dos veces", "Ha leído algo que no era cierto"):
        assert words in said
    past = browser.post(f"/sessions/{known.pk}/time", {"day": "2020-01-01", "hour": "11:00", "look": "yes"})
    assert "elija otro día u otra hora" in str(past.context["form"].errors["day"])
    assert Treatment.objects.get(pk=known.pk).generation == 1
