"""Parents, borrowed phones, family numbers: who agrees, who is greeted, what nobody else learns (rules 15, 134)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, text_from
from worker import tokens
from worker.actions.clients.contact import change_contact
from worker.actions.clients.enrol import enrol
from worker.actions.consent.unsubscribe import unsubscribe
from worker.intake.client import ClientFile
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import ConsentEvent, Grant
from worker.rules.refusal import Refusals

MOTHER = {"name": "Ines Duval", "relationship": "mother"}


def minor(**changes):
    raw = builders.client_file(minor=True, holder=MOTHER, **changes)
    for consent in raw["consents"]:
        consent["wording"] = "service-holder@1"
    return enrol(checked(ClientFile, raw), now=NOW).client


def test_a_parent_agrees_for_a_minor(house):
    """Rule 15: by words that speak to her; the client is marked, and her messages come."""
    alice = minor()
    assert alice.is_minor
    codes = ConsentEvent.objects.filter(client_id=alice.pk, act="given").values_list("wording__code", flat=True)
    assert set(codes) == {"service-holder"}
    assert post.round_of_post(NOW) == ["optin-confirmation"]


def test_a_minors_new_number_needs_its_holder(house):
    """Rules 8, 15: a change without saying whose it is is refused."""
    alice = minor()
    alone = ContactFile(changed_by=builders.SAM, phone="(212) 555-0155")
    with pytest.raises(Refusals, match="holder: is missing for a minor"):
        change_contact(client_id=alice.pk, file=alone, now=NOW)
    with_holder = checked(ContactFile, {"changed_by": builders.SAM, "phone": "(212) 555-0155", "holder": MOTHER})
    assert change_contact(client_id=alice.pk, file=with_holder, now=NOW).silent == ["sms"]


def test_the_confirmation_greets_who_holds_the_mailbox(house):
    """Rule 15: the opt-in text is for the holder, the course is about the client."""
    builders.alice(holder=MOTHER)
    provider = post.Provider()
    post.round_of_post(NOW, provider, channel="email")
    post.round_of_post(NOW + timedelta(hours=3), provider, channel="email")
    first, second = provider.taken
    assert "Hello Ines," in first.text
    assert "Alice" not in first.text
    assert "Hello Alice," in second.text


def test_nobody_reads_of_the_other_on_a_shared_phone_and_mailbox(house):
    """Rule 134: a family's texts name nobody at all, and each mail only its own client."""
    alice = builders.alice().client
    mia = builders.alice(external_id="A-2", name="Zora Quist").client
    provider = post.Provider()
    for hours in (0, 2, 8, 26, 75, 170):
        for channel in ("sms", "email"):
            post.round_of_post(NOW + timedelta(hours=hours), provider, channel=channel)
    texts = [each.body for each in provider.taken if hasattr(each, "body")]
    mails = [f"{each.subject} {each.text} {each.html}" for each in provider.taken if hasattr(each, "subject")]
    assert len(texts) >= 4
    assert len(mails) >= 4
    assert not [text for text in texts if any(name in text for name in ("Alice", "Moreau", "Zora", "Quist"))]
    assert not [mail for mail in mails if "Alice" in mail and "Zora" in mail]
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW + timedelta(hours=171))
    grants = Grant.objects.filter(client__in=(alice, mia), standing__channel="sms")
    assert set(grants.values_list("state", flat=True)) == {"revoked"}


def test_the_last_word_to_a_shared_mailbox_is_for_whose_link_it_was(house):
    """Rule 134: Alice pressed her link; the confirmation carries her link, not that of the client who came after."""
    alice = builders.alice().client
    builders.alice(external_id="A-2", name="Zora Quist")
    contact = alice.contacts.get(channel="email")
    assert unsubscribe(link_key=contact.link_key, method="link", now=NOW)
    provider = post.Provider()
    assert post.round_of_post(NOW, provider, channel="email") == ["stop-confirmation"]
    assert tokens.make("u", contact.link_key) in provider.taken[0].text
