"""The replies page: read in order, answered through the gate, closed with an undo (rules 17, 41, P1, P2, P10, P12)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, OKAFOR
from worker import clock
from worker.actions.converse.on_call import agree
from worker.models import Conversation, Message, StaffContact
from worker.models.staff import Role
from worker.reading.red_flags import red_flags

DUE = NOW + timedelta(hours=1)
SOON = DUE + timedelta(minutes=5)  # the calendar runs on while the pages are read
RED = "it is bleeding and I have a fever"
WORDS = "Please call us now, we want to hear more."


@pytest.fixture
def says(desk):
    """Alice writes an hour into her course."""
    post.confirmed(NOW)
    clock.step_to(DUE)

    def say(words):
        builders.text_from(desk.lakeside, ALICES_PHONE, words, now=DUE)
        return Conversation.objects.latest("pk")

    return say


def _seen(browser, url):
    return " ".join(browser.get(url).content.decode().split())


def test_red_flag_to_answered(desk, says):
    """Rules 41, 17: Dr Okafor is told, answers on the page, her phone shows it; closed, her course goes on; undone."""
    agree(clinic=desk.lakeside, by=OKAFOR, address="+12125550190", affirmed=True, now=NOW)
    talk = says(RED)
    provider = post.Provider()
    post.round_of_post(SOON, provider)
    assert "+12125550190" in [out.to for out in provider.taken]
    browser = desk.browser(Role.PRACTITIONER)
    listed = _seen(browser, "/inbox")
    assert "Alice Moreau" in listed
    assert "answer by" in listed
    assert "1 warning sign" in _seen(browser, "/today")
    page = _seen(browser, f"/inbox/{talk.pk}")
    assert RED in page
    assert "11:00" in page

    form = {"words": WORDS, "key": "k1", "no_stop": "on", "then": "wait"}
    said = browser.post(f"/inbox/{talk.pk}", form, follow=True).content.decode()
    assert "It is on its way" in said
    browser.post(f"/inbox/{talk.pk}", form)
    provider = post.Provider()
    post.round_of_post(SOON, provider)
    (body,) = [out.body for out in provider.taken if out.to == ALICES_PHONE]
    assert WORDS in body
    assert red_flags(now=DUE + timedelta(hours=1)) == (0, 0, 0.0)
    assert builders.message(desk.alice, "same-day").reason == "conversation_open"

    answer = browser.post(f"/inbox/{talk.pk}/close", follow=True).content.decode()
    assert "Her course goes on" in answer
    assert post.round_of_post(SOON) == ["same-day"]
    browser.post(f"/inbox/{talk.pk}/reopen")
    talk.refresh_from_db()
    assert (talk.closed_at, talk.taken_by) == (None, desk.people["lakeside", Role.PRACTITIONER])


def test_what_may_mean_stop_is_neither_answered_nor_closed_unread(desk, says):
    """Rule 17, P12: without the tick nothing goes and nothing ends, and the page says why."""
    talk, browser = says("this is a lot of texts, is that needed?"), desk.browser()
    said = browser.post(f"/inbox/{talk.pk}", {"words": WORDS, "key": "k1"}).content.decode()
    assert "on hold" in said
    said = browser.post(f"/inbox/{talk.pk}/close", follow=True).content.decode()
    assert "may mean stop" in said
    talk.refresh_from_db()
    assert talk.closed_at is None
    assert not Message.objects.filter(kind="staff_reply").exists()
    browser.post(f"/inbox/{talk.pk}/close", {"no_stop": "on"})
    talk.refresh_from_db()
    assert talk.closed_at is not None
    assert builders.standing_of(desk.alice).held_at is None


def test_after_a_stop_there_is_no_form_and_a_forced_one_changes_nothing(desk, says):
    """P2: neither her words nor the approved reply leave; a call can still be noted, and it can be closed."""
    talk, browser = says(RED), desk.browser()
    builders.text_from(desk.lakeside, ALICES_PHONE, "STOP", now=DUE)
    assert "Nothing can be written here" in _seen(browser, f"/inbox/{talk.pk}")
    form = {"words": WORDS, "key": "k1", "no_stop": "on"}
    assert "she said stop on" in browser.post(f"/inbox/{talk.pk}", form).content.decode()
    assert "she said stop on" in browser.post(f"/inbox/{talk.pk}/fixed", form, follow=True).content.decode()
    assert not Message.objects.filter(kind="staff_reply").exists()
    browser.post(f"/inbox/{talk.pk}/called")
    browser.post(f"/inbox/{talk.pk}/close")
    talk.refresh_from_db()
    assert None not in (talk.answered_at, talk.closed_at)


def test_the_approved_reply_goes_by_one_press_also_while_she_is_on_hold(desk, says):
    """P3, P4: the clinic's own approved words, once for a form, and they are an answer."""
    talk, browser = says(RED), desk.browser()
    post.round_of_post(SOON)
    for _ in range(2):
        browser.post(f"/inbox/{talk.pk}/fixed", {"key": "k2"})
    provider = post.Provider()
    post.round_of_post(SOON, provider)
    assert len([out for out in provider.taken if out.to == ALICES_PHONE]) == 1
    assert red_flags(now=DUE).waiting == 0


def test_it_is_taken_and_given_back(desk, says):
    """Who leads it is seen by everybody, and can be undone."""
    talk, browser = says("thank you so much"), desk.browser()
    assert "It is yours" in browser.post(f"/inbox/{talk.pk}/take", follow=True).content.decode()
    assert "has it" in _seen(desk.browser(Role.OWNER), "/inbox")
    browser.post(f"/inbox/{talk.pk}/back")
    talk.refresh_from_db()
    assert talk.taken_by is None
    assert browser.get(f"/inbox/{talk.pk}/take")["Location"] == f"/inbox/{talk.pk}"
    assert browser.post(f"/inbox/{talk.pk}/burn").status_code == 404


def test_the_desk_may_begin(desk, says):
    """A conversation from our side holds her automated texts, and says so first."""
    browser = desk.browser()
    assert "until you close" in _seen(browser, f"/clients/{desk.alice.pk}/write")
    assert not Conversation.objects.exists()
    answer = browser.post(f"/clients/{desk.alice.pk}/write")
    made = Conversation.objects.get()
    assert answer["Location"] == f"/inbox/{made.pk}"
    assert made.holds
    browser.post(f"/inbox/{made.pk}", {"words": WORDS, "key": "k1", "then": "close"})
    assert set(post.round_of_post(SOON)) == {"same-day", "staff-reply"}


def test_the_pages_take_at_most_twelve_queries(desk, says, django_assert_max_num_queries):
    """The list and a conversation with words of both sides, the session's among them; times are on her clock."""
    talk, browser = says(RED), desk.browser()
    browser.post(f"/inbox/{talk.pk}", {"words": WORDS, "key": "k1", "no_stop": "on"})
    post.round_of_post(SOON)
    desk.alice.zone = "America/Los_Angeles"
    desk.alice.save(update_fields=["zone"])
    for url in ("/inbox", f"/inbox/{talk.pk}"):
        with django_assert_max_num_queries(12):
            said = browser.get(url).content.decode()
    assert "8:00" in said
    assert "America/Los_Angeles" in said
    assert WORDS in said


def test_a_task_leads_to_where_it_is_answered(desk, says):
    """Today and her page: what a press of "done" would not answer opens the conversation instead."""
    talk, browser = says("this is a lot of texts, is that needed?"), desk.browser(Role.OWNER)
    link = f'href="/inbox/{talk.pk}"'
    assert link in _seen(browser, "/today")
    assert link in _seen(browser, f"/clients/{desk.alice.pk}")


def test_she_agrees_for_herself_and_leaves(desk):
    """Staff messages have their own opt-in: nobody without the tick, and gone by one press (P12)."""
    browser = desk.browser()
    assert "Nobody: a warning sign waits" in _seen(browser, "/on-call")
    assert "is missing" in browser.post("/on-call", {"address": "+12125550191"}).content.decode()
    assert not StaffContact.objects.exists()
    browser.post("/on-call", {"address": "+12125550191", "affirmed": "on"})
    assert StaffContact.objects.get(ended_at__isnull=True).staff == desk.people["lakeside", Role.DESK]
    assert "Desk of Lakeside" in _seen(browser, "/on-call")
    browser.post("/on-call", {"leave": "sms"})
    assert not StaffContact.objects.filter(ended_at__isnull=True).exists()


@pytest.mark.parametrize("address", ["+44 7700 900123", "911", "abc", "a@b@c", "x@y", "\U0001f600"])
def test_what_is_no_address_is_refused_beside_its_field(desk, address):
    """P12: a wrong number or mailbox of whoever wants to be called is told at the field, and nobody is on call."""
    answer = desk.browser().post("/on-call", {"affirmed": "on", "address": address})
    assert answer.status_code == 200
    assert answer.context["form"].errors["address"]
    assert not StaffContact.objects.exists()


def test_who_has_left_is_not_named_as_on_call(desk):
    """Rule 41: only who will be called stands there; a page that named somebody who left would calm wrongly."""
    desk.browser(Role.PRACTITIONER).post("/on-call", {"affirmed": "on", "address": "+12125550191"})
    assert "Practitioner of Lakeside" in _seen(desk.browser(), "/on-call")
    person = desk.people["lakeside", Role.PRACTITIONER]
    person.is_active = False
    person.save(update_fields=["is_active"])
    seen = _seen(desk.browser(), "/on-call")
    assert "Practitioner of Lakeside" not in seen
    assert "Nobody: a warning sign waits" in seen
