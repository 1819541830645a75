"""A yes from an address with two rows opens what waits on either, and nothing where one of them is stopped (P1, P2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, alice, standing_of, text_from
from worker.actions.consent import standing as standings
from worker.actions.consent.optin import is_open, press_yes
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.models import ConsentEvent, Grant, Message, StaffTask, Standing
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults

MINUTE = timedelta(minutes=1)
ADDRESSES = {"sms": ALICES_PHONE, "email": "alice@example.com"}


@pytest.fixture
def asking(house):
    """Lakeside asks its clients to confirm, on both channels."""
    house.lakeside.double_opt_in = list(ADDRESSES)
    house.lakeside.save()
    return house


@pytest.fixture(params=[0, 1], ids=["first", "second"])
def waiting(request, asking, keys):
    """Alice, asked, on the first or the second row of her addresses; the other is nobody's: the key lists differed."""
    people = [lambda: alice().client, lambda: _rows_of_nobody(asking)]
    made = []
    for letter, come in zip("pq", people[:: -1 if request.param else 1], strict=True):
        keys(prints=letter)
        made.append(come())
    keys(prints="qp")
    client = made[request.param]
    assert rows().index(standing_of(client)) == request.param
    asked()
    return client


@pytest.fixture
def sisters(asking, keys):
    """Alice on the first row of the phone and her sister on the second, neither asked yet."""
    first = alice().client
    keys(prints="q")
    second = alice(external_id="A-2", name="Zoe Moreau").client
    keys(prints="qp")
    assert rows() == [standing_of(first), standing_of(second)]
    return first, second


def _rows_of_nobody(house):
    for channel, address in ADDRESSES.items():
        standings.ensure(clinic_id=house.lakeside.pk, channel=channel, address=address, now=NOW)


def rows(channel="sms"):
    return list(Standing.objects.filter(channel=channel).order_by("pk"))


def asked(now=NOW):
    """Let the questions leave."""
    for channel in ADDRESSES:
        assert set(post.round_of_post(now, channel=channel)) == {"optin-question"}


def yes(house, at=NOW + MINUTE):
    text_from(house.lakeside, ALICES_PHONE, "YES", now=at)


def states(client, channel="sms"):
    return set(Grant.objects.filter(client=client, standing__channel=channel).values_list("state", flat=True))


def stop_the_other(client, channel):
    """Her other row has heard a stop from a process that did not know the row on which she waits."""
    mine = standing_of(client, channel)
    (other,) = [row for row in standings.lock([row.pk for row in rows(channel)]) if row != mine]
    said = Revocation(reason=SuppressionReason.KEYWORD, method="sms", by="client", received_at=NOW)
    revoke_standing(other, said=said, now=NOW)
    assert standing_of(client, channel).suppressed_at is None


def test_a_yes_by_text_opens_what_waits_on_either_row(waiting, asking):
    """Rule 7: it is one phone, and it said yes; the confirmation follows, and a second yes changes nothing."""
    yes(asking)
    yes(asking, NOW + 2 * MINUTE)
    assert states(waiting) == {"active"}
    assert ConsentEvent.objects.filter(act="confirmed").count() == 2  # aftercare and reminders, once each
    assert post.round_of_post(NOW + 3 * MINUTE) == ["optin-confirmation"]
    assert faults() == []


def test_a_yes_by_text_opens_nothing_where_the_other_row_is_stopped(waiting, asking):
    """P2: the strictest row decides; a person is told that she wrote."""
    stop_the_other(waiting, "sms")
    yes(asking)
    assert states(waiting) == {"pending"}
    assert post.round_of_post(NOW + 2 * MINUTE) == []
    assert StaffTask.objects.filter(kind="yes_reply").count() == 1


def test_a_yes_by_the_button_opens_nothing_where_the_other_row_is_stopped(waiting):
    """P2: the strictest row decides of a mailbox too, and the page offers no button."""
    contact = waiting.contacts.get(channel="email")
    assert is_open(contact, NOW + MINUTE)
    stop_the_other(waiting, "email")
    assert not is_open(contact, NOW + MINUTE)
    assert not press_yes(contact=contact, now=NOW + MINUTE)
    assert states(waiting, "email") == {"pending"}


def test_a_yes_by_the_button_opens_the_mailbox(waiting):
    """Rule 7: whichever row she waits on."""
    assert press_yes(contact=waiting.contacts.get(channel="email"), now=NOW + MINUTE)
    assert (states(waiting, "email"), states(waiting)) == ({"active"}, {"pending"})


def test_two_on_two_rows_of_a_phone_are_not_told_apart_by_a_yes(sisters, asking):
    """Rule 134: as on one row, nothing opens, and staff ask once whose yes it was."""
    asked()
    yes(asking)
    assert [states(each) for each in sisters] == [{"pending"}, {"pending"}]
    task = StaffTask.objects.get(kind="whose_yes")
    assert sorted(task.facts["clients"]) == sorted(each.pk for each in sisters)


@pytest.mark.parametrize("whose", [0, 1])
def test_of_two_on_two_rows_a_yes_is_of_her_who_was_asked(sisters, asking, whose):
    """Rule 134: only one was asked: the yes is hers, and the other's consent still waits."""
    Message.objects.filter(client=sisters[1 - whose], kind="optin_question").update(state="cancelled")
    asked()
    yes(asking)
    assert states(sisters[whose]) == {"active"}
    assert states(sisters[1 - whose]) == {"pending"}
