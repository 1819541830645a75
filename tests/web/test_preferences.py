"""The choices behind the link: narrower than a stop, as easy, and never about anybody else (P1, P2, rule 64)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post as postbox
from tests.builders import ALICES_PHONE, NOW, message, messages_of, standing_of, text_from
from tests.web.page import Page
from tests.web.test_inbound import confirmations, planned
from tests.web.test_unsubscribe import link, post
from worker.actions.consent import ledger
from worker.models import (
    ConsentEvent,
    Grant,
    Message,
    Standing,
    Suppression,
)
from worker.reading.chain import faults
from worker.rules.states import State
from worker.web.headers import CSP

EVERYTHING = "confirm=everything"
MAIL, PHONE = "a•••••@e•••••.com", "+1•••••0123"
OFFERED = {
    ("end", "email.aftercare"), ("end", "email.reminders"), ("end", "sms.aftercare"), ("end", "sms.reminders"),
    ("confirm", "everything"), ("language", "es"),
}  # fmt: skip


@pytest.fixture
def alice(house):
    """Alice of Lakeside, with a visit in five weeks: care notes and reminders are planned on both channels."""
    return builders.alice(visit=NOW + timedelta(days=35)).client


def carol(**changes):
    """Carol, Alice's daughter and a client of the same clinic, who has Alice's phone."""
    own = {"external_id": "L-77", "name": "Carol Moreau", "email": "carol@example.com"}
    return builders.alice(**{**own, **changes}).client


def offered(page):
    """Every choice below the first button, as the form would send it."""
    return {(button["name"], button["value"]) for button in page.all("button")[1:]}


def coming(client, channel, purpose):
    return planned(client, channel).filter(purpose=purpose).exists()


def answer(browser, path, body):
    """The page that a form is answered with, having kept what every page keeps."""
    got = post(browser, path, body)
    assert got.status_code == 200
    assert (got["Cache-Control"], got["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert got["Content-Security-Policy"] == CSP
    assert not got.cookies
    page = Page(got)
    page.check()
    return page


def give(client, channel, purpose):
    """A consent that is given later, in the ledger."""
    row = standing_of(client, channel)
    act = ledger.ConsentAct(
        client_id=client.pk, purpose=purpose, act="given", method="paper", happened_at=NOW, zone="UTC", recorded_by="t"
    )
    ledger.write(row, [act], now=NOW)


def test_the_page_shows_every_channel_and_purpose_without_a_login(alice, browser):
    """Both addresses masked, what is on at each, and the one stop button before all else (rules 64, 113)."""
    page = Page(browser.get(link(alice)))
    page.check()
    assert page.all("button")[0] == {"class": "button", "name": "confirm", "value": "stop"}
    assert offered(page) == OFFERED
    assert f"Emails to {MAIL} Care notes: on" in page.text
    assert f"Text messages to {PHONE} Care notes: on" in page.text
    assert page.text.count("Reminders of your visits: on") == 2
    assert page.text.index("End these emails") < page.text.index("Emails to") < page.text.index("Text messages to")
    assert page.html.count("<form") == len(OFFERED) + 1 == page.html.count('<form method="post">')
    for secret in ("Alice", "Moreau", "alice@", "example.com", "5550123", "needling", "Offers"):
        assert secret not in page.html


def test_marketing_is_named_only_if_it_was_ever_given(alice, browser):
    """Never asked: not a word of it (rule 13). Given: it can be ended here like the rest."""
    assert "Offers" not in Page(browser.get(link(alice))).text
    assert post(browser, link(alice), "end=email.marketing").status_code == 400
    give(alice, "email", "marketing")
    assert offered(Page(browser.get(link(alice)))) == OFFERED | {("end", "email.marketing")}
    assert "no more offers and news by email" in answer(browser, link(alice), "end=email.marketing").text
    assert Grant.objects.get(client=alice, purpose="marketing").state == "revoked"
    assert "Offers and news: off" in Page(browser.get(link(alice))).text


def test_one_purpose_ends_on_one_channel_alone(alice, browser):
    """The rest goes on, and the page says plainly what ended and what still comes (P2: a link may be narrower)."""
    page = answer(browser, link(alice), "end=email.reminders")
    assert not coming(alice, "email", "reminders")
    assert coming(alice, "email", "aftercare")
    assert coming(alice, "sms", "reminders")
    assert "You will get no more reminders of your visits by email" in page.text
    assert f"Emails to {MAIL}: care notes" in page.text
    assert page.text.count("reminders of your visits") == 3  # twice as ended, once as still coming by text
    assert f"Text messages to {PHONE}: care notes, reminders of your visits" in page.text
    assert not page.all("form")
    assert page.links == [link(alice)]
    event = ConsentEvent.objects.get(act="revoked")
    assert (event.channel, event.purpose, event.method, event.recorded_by) == ("email", "reminders", "link", "client")
    assert standing_of(alice, "email").suppressed_at is None
    assert not confirmations().exists()
    after = Page(browser.get(link(alice)))
    assert offered(after) == OFFERED - {("end", "email.reminders")}
    assert "Reminders of your visits: off" in after.text
    assert faults() == []


def test_a_choice_on_the_other_channel_works_from_the_same_link(alice, browser):
    """The link in an email also ends texts: she need not find another (rule 64)."""
    answer(browser, link(alice), "end=sms.aftercare")
    assert not coming(alice, "sms", "aftercare")
    assert coming(alice, "sms", "reminders")
    assert coming(alice, "email", "aftercare")


def test_the_same_choice_twice_is_one(alice, browser):
    """A page that is sent again says the same and writes nothing more."""
    for body in ("end=sms.reminders", EVERYTHING, "language=es"):
        first = answer(browser, link(alice), body).text
        before = builders.counts()
        assert answer(browser, link(alice), body).text == first
        assert builders.counts() == before


def test_what_she_kept_does_not_wait_for_a_confirmation_that_fell(alice, browser):
    """The opt-in confirmation is for the whole channel: it goes with the last purpose, not with the first (rule 6)."""
    assert message(alice, "optin-confirmation").state == State.PLANNED
    answer(browser, link(alice), "end=sms.aftercare")
    again = message(alice, "optin-confirmation")
    assert (again.state, again.resend) == (State.PLANNED, 1)
    postbox.round_of_post(NOW + timedelta(minutes=5), postbox.Provider())
    assert message(alice, "optin-confirmation").state == State.ACCEPTED
    assert Grant.objects.get(client=alice, standing__channel="sms", purpose="reminders").confirmed_at is not None
    assert Message.objects.filter(client=alice, kind="optin_confirmation", channel="email").count() == 1


def test_no_confirmation_comes_back_when_nothing_is_left_there(alice, browser):
    """Both purposes ended one after the other: nothing at all leaves to that phone any more (P1)."""
    answer(browser, link(alice), "end=sms.aftercare")
    page = answer(browser, link(alice), "end=sms.reminders")
    assert not messages_of(alice, channel="sms", state=State.PLANNED)
    assert "Text messages to" not in page.text
    provider = postbox.Provider()
    postbox.round_of_post(NOW + timedelta(days=1), provider)
    assert not provider.taken


def test_stop_everything_stops_both_channels_for_good(alice, browser):
    """Both addresses silenced in one commit, one confirmation by mail, and the page says so (rules 22, 25)."""
    page = answer(browser, link(alice), EVERYTHING)
    for channel in ("email", "sms"):
        assert standing_of(alice, channel).suppressed_why == "link"
        assert not planned(alice, channel).exists()
    assert confirmations().get().channel == "email"
    assert "Everything is stopped" in page.text
    assert "Nothing more comes from Lakeside Skin Clinic." in page.text
    assert offered(Page(browser.get(link(alice)))) <= {("language", "es")}
    assert ConsentEvent.objects.filter(act="revoked").count() == 4
    assert faults() == []


def test_stop_everything_from_the_phones_link_too(alice, browser):
    """From either link; a text's link brings no email that confirms it: the page just did."""
    answer(browser, link(alice, "sms"), EVERYTHING)
    assert standing_of(alice, "email").suppressed_why == standing_of(alice, "sms").suppressed_why == "link"
    assert not Message.objects.filter(client=alice, state=State.PLANNED).exists()


def test_the_button_says_what_still_comes(alice, browser):
    """Ending emails ends emails: the page names the texts that go on, and leads to the choice to end those too."""
    page = answer(browser, link(alice), "confirm=stop")
    assert "One last email may confirm it." in page.text
    assert f"Text messages to {PHONE}: care notes, reminders of your visits" in page.text
    assert "Emails to" not in page.text
    after = Page(browser.get(link(alice)))
    after.check()
    assert "You will get no more emails" in after.text
    every = {("end", "sms.aftercare"), ("end", "sms.reminders"), ("confirm", "everything"), ("language", "es")}
    assert {(button["name"], button["value"]) for button in after.all("button")} == every


def test_a_hold_is_not_called_on(alice, house, browser):
    """After an unclear reply nothing comes until a person looked: the page does not promise it (rule 17)."""
    text_from(house.lakeside, ALICES_PHONE, "qwerty zxcv 17")
    assert standing_of(alice).held_at is not None
    page = Page(browser.get(link(alice)))
    assert f"Text messages to {PHONE} Care notes: on hold for now" in page.text
    assert offered(page) == OFFERED
    assert "care notes (on hold for now)" in answer(browser, link(alice), "end=email.reminders").text


def test_somebody_who_shares_an_address_is_not_shown(alice, browser):
    """Carol has Alice's phone, and her texts are her own affair: neither page tells of the other (rule 134)."""
    daughter = carol(consents=(("sms", "aftercare"), ("email", "aftercare")))
    for client, mail in ((alice, MAIL), (daughter, "c•••••@e•••••.com")):
        page = Page(browser.get(link(client)))
        assert page.text.count("•@") == page.text.count(mail) > 0
        assert "Carol" not in page.html
    assert "Reminders of your visits: off" in Page(browser.get(link(daughter))).text
    assert ("end", "sms.reminders") not in offered(Page(browser.get(link(daughter))))


def test_stop_everything_leaves_the_shared_phone_to_the_other(alice, browser):
    """Alice's click ends all of Alice's texts; Carol, who said nothing, keeps hers on the same phone."""
    daughter = carol()
    answer(browser, link(alice), EVERYTHING)
    assert not planned(alice).exists()
    assert set(Grant.objects.filter(client=alice).values_list("state", flat=True)) == {"revoked"}
    assert planned(daughter).exists()
    assert set(Grant.objects.filter(client=daughter).values_list("state", flat=True)) == {"active"}
    assert standing_of(daughter).suppressed_at is None
    before = builders.counts()
    answer(browser, link(alice), EVERYTHING)
    assert builders.counts() == before
    assert faults() == []


def test_the_button_of_a_shared_address_ends_it_for_both(alice, browser):
    """The link came to that very phone: its own stop is the STOP of the number (rule 134)."""
    daughter = carol()
    answer(browser, link(alice, "sms"), "confirm=stop")
    assert not planned(alice).exists()
    assert not planned(daughter).exists()


def test_a_purpose_she_never_agreed_to_is_off_and_nothing_to_end(house, browser):
    """Shown as off, without a button; a form that ends it all the same is not on her page (P1)."""
    alice = builders.alice(consents=(("email", "aftercare"),)).client
    page = Page(browser.get(link(alice)))
    assert offered(page) == {("end", "email.aftercare"), ("language", "es")}
    assert "Reminders of your visits: off" in page.text
    assert post(browser, link(alice), "end=email.reminders").status_code == 400
    assert post(browser, link(alice), "end=sms.aftercare").status_code == 400


def test_a_bounce_leaves_nothing_on_and_her_own_word_possible(alice, browser):
    """A bounced mailbox gets nothing: shown as off; what she says of it is still written down (P2)."""
    Standing.objects.filter(pk=standing_of(alice, "email").pk).update(suppressed_at=NOW, suppressed_why="bounce")
    page = Page(browser.get(link(alice)))
    assert f"Emails to {MAIL} Care notes: off Reminders of your visits: off" in page.text
    answer(browser, link(alice), EVERYTHING)
    assert set(Suppression.objects.values_list("reason", flat=True)) == {"link"}
