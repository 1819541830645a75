"""Forms and links that are not hers have no effect, and none is ever about anybody else (P9, P10, P12)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import builders
from tests.builders import NOW
from tests.web.page import Page
from tests.web.provider import FORM
from tests.web.test_inbound import full, planned
from tests.web.test_preferences import EVERYTHING, OFFERED, PHONE, answer, carol, coming
from tests.web.test_unsubscribe import FORGED, flipped, link, post
from worker import clock, tokens
from worker.models import (
    Client,
    ConsentEvent,
    Contact,
    Event,
    Grant,
    Message,
    Standing,
    Suppression,
)


@pytest.fixture
def alice(house):
    """Alice of Lakeside, with a visit in five weeks: care notes and reminders are planned on both channels."""
    return builders.alice(visit=NOW + timedelta(days=35)).client


TAMPERED = [
    "end=", "end=email", "end=email.", "end=.aftercare", "end=EMAIL.aftercare", "end=post.aftercare",
    "end=email.everything", "end=email.aftercare.", "end=email.aftercare&end=sms.aftercare",
    "end=email.aftercare&language=es", "end=email.aftercare&client=2", "end=email.aftercare&contact={bob}",
    "contact={bob}", "contact={bob}&confirm=everything", "end={bob}.aftercare", "client={bob}&language=es",
    "language=", "language=fr", "language=ES", "language=es&language=en", "language=en-US", "language=es%00",
    "confirm=everything&confirm=everything", "confirm=Everything", "confirm=everything&x=", "end%00=email.aftercare",
    "on=email.aftercare", "start=email.aftercare", "end=email.marketing", "confirm=start", "=", "&&&",
]  # fmt: skip


def test_a_form_that_is_not_on_her_page_does_nothing(alice, browser):
    """Unknown fields and values, several at once, other people's ids, turning on: 400, and nothing changed (P12)."""
    bob = Contact.objects.get(client=builders.bob().client, channel="email")
    before = builders.counts()
    for body in TAMPERED:
        assert post(browser, link(alice), body.format(bob=bob.pk)).status_code == 400, body
        assert builders.counts() == before, body
    assert set(Client.objects.values_list("language", flat=True)) == {"en"}


def test_a_choice_with_a_file_does_nothing(alice, browser):
    """No form of ours sends one."""
    body = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    parts = body.format("end", "", "email.aftercare") + body.format("f", '; filename="f"', "x") + "--b--\r\n"
    assert post(browser, link(alice), parts, "multipart/form-data; boundary=b").status_code == 400
    assert coming(alice, "email", "aftercare")


def test_a_forged_link_chooses_nothing(alice, browser):
    """404 for every form, and no effect (P10)."""
    before = builders.counts()
    nearly = [flipped(link(alice).removeprefix("/u/"), bit) for bit in (3, 66, 140)]
    for token in (*FORGED, *nearly):
        for body in ("end=email.aftercare", EVERYTHING, "language=es"):
            assert post(browser, f"/u/{token}", body).status_code == 404
    assert builders.counts() == before


def test_the_link_of_an_address_she_gave_up_ends_that_address_and_tells_nothing(alice, browser):
    """Somebody else may read there now: he sees the button alone, and can change nothing of hers (P9, P10)."""
    Contact.objects.filter(client=alice, channel="email").update(valid_to=NOW)
    path = link(alice)
    page = Page(browser.get(path))
    assert len(page.all("button")) == 1
    assert PHONE not in page.text
    before = builders.counts()
    for body in ("end=email.aftercare", "end=sms.aftercare", EVERYTHING, "language=es"):
        assert post(browser, path, body).status_code == 400
    assert builders.counts() == before
    page = answer(browser, path, "confirm=stop")
    assert "0123" not in page.text
    assert not page.links
    assert not planned(alice, "email").exists()
    assert planned(alice, "sms").exists()


@pytest.mark.parametrize("body", ["end=email.aftercare", EVERYTHING, "language=es"])
def test_a_link_of_three_keys_and_400_days_ago_still_chooses(alice, browser, settings, body):
    """Neither key rotation nor time ends a link (rule 73)."""
    path = link(alice)
    for number in range(3):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = f"a new one, number {number}"
        tokens.forget_keys()
    clock.step_to(NOW + timedelta(days=401))
    assert path != link(alice)
    assert "Care notes: on" in Page(browser.get(path)).text
    assert post(browser, path, body).status_code == 200
    assert ConsentEvent.objects.filter(act="revoked").exists() or Client.objects.get(pk=alice.pk).language == "es"


def test_a_choice_that_could_not_be_kept_is_asked_for_again(alice, browser):
    """503, and nothing half done (rule 33)."""
    before = builders.counts()
    for body in ("end=email.aftercare", EVERYTHING, "language=es"):
        with connection.execute_wrapper(full):
            assert post(browser, link(alice), body).status_code == 503
    assert builders.counts() == before
    assert not Standing.objects.filter(suppressed_at__isnull=False).exists()


def test_a_clinics_name_is_shown_and_never_run(alice, browser):
    """Every value is escaped, on the page and on the answer to each form (rule 40)."""
    clinic = alice.clinic
    clinic.name, clinic.phone = "<b>&\"'", "<i>1</i>"
    clinic.save()
    pages = [Page(browser.get(link(alice)))]
    pages += [answer(browser, link(alice), body) for body in ("end=email.aftercare", "confirm=stop", EVERYTHING)]
    for page in pages:
        assert "<b>&\"'" in page.text
        assert not page.all("b")
        assert not page.all("i")


def theirs(client):
    """Everything of everybody but one client: consents, messages, suppressions, addresses, languages, the ledger."""
    others = Standing.objects.exclude(contacts__client=client) | Standing.objects.filter(
        contacts__client__in=Client.objects.exclude(pk=client.pk)
    )
    mine = [f"client:{client.pk}", *(f"standing:{pk}" for pk in standing_ids(client))]
    own = [f"message:{pk}" for pk in Message.objects.filter(client=client).values_list("pk", flat=True)]
    return [
        list(Client.objects.exclude(pk=client.pk).order_by("pk").values_list()),
        list(Grant.objects.exclude(client=client).order_by("pk").values_list()),
        list(Contact.objects.exclude(client=client).order_by("pk").values_list()),
        list(Message.objects.exclude(client=client).order_by("pk").values_list()),
        list(ConsentEvent.objects.exclude(client_id=client.pk).order_by("pk").values_list()),
        list(Event.objects.exclude(subject__in=mine + own).order_by("pk").values_list()),
        list(Suppression.objects.filter(standing__in=others).order_by("pk").values_list()),
        sorted(set(others.values_list("pk", "suppressed_at", "suppressed_why", "held_at", "held_why"))),
    ]


def standing_ids(client):
    return Contact.objects.filter(client=client).values_list("standing_id", flat=True)


NAMES = st.sampled_from(["confirm", "end", "language", "contact", "client", "List-Unsubscribe", "on"]) | st.text(
    max_size=8
)
VALUES = st.sampled_from(
    [*(value for _, value in sorted(OFFERED)), "stop", "One-Click", "email.marketing", "en", "fr", "1", "2", "3", "4"]
) | st.text(max_size=12)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=3)
BODIES = FIELDS | st.sampled_from(sorted(OFFERED)).map(lambda pair: [pair])


@pytest.fixture
def neighbours(alice):
    """Carol, who has Alice's phone, and Bob of the other clinic, who has her mailbox."""
    return carol(), builders.bob(email="alice@example.com").client


@effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(forms=st.lists(BODIES, min_size=1, max_size=4))
def test_whatever_is_posted_only_the_links_client_is_touched(alice, neighbours, browser, forms):
    """P10: random forms through Alice's link change nothing of Carol's or Bob's, give no consent back, and have no
    effect at all where the answer is not 200.
    """
    with transaction.atomic():
        before, active = theirs(alice), Grant.objects.filter(client=alice, state="active").count()
        for form in forms:
            rows = builders.counts()
            got = browser.post(link(alice), data=urlencode(form), content_type=FORM)
            assert got.status_code == 200 or (got.status_code == 400 and builders.counts() == rows)
            left = Grant.objects.filter(client=alice, state="active").count()
            assert left <= active
            active = left
        assert theirs(alice) == before
        transaction.set_rollback(True)
