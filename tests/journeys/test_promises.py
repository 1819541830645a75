"""Six weeks with Lakeside, one promise at a time: every part runs, and only the calendar is hurried along.

Each journey begins on a morning of its own and looks only at its own client; times come from the plan, never from the
test, because holidays move them.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

import pytest

from tests.processes.people import DEMO, MAIL, OKAFOR, PROTOCOL, SMS, SMS_CARE
from tests.processes.witness import until
from worker.sandbox.house import answers

pytestmark = pytest.mark.processes

MINUTE = timedelta(minutes=1)


def states(rows):
    """Which states there are, without the answers."""
    return {row["state"] for row in rows if row["class"] == "course"}


def test_the_optin_confirmation_comes_before_anything_else(house):
    """Nothing of the course leaves before the confirmation did, on either channel (P1, rules 6 and 7)."""
    house.morning()
    alice = house.enrol(agrees=SMS_CARE + MAIL)
    house.quiet()
    assert len(house.texts(alice)) == len(house.mails(alice)) == 1
    assert "you are signed up" in house.texts(alice)[0]
    assert {row["step"] for row in house.messages(alice) if row["sent_at"]} == {"optin-confirmation"}

    house.step_to(house.message(alice, "same-day")["due_at"])
    assert len(house.texts(alice)) == len(house.mails(alice)) == 2
    assert house.message(alice, "same-day")["state"] == "delivered"
    assert house.message(alice, "same-day", "email")["state"] == "accepted"


def test_a_no_is_a_no(house):
    """Who agreed to nothing, or said no, gets nothing at all; who agreed to one thing gets that (P1, rule 3)."""
    house.morning()
    emil = house.enrol(agrees=(), refuses=SMS + MAIL)
    dana = house.enrol(agrees=(("email", "aftercare"),), refuses=SMS)
    assert emil.said["messages"] == []
    house.quiet()
    house.step_to(house.message(dana, "same-day", "email")["due_at"])
    assert house.texts(emil) == house.mails(emil) == house.texts(dana) == []
    assert len(house.mails(dana)) == 2
    assert {row["purpose"] for row in dana.said["messages"]} == {"aftercare"}


def test_stop_ends_everything_on_that_number_with_one_confirmation(house):
    """A STOP revokes before its webhook is answered; one confirmation, however often it is said (P2, rules 22, 25)."""
    house.morning()
    bob = house.enrol(agrees=SMS)
    house.quiet()
    due = house.message(bob, "day-1")["due_at"]
    assert house.sandbox.reply(bob.phone, "Stop please")["hook"]["status"] == 200
    until(lambda: states(house.messages(bob)) == {"cancelled"})  # the gate is shut already, the list follows
    house.quiet()
    assert house.sandbox.reply(bob.phone, "STOP")["hook"]["status"] == 200
    house.step_to(due)

    assert [("signed up" in text, "no more" in text.lower()) for text in house.texts(bob)] == [
        (True, False),
        (False, True),
    ]
    told = house.explain(house.message(bob, "day-1"))
    assert (told["state"], told["plain"]) == ("cancelled", "the client said stop")


def test_one_click_ends_the_mails_and_leaves_the_texts(house):
    """The mail program's button ends email at once; what was agreed by text goes on (P2, rules 109 to 114)."""
    house.morning()
    dana = house.enrol(agrees=SMS_CARE + MAIL)
    house.quiet()
    assert house.sandbox.unsubscribe(dana.email)["status"] == 200
    assert states(house.messages(dana, channel="email")) == {"cancelled"}
    house.quiet()
    house.step_to(house.message(dana, "same-day")["due_at"])
    house.step_to(house.message(dana, "day-1")["due_at"])

    assert len(house.mails(dana)) == 2  # the opt-in confirmation, and that of her stop
    assert len(house.texts(dana)) == 3


def test_a_word_at_the_desk_ends_it(house):
    """`revoke` counts like a STOP, for a phone or for all of a client's addresses (P2, rule 27)."""
    house.morning()
    alice, dana = house.enrol(), house.enrol(agrees=SMS + MAIL)
    house.quiet()
    due = house.message(dana, "same-day")["due_at"]
    said = house.cli("revoke", "--phone", alice.phone, "--reason", "voice mail")
    assert said.out.startswith("stopped: 1 address")
    assert house.cli("revoke", "--client", dana.id, "--reason", "letter").out.startswith("stopped: 2 address")
    house.step_to(due)
    assert states(house.messages(alice)) == states(house.messages(dana)) == {"cancelled"}
    assert len(house.texts(alice)) == len(house.texts(dana)) == len(house.mails(dana)) == 1


def test_a_withdrawn_approval_withholds_what_was_planned(house):
    """From the withdrawal on nothing of the protocol leaves, and `explain` says why, from the record (P3, P8)."""
    house.morning()
    alice = house.enrol()
    house.quiet()
    newest = house.cli("approve", PROTOCOL, "--by", OKAFOR, "--json").data["version"]  # it was already
    house.cli("withdraw", PROTOCOL, "--by", OKAFOR)
    try:
        house.step_to(house.message(alice, "same-day")["due_at"])
    finally:
        house.cli("approve", PROTOCOL, "--version", newest, "--by", OKAFOR)
    told = house.explain(house.message(alice, "same-day"))
    assert (told["state"], told["reason"]) == ("withheld", "approval_withdrawn")
    assert told["plain"] == "the practitioner withdrew the approval"
    assert [each["code"] for each in told["decisions"]] == ["approval_withdrawn"]
    assert told["attempts"] == []
    assert len(house.texts(alice)) == 1


def test_changed_words_are_a_new_version_that_needs_its_own_yes(house, tmp_path):
    """A changed text goes to nobody before its approval; who began on the old version stays on it (P3, rule 10)."""
    house.morning()
    alice = house.enrol(agrees=SMS_CARE)
    house.quiet()
    shutil.copytree(DEMO, tmp_path / "clinic")
    folder = shutil.copytree(DEMO.parent / "messages" / PROTOCOL, tmp_path / "clinic" / PROTOCOL)
    text = folder / "same-day.en.sms.txt"
    text.write_text(text.read_text(encoding="utf-8").replace("Reply", "Just reply"), encoding="utf-8")

    loaded = house.cli("load", tmp_path / "clinic" / "lakeside.toml", "--json").data["protocols"][0]
    assert (loaded["new"], loaded["approved"]) == (True, False)
    before = house.enrol(agrees=SMS_CARE)
    house.quiet()
    house.cli("approve", PROTOCOL, "--by", OKAFOR)
    after = house.enrol(agrees=SMS_CARE)
    house.quiet()
    house.step_to(house.message(after, "same-day")["due_at"])
    assert ["Just reply" in house.texts(each)[1] for each in (alice, before, after)] == [False, False, True]


def test_reminders_follow_a_moved_visit(house):
    """The visit moves, and what spoke of the old time ends as one with it; the new time is what is said (P7)."""
    morning = house.morning()
    alice = house.enrol(agrees=SMS, session=timedelta(days=30))
    house.quiet()
    visit, old = alice.said["appointment"], house.message(alice, "next-session-day")
    moved = morning + timedelta(days=33)
    again = house.cli("appointment", "move", visit, "--to", moved.isoformat(), "--json").data["planned"]
    assert {row["step"] for row in again} == {"next-session-week", "before-session", "next-session-day"}
    ended = house.messages(alice, state="cancelled")
    assert {row["reason"] for row in ended} == {"appointment_moved"}
    assert old["id"] in {row["id"] for row in ended}

    new = house.message(alice, "next-session-day")
    assert datetime.fromisoformat(new["due_at"]) > datetime.fromisoformat(old["due_at"])
    house.step_to(new["due_at"])
    assert house.message(alice, "next-session-day")["state"] == "delivered"
    assert f"{moved:%B} {moved.day}" in house.texts(alice)[-1] or f"{moved.day} {moved:%B}" in house.texts(alice)[-1]

    house.cli("appointment", "cancel", visit)
    assert house.messages(alice, step="next-session-plan") != []


def test_a_pause_holds_and_a_resume_lets_go(house):
    """Paused texts wait, seen in `status`; after the resume they pass every gate anew, once (P5, P8)."""
    house.morning()
    alice = house.enrol()
    house.quiet()
    house.cli("pause", "--channel", "sms", "--why", "the number is being moved")
    try:
        house.step_to(house.message(alice, "same-day")["due_at"])
        row = house.message(alice, "same-day")
        assert (row["state"], row["reason"]) == ("held", "paused")
        said = house.cli("status", "--json").data
        assert [(each["scope"], each["value"]) for each in said["paused"]] == [("channel", "sms")]
        assert said["held"] >= 1
    finally:
        house.cli("resume", "--channel", "sms")
    house.quiet()
    assert house.message(alice, "same-day")["state"] == "delivered"
    assert len(house.texts(alice)) == 2


def test_everything_can_be_asked(house):
    """`explain`, `rehearse`, `status` and `doctor` answer from the record, to people and to machines (P5, P8)."""
    house.morning()
    alice = house.enrol()
    house.quiet()
    told = house.explain(house.message(alice, "optin-confirmation"))
    assert [each["code"] for each in told["decisions"]] == ["sent"]
    assert [each["state"] for each in told["attempts"]] == ["accepted"]
    assert [each["status"] for each in told["attempts"][0]["receipts"]] == ["sent", "delivered"]

    own = house.cli("rehearse", alice.id, "--json").data
    assert [row["id"] for row in own] == [row["id"] for row in house.messages(alice)]
    anyone = house.cli("rehearse", PROTOCOL, "--treated-at", house.now().isoformat(), "--json").data
    assert {"same-day", "day-1", "week-3", "next-session-plan"} <= {row["step"] for row in anyone}

    status = house.cli("status", "--json").data
    assert (status["in_flight"], status["channels"]["sms"]["due_now"]) == (0, 0)
    assert {"unknown", "held", "paused", "tasks_open"} <= set(status)
    assert house.cli("doctor", "--json").data["ok"]
    assert answers(f"{house.house.plan.web_url}/readyz")
