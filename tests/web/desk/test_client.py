"""A client's page and what the desk can do there: each act is said before, done by POST, undone where cheap (P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import ALICES_PHONE, NOW, message, messages_of, standing_of, text_from
from worker import clock
from worker.actions.staff import accounts
from worker.models import Appointment, Event, Message, StaffTask
from worker.models.staff import Role
from worker.rules.states import State

PASSWORD = "a calm desk in spring"


@pytest.fixture(autouse=True)
def _setting(settings, tmp_path):
    settings.CALENDAR_FILE = str(tmp_path / "calendar")
    clock.step_to(NOW)


def page(desk, browser=None):
    return (browser or desk.browser()).get(f"/clients/{desk.alice.pk}")


def test_it_shows_past_and_coming_in_plain_words(desk):
    """What was sent with its text, what will come, and why something did not (P8)."""
    row = message(desk.alice, "day-1")
    Message.objects.filter(pk=row.pk).update(state=State.WITHHELD, reason="quiet_hours", decided_at=NOW)

    shown = page(desk).context["known"]

    assert [each.step for each in shown.past] == ["day-1"]
    assert shown.past[0].plain == "the hour did not allow it"
    assert len(shown.coming) == len(messages_of(desk.alice)) - 1
    assert {each.channel for each in shown.reach} == {"sms", "email"}
    assert {each.act for each in shown.acts} == {"given"}


def test_a_page_takes_at_most_twelve_queries(desk, django_assert_max_num_queries):
    """Today, search, the enrolment page and a client's page: twelve queries at most, the session's among them."""
    browser = desk.browser()
    browser.get("/today")
    for url in ("/today", f"/clients/{desk.alice.pk}", "/enrol", "/clients"):
        with django_assert_max_num_queries(12):
            assert browser.get(url).status_code == 200
    with django_assert_max_num_queries(12):
        browser.post("/clients", {"who": "alice"})


@pytest.mark.parametrize("who", ["alice", "ALICE", "mor", "0123", "(212) 555-0123", "alice@example.com", "Ali Moreau"])
def test_she_is_found_by_what_the_desk_has_in_hand(desk, who):
    """A name, a part of it, a phone, its end, or a mailbox; never the other clinic's (P10)."""
    answer = desk.browser().post("/clients", {"who": who})
    assert [each.name for each in answer.context["found"]] == ["Alice Moreau"]
    assert not desk.browser(Role.DESK, "hillside").post("/clients", {"who": who}).context["found"]


def test_looking_at_an_act_changes_nothing(desk):
    """A GET shows what will happen and does nothing (P12)."""
    browser, before = desk.browser(), Event.objects.count()
    for act in ("stop", "pause", "session", "visit"):
        said = browser.get(f"/clients/{desk.alice.pk}/{act}").content.decode()
        assert "What will happen" in said
    assert Event.objects.count() == before


def test_end_messages_ends_them_at_once(desk):
    """A word at the desk is a STOP: nothing planned is left, on any address (P2, rule 27)."""
    answer = desk.browser().post(
        f"/clients/{desk.alice.pk}/stop", {"what": "everything", "reason": "told me"}, follow=True
    )

    assert not messages_of(desk.alice, state=State.PLANNED)
    assert standing_of(desk.alice).suppressed_at is not None
    assert answer.context["known"].stopped
    assert f"staff:{desk.people['lakeside', Role.DESK].pk}" in {each.by for each in answer.context["known"].acts}


def test_a_stop_by_text_leaves_the_mail_that_she_agreed_to(desk):
    """STOP ends the number; the page does not claim that all has ended while mail still comes (rule 25)."""
    text_from(desk.lakeside, ALICES_PHONE, "STOP")
    shown = page(desk).context["known"]
    assert not shown.stopped
    assert {each.channel for each in shown.reach if each.stopped_at} == {"sms"}


def test_less_than_everything_can_end(desk):
    """One purpose on one channel ends; the others go on (rule 1)."""
    desk.browser().post(f"/clients/{desk.alice.pk}/stop", {"what": "sms.reminders", "reason": "told me"})
    left = {(each.channel, each.purpose) for each in messages_of(desk.alice, state=State.PLANNED, cls="course")}
    assert ("sms", "reminders") not in left
    assert {("sms", "aftercare"), ("email", "reminders")} <= left


def test_a_stop_needs_a_reason(desk):
    """Without how she said it nothing is changed (P12)."""
    desk.browser().post(f"/clients/{desk.alice.pk}/stop", {"what": "everything", "reason": ""})
    assert messages_of(desk.alice, state=State.PLANNED)


def test_a_pause_can_be_undone_by_one_press(desk):
    """Paused, then gone on with: the address is free again (rule 17)."""
    browser = desk.browser()
    said = browser.post(f"/clients/{desk.alice.pk}/pause", follow=True)
    assert standing_of(desk.alice).held_at is not None
    assert f"/clients/{desk.alice.pk}/resume" in said.content.decode()

    browser.post(f"/clients/{desk.alice.pk}/resume")

    assert standing_of(desk.alice).held_at is None


def test_her_clock_is_put_right_and_the_plan_follows(desk):
    """P6: chosen from the list, on her page; what is no place's is refused beside its field (P12)."""
    browser, url = desk.browser(), f"/clients/{desk.alice.pk}/clock"
    assert url in page(desk, browser).content.decode()
    odd = browser.post(url, {"zone": "Mars/Olympus"})
    assert "zone" in odd.context["form"].errors

    browser.post(url, {"zone": "America/Denver"})

    assert {each.zone for each in messages_of(desk.alice, state=State.PLANNED)} == {"America/Denver"}
    assert "America/Denver" in page(desk, browser).content.decode()


def test_a_visit_is_moved_cancelled_and_taken_up_again(desk):
    """Reminders follow the visit (P7)."""
    browser, visit = desk.browser(), Appointment.objects.get(client=desk.alice)
    browser.post(f"/visits/{visit.pk}/move", {"day": "2027-02-20", "hour": "11:00"})
    visit.refresh_from_db()
    assert visit.starts_at.isoformat() == "2027-02-20T16:00:00+00:00"

    said = browser.post(f"/visits/{visit.pk}/end/cancelled", follow=True)
    assert Appointment.objects.get(pk=visit.pk).status == "cancelled"
    assert f"/visits/{visit.pk}/reopen" in said.content.decode()

    browser.post(f"/visits/{visit.pk}/reopen")
    assert Appointment.objects.get(pk=visit.pk).status == "booked"


def test_a_past_day_is_refused_beside_the_field(desk):
    """The mend stands at the day, and the visit where it was (P12)."""
    visit = Appointment.objects.get(client=desk.alice)
    answer = desk.browser().post(f"/visits/{visit.pk}/move", {"day": "2020-01-01", "hour": "11:00"})
    assert "day" in answer.context["form"].errors
    assert Appointment.objects.get(pk=visit.pk).starts_at == visit.starts_at


def test_another_session_replaces_the_aftercare(desk):
    """A session recorded at the desk plans its own aftercare (P7)."""
    answer = desk.browser().post(
        f"/clients/{desk.alice.pk}/session",
        {"protocol": "microneedling-stretch-marks", "day": "2027-01-12", "hour": "09:45"},
        follow=True,
    )
    assert desk.alice.treatments.count() == 2
    assert "The session is recorded" in answer.content.decode()


def test_a_step_goes_again_once(desk):
    """A step that was not delivered goes again; pressed twice it goes once (P4)."""
    row = message(desk.alice, "day-1")
    Message.objects.filter(pk=row.pk).update(state=State.UNDELIVERED)
    browser = desk.browser()

    browser.post(f"/messages/{row.pk}/again")
    second = browser.post(f"/messages/{row.pk}/again")

    again = Message.objects.filter(client=desk.alice, step__code="day-1", channel="sms", resend=1)
    assert again.count() == 1
    assert "is on its way already" in second.content.decode()


def test_what_is_not_true_any_more_does_not_go_again(desk):
    """Past its useful time a step is not sent by hand either (P7)."""
    row = message(desk.alice, "day-1")
    Message.objects.filter(pk=row.pk).update(state=State.MISSED, expires_at=NOW - timedelta(minutes=1),
                                             created_at=NOW - timedelta(days=1))  # fmt: skip
    answer = desk.browser().post(f"/messages/{row.pk}/again")
    assert "is not true any more" in answer.content.decode()
    assert not Message.objects.filter(client=desk.alice, resend=1).exists()


def test_a_task_is_done_by_one_press(desk):
    """Done, by whom, on record."""
    task = StaffTask.objects.get(client=desk.alice, kind="unclear_reply")
    desk.browser().post(f"/tasks/{task.pk}/done")
    task.refresh_from_db()
    assert task.done_by == f"staff:{desk.people['lakeside', Role.DESK].pk}"


@pytest.mark.parametrize("act", ["erase", "dossier"])
def test_erasing_and_exporting_ask_again_who_it_is(desk, act):
    """Whoever sits down at an open desk can neither take a file away nor destroy it (P10)."""
    accounts.set_password(email=desk.people["lakeside", Role.DESK].email, password=PASSWORD)
    browser, url, said = desk.browser(), f"/clients/{desk.alice.pk}/{act}", {"sure": "on", "form": "json"}
    answer = browser.post(url, said)
    assert answer["Location"].startswith("/account/again")
    assert desk.alice.__class__.objects.get(pk=desk.alice.pk).erased_at is None
    assert not Event.objects.filter(kind="dossier").exists()

    browser.post("/account/again", {"password": PASSWORD, "next": url}, follow=True)
    browser.post(url, said)
    assert Event.objects.filter(kind="dossier" if act == "dossier" else "erased").exists()


def test_todays_page_holds_what_needs_a_person(desk):
    """Who was treated, what goes out, what waits; an operator sees how many, and no name (P9)."""
    shown = desk.browser().get("/today").context
    assert [each.name for each in shown["day"].treated] == ["Alice Moreau"]
    assert [each["row"].kind for each in shown["todos"]] == ["unclear_reply"]
    assert shown["day"].by_channel["sms"] >= 1
    assert "Alice" not in desk.browser(Role.OPERATOR).get("/today").content.decode()
