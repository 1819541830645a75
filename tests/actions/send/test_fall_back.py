"""An undelivered text goes by mail where the approved protocol says so: once, consented, through every gate (P1-P4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.actions.course import versions
from tests.builders import NOW
from worker.actions.consent.unsubscribe import unsubscribe
from worker.actions.course.resend import resend
from worker.actions.protocols.approve import withdraw
from worker.actions.receive.receipt import receipt
from worker.actions.send.due import doubt_silent
from worker.actions.send.fall_back import fall_back
from worker.channels.base import Refused, Unknown
from worker.models import Attempt, Message
from worker.reading.explain import explained
from worker.rules.names import Channel

DUE = NOW + timedelta(hours=1)


def _only(source, first, second):
    """The protocol whose same-day step goes by one channel, and by the other only when that failed."""
    steps = tuple(
        replace(step, rule=replace(step.rule, channels=(first,), fallback=(second,)))
        if step.rule.code == "same-day" else step
        for step in source.steps
    )  # fmt: skip
    return replace(source, steps=steps)


@pytest.fixture
def by_mail_if_need_be(house):
    """Lakeside's next version: the same-day text by SMS, by mail when it can't be delivered."""
    source = versions.newest(house.lakeside)
    return versions.approved(house.lakeside, _only(source, Channel.SMS, Channel.EMAIL), NOW - timedelta(hours=5))


def _alice(**changes):
    client = builders.alice(**changes).client
    post.confirmed(NOW)
    return client


def _sent(client, *answers, channel="sms"):
    post.round_of_post(DUE, post.Provider(list(answers)), channel=channel)
    return builders.message(client, "same-day", channel)


def _tell(message, status, code="", *, at=DUE):
    attempt = Attempt.objects.filter(message=message).latest("decided_at")
    receipt(attempt_id=attempt.pk, provider_id="SM1", status=status, code=code, raw={}, now=at)


def _mails(client):
    return Message.objects.filter(client=client, step__code="same-day", channel="email")


@pytest.fixture
def undelivered(by_mail_if_need_be):
    """Alice, on both channels, whose text of the same day could not be delivered."""
    client = _alice()
    message = _sent(client)
    assert not _mails(client).exists()  # never planned beside the text
    _tell(message, "undelivered", "30003")
    return client, message


def test_an_undelivered_text_goes_by_mail_and_both_say_why(undelivered):
    """P8: planned once, due now, to the end of the same useful time; explain tells of both from the record."""
    client, message = undelivered
    mail = _mails(client).get()
    assert (mail.state, mail.due_at, mail.expires_at, mail.fallback_of) == (
        "planned", DUE, message.expires_at, message.pk,
    )  # fmt: skip
    assert post.round_of_post(DUE, channel="email") == ["same-day"]
    told = {each["code"]: each for pk in (message.pk, mail.pk) for each in explained(pk)["decisions"]}
    assert told["fell_back"]["message"] == mail.pk
    assert told["stands_in_for_undelivered"]["message"] == message.pk
    assert mail.occasion != message.occasion


def test_whatever_repeats_itself_plans_one_mail(undelivered):
    """P4: the receipt twice, another refusal after it, and the text sent again by hand: still one mail."""
    client, message = undelivered
    _tell(message, "undelivered", "30003")
    _tell(message, "failed", "30008")
    again = resend(message_id=message.pk, by="staff:1", now=DUE + timedelta(minutes=1))
    post.round_of_post(DUE + timedelta(hours=5))
    again.refresh_from_db()
    assert again.state == "accepted"
    _tell(again, "undelivered", "30003", at=DUE + timedelta(hours=5))
    assert _mails(client).count() == 1


def test_it_is_off_unless_the_protocol_says_so(house):
    """Off by default: the shipped protocol has a text for both channels, and nothing falls back."""
    client = _alice()
    before = _mails(client).count()
    _tell(_sent(client), "undelivered", "30003")
    assert _mails(client).count() == before
    assert not Message.objects.filter(fallback_of__isnull=False).exists()


@pytest.mark.parametrize("code", ["21610", "30004", "30640"])
def test_a_stop_that_the_provider_knew_is_never_followed_by_a_mail(by_mail_if_need_be, code):
    """P2: 21610 and its kin may be her own no."""
    client = _alice()
    _sent(client, Refused(code))
    assert not _mails(client).exists()


def test_an_unknown_outcome_is_never_followed_by_a_mail(by_mail_if_need_be):
    """P4: it may be on her phone; neither the doubt nor its age makes another message."""
    client = _alice()
    message = _sent(client, Unknown("no answer"))
    assert fall_back(message, None, now=DUE) is None
    doubt_silent(now=DUE + timedelta(hours=1), machine=DUE + timedelta(hours=1))
    assert not _mails(client).exists()


def test_a_refused_number_goes_by_mail_too(by_mail_if_need_be):
    """21614, no mobile number: refused at once is as good as undelivered."""
    client = _alice()
    _sent(client, Refused("21614"))
    assert _mails(client).get().state == "planned"


def test_without_consent_for_mail_there_is_none(by_mail_if_need_be):
    """P1: an address that she gave for nothing is not written to."""
    client = _alice(consents=builders.SERVICE[:2])
    _tell(_sent(client), "undelivered", "30003")
    assert not _mails(client).exists()


def test_past_its_useful_time_nothing_follows(by_mail_if_need_be):
    """P7: a receipt that comes a week later changes the record and no more."""
    client = _alice()
    _tell(_sent(client), "undelivered", "30003", at=DUE + timedelta(days=7))
    assert not _mails(client).exists()


def test_a_stop_by_mail_meanwhile_wins(undelivered):
    """P2: the mail passes the gate like any other."""
    client, _ = undelivered
    unsubscribe(link_key=_mails(client).get().contact.link_key, method="link", now=DUE)
    assert "same-day" not in post.round_of_post(DUE, channel="email")
    assert _mails(client).get().state in {"withheld", "cancelled"}


def test_a_withdrawn_approval_stops_it_as_well(undelivered, by_mail_if_need_be):
    """P3: it is the same version's text."""
    withdraw(protocol=by_mail_if_need_be.protocol, by=builders.OKAFOR, now=DUE)
    assert post.round_of_post(DUE, channel="email") == []
    assert _mails(undelivered[0]).get().reason == "approval_withdrawn"


def test_a_text_that_arrived_after_all_needs_no_mail(undelivered):
    """Rule 98: delivered after undelivered is final; the mail that has not gone stays at home."""
    client, message = undelivered
    _tell(message, "delivered")
    assert post.round_of_post(DUE, channel="email") == []
    assert (_mails(client).get().state, _mails(client).get().reason) == ("cancelled", "went_in_time")


def test_a_mail_that_came_back_goes_as_a_text_and_not_back_again(house):
    """The reverse way; and what is itself a fallback has none."""
    source = versions.newest(house.lakeside)
    versions.approved(house.lakeside, _only(source, Channel.EMAIL, Channel.SMS), NOW - timedelta(hours=5))
    client = _alice()
    _tell(_sent(client, channel="email"), "undelivered", "550 5.1.1")
    text = builders.message(client, "same-day", "sms")
    assert text.fallback_of == _mails(client).get().pk
    post.round_of_post(DUE)
    _tell(text, "undelivered", "30003")
    assert Message.objects.filter(client=client, step__code="same-day").count() == 2
