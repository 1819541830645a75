"""What is written from an address with two rows is hers on whichever she is, and staff's only where she is on none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, SAM
from worker.actions.consent import standing as standings
from worker.actions.converse.on_call import agree
from worker.actions.mail.reply import MailReply, mail_reply
from worker.models import Appointment, Client, Conversation, Inbound, Message, StaffTask, Standing
from worker.reading.thread import thread

ADDRESSES = {"sms": ALICES_PHONE, "email": "alice@example.com"}
MINUTE = timedelta(minutes=1)
VISIT = NOW + timedelta(days=36)
WEEK = VISIT - timedelta(days=7)
SISTERS = {"external_id": "V-2", "starts_at": VISIT.isoformat()}


@pytest.fixture
def ways(house):
    """How words come: from her phone, or from her mailbox; each with the rows that it has."""

    def text(words, now):
        builders.text_from(house.lakeside, ALICES_PHONE, words, now=now)

    def mail(words, now):
        mail_reply(
            MailReply(
                key=f"{now:%d%H%M}".ljust(64, "a"), sender=ADDRESSES["email"], clinics=(house.lakeside.pk,), named=None,
                by_link=False, subject="", words=words, unread=False, received_at=now,
            ),
            now=now,
        )  # fmt: skip

    return {"sms": text, "email": mail}


@pytest.fixture
def two_rows(keys):
    """Give her addresses a row by each of two acts: they came to processes whose key lists differed."""

    def come(*acts):
        for letter, act in zip("pq", acts, strict=True):
            keys(prints=letter)
            act()
        keys(prints="qp")
        assert all(len(rows(channel)) == 2 for channel in ADDRESSES)

    return come


def rows(channel):
    return list(Standing.objects.filter(channel=channel).order_by("pk"))


def held(channel):
    return [row.held_why for row in rows(channel)]


def nobodys(house):
    for channel, address in ADDRESSES.items():
        standings.ensure(clinic_id=house.lakeside.pk, channel=channel, address=address, now=NOW)


def on_call(house):
    for address in ADDRESSES.values():
        agree(clinic=house.lakeside, by=SAM, address=address, affirmed=True, now=NOW)


def reminded(channel):
    """Alice, whose visit she was reminded of on one channel a week before."""
    client = builders.alice(visit=VISIT).client
    post.confirmed(NOW)
    Message.objects.filter(client=client, step__code="next-session-week").exclude(channel=channel).delete()
    Message.objects.filter(client=client, step__code="next-session-week").update(due_at=WEEK, state="accepted")


# In doubt


@pytest.mark.parametrize("other", [nobodys, on_call], ids=["nobodys", "staffs"])
@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("channel", ADDRESSES)
def test_a_clients_unclear_reply_holds_whatever_the_other_row_is(house, ways, two_rows, channel, place, other):
    """P2, rule 17: it may mean stop; both rows are held, it is put before staff as hers, and they read her words."""
    acts = [builders.alice, lambda: other(house)]
    two_rows(*(acts[::-1] if place else acts))
    ways[channel]("this is odd", NOW + MINUTE)
    assert held(channel) == ["unclear_reply"] * 2
    task = StaffTask.objects.get(kind="unclear_reply")
    talk = Conversation.objects.get()
    client = Client.objects.get()
    assert (task.client_id, talk.client_id, talk.holds) == (client.pk, client.pk, True)
    assert Inbound.objects.get().standing == builders.standing_of(client, channel)
    assert "this is odd" in [said.text for said in thread(talk).said]


@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("channel", ADDRESSES)
def test_what_staff_on_call_write_holds_nothing_on_either_row(house, ways, two_rows, channel, place):
    """Rule 41: "ok I will call her now" would silence every later alert to her; the other row is nobody's."""
    acts = [lambda: on_call(house), lambda: nobodys(house)]
    two_rows(*(acts[::-1] if place else acts))
    ways[channel]("ok I will call her now", NOW + MINUTE)
    assert held(channel) == [None, None]
    assert not StaffTask.objects.exists()
    assert not Conversation.objects.exists()


def test_the_same_mail_is_one_although_the_mailbox_became_a_clients_since(house, ways, two_rows):
    """Rule 124: read again after her enrolment on the other row, it is known."""
    two_rows(lambda: nobodys(house), lambda: nobodys(house))
    ways["email"]("this is odd", NOW)
    builders.alice(now=NOW)
    ways["email"]("this is odd", NOW)
    assert Inbound.objects.count() == 1


# A visit


@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize(
    ("channel", "words", "answer"),
    [
        ("sms", "YES", "confirmed"), ("sms", "CONFIRM", "confirmed"), ("sms", "C", "confirmed"),
        ("sms", "change", "another_time"), ("email", "Confirm", "confirmed"), ("email", "change", "another_time"),
    ],
)  # fmt: skip
def test_an_answer_is_of_the_visit_she_was_reminded_of_on_either_row(
    house, ways, two_rows, channel, words, answer, place
):
    """P7: it is one phone that was asked and one that answers; a wish for another time is hers and of that visit."""
    acts = [lambda: reminded(channel), lambda: nobodys(house)]
    two_rows(*(acts[::-1] if place else acts))
    ways[channel](words, WEEK + MINUTE)
    visit = Appointment.objects.get()
    assert visit.answer == answer
    asked = StaffTask.objects.filter(kind="another_time", client=visit.client, facts__appointment=visit.pk)
    assert asked.count() == (answer == "another_time")


def test_two_who_were_reminded_on_two_rows_confirm_nobodys_visit(ways, two_rows):
    """P7: as on one row, nobody can tell whose answer it is; staff ask."""
    two_rows(
        lambda: reminded("sms"),
        lambda: builders.alice(external_id="A-2", name="Zoe Moreau", visit=VISIT, appointment=SISTERS),
    )
    Message.objects.filter(channel="sms", step__code="next-session-week").update(state="accepted")
    ways["sms"]("confirm", WEEK + MINUTE)
    assert set(Appointment.objects.values_list("answer", flat=True)) == {""}
    assert StaffTask.objects.filter(kind="whose_visit").count() == 1
