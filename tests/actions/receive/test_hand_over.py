"""After a stop staff are told which instructions she now will not get, so that a person hands them over (rule 41)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.preferences import end_everything, end_purpose
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.record import verdicts
from worker.models import Attempt, Contact, Message, StaffTask
from worker.rules.names import Channel, Purpose

DUE = NOW + timedelta(hours=1)
SMS, EMAIL = builders.SERVICE[:2], builders.SERVICE[2:]


def _told():
    return StaffTask.objects.filter(kind="hand_over_after_stop").order_by("pk")


def _steps(task):
    return [each["step"] for each in task.facts["steps"]]


def _enrolled(consents=SMS, **more):
    client = builders.alice(consents=consents, **more).client
    post.confirmed(NOW)
    return client


def _by_keyword(house, client):
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=DUE)


def _by_desk(house, client):
    from_desk(clinic_slug="", phone="", email="", client_id=client.pk, reason="letter", received_at=None, now=DUE)


def _by_link(house, client):
    contact = Contact.objects.get(client=client, channel="sms")
    end_purpose(contact=contact, channel=Channel.SMS, purpose=Purpose.AFTERCARE, now=DUE)


def _by_carrier(house, client):
    post.round_of_post(DUE)
    attempt = Attempt.objects.get(message__step__code="same-day")
    Message.objects.filter(pk=attempt.message_id).update(state="sending")
    verdicts.refused(message_id=attempt.message_id, attempt_id=attempt.pk, code="21610", now=DUE)


@pytest.mark.parametrize("stop", [_by_keyword, _by_desk, _by_link, _by_carrier])
def test_every_way_of_stopping_lists_what_will_not_come(house, stop):
    """One task, due before the first of them, with step, message and when it would have gone; aftercare alone."""
    client = _enrolled()
    coming = Message.objects.filter(
        client=client, purpose="aftercare", cls="course", state="planned", expires_at__gt=DUE
    )
    if stop is _by_carrier:
        coming = coming.exclude(step__code="same-day")
    expected = [(each.pk, each.step.code, each.due_at.isoformat()) for each in coming.order_by("due_at", "pk")]
    assert len(expected) > 3
    stop(house, client)
    task = _told().get()
    assert [(each["message"], each["step"], each["due_at"]) for each in task.facts["steps"]] == expected
    assert (task.client_id, task.facts["channel"]) == (client.pk, "sms")
    assert task.due_at.isoformat() == max(expected[0][2], DUE.isoformat())


def test_what_comes_by_mail_all_the_same_is_not_handed_over(house):
    """She reads it there; should that end as well, it is told then."""
    client = _enrolled(consents=builders.SERVICE)
    _by_keyword(house, client)
    by_mail = set(
        Message.objects.filter(client=client, channel="email", state="planned").values_list("step__code", flat=True)
    )
    assert not any(set(_steps(task)) & by_mail for task in _told())
    before = _told().count()
    assert unsubscribe(link_key=client.contacts.get(channel="email").link_key, method="one-click", now=DUE)
    assert _told().count() == before + 1
    assert "day-3" in _steps(_told().last())


def test_stop_everything_is_told_once_for_each_step(house):
    """Phone and mailbox end in one transaction: each instruction is listed once."""
    client = _enrolled(consents=builders.SERVICE)
    builders.text_from(house.lakeside, ALICES_PHONE, "stop everything", now=DUE)
    steps = [step for task in _told() for step in _steps(task)]
    assert len(steps) == len(set(steps)) > 3
    assert client.pk in {task.client_id for task in _told()}


def test_her_own_page_tells_it_too(house):
    """Rule 64: the button "stop everything" behind her link."""
    client = _enrolled(consents=builders.SERVICE)
    end_everything(contact=client.contacts.get(channel="email"), now=DUE)
    assert _told().exists()


def test_nothing_relevant_nothing_told(house):
    """Reminders are no safety instruction, and what is over is over; a second STOP tells nothing again."""
    client = _enrolled(consents=(("sms", "reminders"),), visit=NOW + timedelta(days=30))
    _by_keyword(house, client)
    assert Message.objects.filter(client=client, state="cancelled").exists()
    assert not _told().exists()


def test_what_is_over_is_not_handed_over(house):
    """Rule 50: advice for the first day is wrong on the fourth, though no round has ended it yet."""
    client = _enrolled()
    builders.text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW + timedelta(days=4))
    assert builders.message(client, "same-day").reason == "revoked"
    steps = _steps(_told().get())
    assert "same-day" not in steps
    assert "week-3" in steps


def test_a_second_stop_tells_nothing_new(house):
    """One task for what one stop took away."""
    client = _enrolled()
    for _ in range(3):
        _by_keyword(house, client)
    assert _told().count() == 1


def test_each_of_a_family_is_told_by_herself(house):
    """Rule 134: one phone, two clients, two tasks."""
    _enrolled()
    builders.alice(external_id="A-2", email="zoe@example.com", consents=SMS)
    _by_keyword(house, None)
    assert len({task.client_id for task in _told()}) == _told().count() == 2


def test_a_stranger_has_nothing_to_be_told(house):
    """Rule 34: nobody knows that number."""
    builders.text_from(house.lakeside, "+12125550199", "STOP", now=DUE)
    assert not StaffTask.objects.exists()
