"""A client's page and what the desk can do there: each act is said before, done by POST, undone where cheap (P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import ALICES_PHONE, NOW, PROTOCOL, message, messages_of, standing_of, text_from
from worker import clock
from worker.actions.course.appointment import book
from worker.actions.privacy.erase import erase
from worker.actions.staff import accounts
from worker.models import Appointment, Contact, Event, Grant, Hold, Message, StaffTask
from worker.models.staff import Role
from worker.rules.states import State

PASSWORD = "a calm desk in spring"
UNCLEAR = "this is a lot of texts, is that needed?"


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


def test_where_there_is_no_address_nothing_is_said_to_have_ended(desk):
    """P8: a desk that reads "it has ended" believes that something had been going out."""
    Contact.objects.filter(client=desk.alice).update(valid_to=NOW)
    answer = desk.browser().post(
        f"/clients/{desk.alice.pk}/stop", {"what": "everything", "reason": "told me"}, follow=True
    )
    assert "There was nothing to end" in answer.content.decode()
    assert "It has ended" not in answer.content.decode()


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
    assert 'name="undo" value="1"' in said.content.decode()

    said = browser.post(f"/clients/{desk.alice.pk}/resume", {"undo": "1"}, follow=True)

    assert "Going on" in said.content.decode()
    assert {standing_of(desk.alice, channel).held_at for channel in ("sms", "email")} == {None}
    said = browser.post(f"/clients/{desk.alice.pk}/resume", {"undo": "1"})
    assert "is not paused any more" in said.content.decode()


def test_an_undo_leaves_what_an_unclear_reply_has_held_meanwhile(desk):
    """Rule 17: nobody has read it yet, so the undo of a pause ends nothing and asks what was found out."""
    browser, url = desk.browser(), f"/clients/{desk.alice.pk}/resume"
    browser.post(f"/clients/{desk.alice.pk}/pause")
    text_from(desk.lakeside, ALICES_PHONE, UNCLEAR)

    said = browser.post(url, {"undo": "1"})

    assert "reason" in said.context["form"].errors
    assert "was put on hold again meanwhile" in said.content.decode()
    assert all(standing_of(desk.alice, channel).held_at for channel in ("sms", "email"))
    assert not Hold.objects.filter(released_at__isnull=False).exists()
    browser.post(url, {"reason": "harmless"})
    assert standing_of(desk.alice).held_at is None


def test_an_undo_ends_only_the_pause_that_it_undoes(desk):
    """Rule 17: what an unclear reply had held before the pause is held after its undo."""
    text_from(desk.lakeside, ALICES_PHONE, UNCLEAR)
    browser = desk.browser()
    browser.post(f"/clients/{desk.alice.pk}/pause")

    browser.post(f"/clients/{desk.alice.pk}/resume", {"undo": "1"})

    assert standing_of(desk.alice, "email").held_at is None
    assert standing_of(desk.alice).held_why == "unclear_reply"


def test_going_on_needs_what_was_found_out(desk):
    """Rule 17, P12: a form without a reason is no undo; it is told so, and nothing goes on."""
    browser = desk.browser()
    browser.post(f"/clients/{desk.alice.pk}/pause")
    said = browser.post(f"/clients/{desk.alice.pk}/resume")
    assert "reason" in said.context["form"].errors
    assert standing_of(desk.alice).held_at is not None


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
        {"protocol": "microneedling-stretch-marks", "day": "2027-01-12", "hour": "09:45", "another": "on"},
        follow=True,
    )
    assert desk.alice.treatments.count() == 2
    assert "The session is recorded" in answer.content.decode()


def test_a_session_that_is_sent_twice_is_one(desk):
    """Back and once more, or two presses: one session, and each of its texts once (P4)."""
    browser, url = desk.browser(), f"/clients/{desk.alice.pk}/session"
    said = {"protocol": PROTOCOL, "day": "2027-01-12", "hour": "09:45", "another": "on"}
    assert "is recorded" in browser.post(url, said, follow=True).content.decode()
    planned, sessions = Message.objects.count(), desk.alice.treatments.count()
    clock.step_to(NOW + timedelta(hours=1))
    assert "recorded already" in browser.post(url, said, follow=True).content.decode()
    assert (Message.objects.count(), desk.alice.treatments.count()) == (planned, sessions)


def test_a_second_session_of_a_day_is_asked_about_first(desk):
    """A minute later is as like as not the same one: nothing changes before the tick that it is another (P4, P12)."""
    browser, url, before = desk.browser(), f"/clients/{desk.alice.pk}/session", builders.counts()
    said = {"protocol": PROTOCOL, "day": "2027-01-12", "hour": "09:01"}
    assert "another" not in browser.get(url).context["form"].fields
    asked = browser.post(url, said)
    assert "She has a session at 9:00 am on that day already" in str(asked.context["form"].errors["another"])
    assert 'name="another"' in asked.content.decode()
    assert builders.counts() == before
    assert "is recorded" in browser.post(url, said | {"another": "on"}, follow=True).content.decode()
    assert desk.alice.treatments.count() == 2


def test_a_session_of_another_day_or_beside_one_taken_back_is_asked_nothing(desk):
    """The tick stands there only where it says something."""
    browser, url = desk.browser(), f"/clients/{desk.alice.pk}/session"
    said = {"protocol": PROTOCOL, "day": "2027-01-11", "hour": "09:00"}
    assert "is recorded" in browser.post(url, said, follow=True).content.decode()
    desk.alice.treatments.update(voided_at=NOW)
    assert "is recorded" in browser.post(url, said | {"hour": "09:01"}, follow=True).content.decode()
    assert "another" not in browser.post(url, said | {"hour": "25:00"}).context["form"].fields


@pytest.mark.parametrize("day", ["0001-01-01", "1900-01-01", "2999-12-31", "9999-12-31"])
@pytest.mark.parametrize("what", ["session", "visit"])
def test_a_day_at_the_end_of_the_calendar_is_refused_beside_its_field(desk, what, day):
    """P12: the last of all days has hours that no zone can tell in UTC, and was an error page."""
    said = {"protocol": PROTOCOL, "day": day, "hour": "23:59"}
    assert "day" in desk.browser().post(f"/clients/{desk.alice.pk}/{what}", said).context["form"].errors


def test_the_question_is_asked_in_spanish(desk):
    """Issue 6, point 8."""
    browser = desk.browser()
    browser.post("/language", {"language": "es", "next": "/today"})
    asked = browser.post(
        f"/clients/{desk.alice.pk}/session", {"protocol": PROTOCOL, "day": "2027-01-12", "hour": "09:01"}
    )
    assert "Ya tiene una sesión a las 9:00 am de ese día" in str(asked.context["form"].errors["another"])


def test_a_visit_that_is_sent_twice_is_one(desk):
    """She is reminded once of one visit (P4)."""
    browser, url = desk.browser(), f"/clients/{desk.alice.pk}/visit"
    said = {"protocol": PROTOCOL, "day": "2027-03-02", "hour": "10:00"}
    assert "is booked" in browser.post(url, said, follow=True).content.decode()
    planned, visits = Message.objects.count(), desk.alice.appointments.count()
    clock.step_to(NOW + timedelta(hours=1))
    assert "booked already" in browser.post(url, said, follow=True).content.decode()
    assert (Message.objects.count(), desk.alice.appointments.count()) == (planned, visits)


def test_a_slip_about_a_visit_that_is_over_can_be_undone(desk):
    """She did come: the visit stands again, and nothing is planned for its past (P7, P12)."""
    browser = desk.browser()
    visit = book(client_id=desk.alice.pk, starts_at=NOW + timedelta(days=3), by="tests", now=NOW, protocol=PROTOCOL)[0]
    clock.step_to(NOW + timedelta(days=4))
    browser.post(f"/visits/{visit.pk}/end/no_show")
    planned = Message.objects.filter(appointment=visit, state="planned").count()

    browser.post(f"/visits/{visit.pk}/reopen")

    visit.refresh_from_db()
    assert visit.status == "booked"
    assert Message.objects.filter(appointment=visit, state="planned").count() == planned


def test_nothing_is_done_with_the_visit_of_a_client_who_was_erased(desk):
    """Nobody is left to come, and her page offers nothing (P9)."""
    visit = book(client_id=desk.alice.pk, starts_at=NOW + timedelta(days=9), by="tests", now=NOW, protocol=PROTOCOL)[0]
    erase(client_id=desk.alice.pk, by="okafor@lakeside.example", now=NOW)
    browser = desk.browser()
    for act in ("move", "reopen", "end/cancelled"):
        assert browser.get(f"/visits/{visit.pk}/{act}").status_code == 404
        assert browser.post(f"/visits/{visit.pk}/{act}").status_code == 404
    assert f"/visits/{visit.pk}" not in browser.get(f"/clients/{desk.alice.pk}").content.decode()


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


def test_only_the_newest_number_of_a_step_is_offered(desk):
    """P4: of what went twice by hand the first is history; a button that is always refused misleads the desk."""
    text, _mail = _delivered(desk)
    desk.browser().post(f"/messages/{text.pk}/again")
    Message.objects.filter(client=desk.alice, resend=1).update(state=State.DELIVERED)
    assert [each.pk for each in page(desk).context["known"].past if each.may_resend and each.channel == "sms"] == [
        Message.objects.get(client=desk.alice, resend=1).pk
    ]


def _delivered(desk):
    """A text and a mail of the course that she has got."""
    rows = [message(desk.alice, "day-1"), message(desk.alice, "day-1", "email")]
    Message.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.DELIVERED)
    return rows


def _offered(desk):
    """The channels whose step the page offers to send again."""
    shown = page(desk)
    offered = [each for each in shown.context["known"].past if each.may_resend]
    assert all(f"/messages/{each.pk}/again" in shown.content.decode() for each in offered)
    return {each.channel for each in offered}


def test_after_a_stop_no_step_is_sent_again(desk):
    """P2, P8: it would be withheld, so it is neither offered nor said to be on its way; her mail may still go."""
    text, mail = _delivered(desk)
    assert _offered(desk) == {"sms", "email"}
    text_from(desk.lakeside, ALICES_PHONE, "STOP")
    assert _offered(desk) == {"email"}

    browser = desk.browser()
    answer = browser.post(f"/messages/{text.pk}/again").content.decode()
    browser.post(f"/messages/{mail.pk}/again")

    assert "she said stop on" in answer
    assert "call her" in answer
    assert {each.channel for each in messages_of(desk.alice, resend=1)} == {"email"}


def test_what_she_agreed_to_no_more_is_not_sent_again(desk):
    """P1, P8: without a consent for this purpose that stands, the desk is told so at once."""
    text, _mail = _delivered(desk)
    Grant.objects.filter(client=desk.alice, standing=text.standing, purpose=text.purpose).update(state="revoked")
    assert _offered(desk) == {"email"}
    answer = desk.browser().post(f"/messages/{text.pk}/again").content.decode()
    assert "she does not agree to it" in answer
    assert not messages_of(desk.alice, resend=1)


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
