"""The way out of every email: one button or one click, at once, without a login, never by looking (rules 112-114)."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import builders
from tests.builders import messages_of, standing_of
from tests.web.page import Page
from tests.web.provider import FORM
from tests.web.test_inbound import confirmations, full, planned
from worker import sealed, tokens
from worker.models import ConsentEvent, Contact, Standing, Suppression
from worker.rules.states import State

ONE_CLICK = "List-Unsubscribe=One-Click"
# RFC 8058 section 8.2, with the same boundary and line ends
MULTIPART = (
    "---FormBoundaryjWmhtjORrn\r\n"
    'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    "One-Click\r\n"
    "---FormBoundaryjWmhtjORrn--\r\n"
)
BOTH = [(FORM, ONE_CLICK), ("multipart/form-data; boundary=-FormBoundaryjWmhtjORrn", MULTIPART)]


def link(client, channel="email"):
    """The address in the List-Unsubscribe of this client's mail."""
    contact = Contact.objects.get(client=client, channel=channel)
    return f"/u/{tokens.make('u', contact.link_key)}"


@pytest.fixture
def alice(house):
    """Alice of Lakeside, enrolled."""
    return builders.alice().client


def post(browser, path, body, content_type=FORM):
    return browser.post(path, data=body, content_type=content_type)


@pytest.mark.parametrize(("content_type", "body"), BOTH)
def test_one_click_acts_at_once(alice, browser, content_type, body):
    """Both encodings, no cookie, CSRF token or redirect; every planned email ends in the request (RFC 8058 3.2)."""
    assert planned(alice, "email").count() > 5
    answer = post(browser, link(alice), body, content_type)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    assert not answer.cookies
    assert standing_of(alice, "email").suppressed_why == "link"
    assert not planned(alice, "email").exists()
    assert {each.reason for each in messages_of(alice, channel="email", state=State.CANCELLED)} == {"revoked"}
    assert set(ConsentEvent.objects.filter(act="revoked").values_list("method", flat=True)) == {"one_click"}


def test_the_button_ends_it_and_says_so(alice, browser):
    """The page's own form: a page that says plainly what was ended, with the clinic and a masked address (rule 113)."""
    answer = post(browser, link(alice), "confirm=stop")
    assert answer.status_code == 200
    page = Page(answer)
    page.check()
    assert "You will get no more emails" in page.text
    assert "Lakeside Skin Clinic sends no more emails to a•••••@e•••••.com" in page.text
    assert not page.all("form")
    assert standing_of(alice, "email").suppressed_why == "link"
    assert set(ConsentEvent.objects.filter(act="revoked").values_list("method", flat=True)) == {"link"}


def test_a_hundred_looks_end_nothing(alice, browser):
    """Scanners open every link, with GET and with HEAD: nothing changes (rule 113, RFC 8058 1)."""
    before = builders.counts()
    for _ in range(50):
        assert browser.get(link(alice)).status_code == 200
        assert browser.head(link(alice)).status_code == 200
    assert builders.counts() == before
    assert standing_of(alice, "email").suppressed_at is None


def test_the_page_names_the_clinic_and_a_masked_address_and_nothing_else(alice, browser):
    """The stop comes first; no name, no whole address, nothing from elsewhere, never stored (P9, rule 113)."""
    answer = browser.get(link(alice))
    page = Page(answer)
    page.check()
    assert page.all("button")[0] == {"class": "button", "name": "confirm", "value": "stop"}
    assert [each for each in page.all("button") if each["value"] == "stop"] == page.all("button")[:1]
    assert all(each == {"method": "post"} for each in page.all("form"))
    assert page.text.index("End these emails") < page.text.index("Your choices")
    assert "End emails from Lakeside Skin Clinic?" in page.text
    assert "a•••••@e•••••.com" in page.text
    for secret in ("Alice", "Moreau", "alice@", "example.com", "needling", "555-0123", "5550123"):
        assert secret not in page.html
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert not answer.cookies


def test_the_page_speaks_the_clients_language(house, browser):
    """Spanish for a client who asked for Spanish."""
    alice = builders.alice(language="es").client
    page = Page(browser.get(link(alice)))
    page.check()
    assert page.all("html")[0]["lang"] == "es"
    assert "¿Terminar los correos de Lakeside Skin Clinic?" in page.text


def test_a_link_of_a_phone_speaks_of_texts(alice, browser):
    """The same page for a number: masked, and it ends texts alone."""
    assert "+1•••••0123" in Page(browser.get(link(alice, "sms"))).text
    page = Page(post(browser, link(alice, "sms"), "confirm=stop"))
    assert "You will get no more text messages" in page.text
    assert not planned(alice, "sms").exists()
    assert planned(alice, "email").exists()


def test_twice_is_once(alice, browser):
    """The link, the button and the mail program may all be pressed: one revocation, one confirmation (rule 112)."""
    for body in (ONE_CLICK, "confirm=stop", ONE_CLICK, "confirm=stop"):
        assert post(browser, link(alice), body).status_code == 200
    assert "You will get no more emails" in Page(browser.get(link(alice))).text
    assert Suppression.objects.count() == confirmations().count() == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, ""),
        (FORM, "List-Unsubscribe=one-click"),
        (FORM, "List-Unsubscribe="),
        (FORM, "list-unsubscribe=One-Click"),
        (FORM, "confirm=yes"),
        (FORM, "confirm"),
        ("application/json", '{"List-Unsubscribe": "One-Click"}'),
        ("text/plain", ONE_CLICK),
        ("multipart/form-data", MULTIPART),
        ("multipart/form-data; boundary=other", MULTIPART),
        (f"{FORM}; charset=utf-16", ONE_CLICK),
    ],
)
def test_a_post_that_does_not_say_it_does_nothing(alice, browser, content_type, body):
    """Only the one line of RFC 8058, or the page's button, ends anything (rule 112)."""
    before = builders.counts()
    assert post(browser, link(alice), body, content_type).status_code == 400
    assert builders.counts() == before


def test_a_post_of_a_whole_file_is_refused_unread(alice, browser):
    """64 kB are more than any button says (P12)."""
    assert post(browser, link(alice), "confirm=stop&x=" + "a" * 65_536).status_code == 413
    assert standing_of(alice, "email").suppressed_at is None


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(alice, browser, method):
    """405, and nothing ends."""
    assert getattr(browser, method)(link(alice)).status_code == 405
    assert standing_of(alice, "email").suppressed_at is None


def flipped(token: str, bit: int) -> str:
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[bit // 8] ^= 1 << (bit % 8)
    return base64.urlsafe_b64encode(bytes(raw)).decode()


@given(bit=st.integers(0, 18 * 8 - 1))
@effort(max_examples=144, deadline=None)
def test_a_token_with_one_other_bit_is_none(bit):
    """Every single bit counts (rule 114)."""
    token = tokens.make("u", 4711)
    assert tokens.read("u", token) == (4711, 0)
    assert tokens.read("u", flipped(token, bit)) is None


FORGED = ["A" * 24, "x", "A" * 23, "A" * 25, "é" * 24, "../../etc/passwd", "%00" * 24, "{{7*7}}", "<script>"]


@pytest.mark.parametrize("token", FORGED)
def test_a_forged_link_is_not_found_and_names_no_one(alice, browser, token):
    """GET: a calm page in both languages; POST: 404; no effect, and nothing of what was sent comes back (rule 112)."""
    before = builders.counts()
    answer = browser.get(f"/u/{token}")
    assert answer.status_code == 404
    assert "Lakeside" not in answer.content.decode()
    assert "script" not in answer.content.decode()
    for content_type, body in BOTH:
        assert post(browser, f"/u/{token}", body, content_type).status_code == 404
    assert builders.counts() == before


def test_flipped_bits_of_a_real_link_end_nothing(alice, browser):
    """Whoever tries around a link he was given ends nobody's emails (rule 114)."""
    real = link(alice).removeprefix("/u/")
    for bit in range(0, 18 * 8, 7):
        assert post(browser, f"/u/{flipped(real, bit)}", ONE_CLICK).status_code == 404
    assert not Standing.objects.filter(suppressed_at__isnull=False).exists()


def test_a_token_of_another_kind_or_of_nobody_is_not_found(alice, browser):
    """A care link ends nothing, and a genuine token of no link neither; of a client who is erased there is no page."""
    contact = Contact.objects.get(client=alice, channel="email")
    assert post(browser, f"/u/{tokens.make('c', contact.link_key)}", ONE_CLICK).status_code == 404
    assert post(browser, f"/u/{tokens.make('u', tokens.new_key())}", ONE_CLICK).status_code == 404
    Contact.objects.filter(pk=contact.pk).update(address_sealed=None)  # erased
    answer = browser.get(link(alice))
    assert answer.status_code == 404
    Page(answer).check()
    assert post(browser, link(alice), {"do": "everything"}).status_code == 404
    assert post(browser, link(alice), ONE_CLICK).status_code == 200  # it still ends what is sent there (rules 62, 109)


def test_a_link_made_under_an_old_key_still_works(alice, browser, settings):
    """The secret key was rotated since the mail went out (rule 73)."""
    path = link(alice)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    tokens.forget_keys()
    assert path != link(alice)
    assert post(browser, path, ONE_CLICK).status_code == 200
    assert not planned(alice, "email").exists()


def test_another_client_and_another_clinic_go_on(alice, browser):
    """Alice's click ends Alice's emails: not her texts, not Bob's, not the other clinic's mail to the same box."""
    bob = builders.bob(email="alice@example.com").client
    post(browser, link(alice), ONE_CLICK)
    assert planned(alice, "sms").exists()
    assert planned(bob, "email").exists()
    assert standing_of(bob, "email").suppressed_at is None


def test_a_bounce_is_not_her_word(alice, browser):
    """A bounced address is silent already, yet her own stop is recorded: staff may lift one, not the other (P2)."""
    row = standing_of(alice, "email")
    Standing.objects.filter(pk=row.pk).update(suppressed_at=builders.NOW, suppressed_why="bounce")
    assert Page(browser.get(link(alice))).all("button")
    assert post(browser, link(alice), ONE_CLICK).status_code == 200
    assert Suppression.objects.get(standing=row).reason == "link"
    assert ConsentEvent.objects.filter(act="revoked", standing_id=row.pk).exists()


def test_a_lost_key_does_not_keep_her_in(alice, browser, settings):
    """The address cannot be read any more: the page does without it, and the stop stands (P2)."""
    settings.FIELD_KEYS = [base64.urlsafe_b64encode(b"q" * 32).decode()]
    sealed.forget_keys()
    assert "to your address" in Page(browser.get(link(alice))).text
    assert post(browser, link(alice), ONE_CLICK).status_code == 200
    assert not planned(alice, "email").exists()
    assert standing_of(alice, "email").suppressed_why == "link"


def test_a_stop_that_could_not_be_kept_is_asked_for_again(alice, browser):
    """503 and nothing half done; a mail program tries again (rule 33)."""
    before = builders.counts()
    with connection.execute_wrapper(full):
        answer = post(browser, link(alice), ONE_CLICK)
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert builders.counts() == before
    assert post(browser, link(alice), ONE_CLICK).status_code == 200


def test_neither_address_nor_token_is_logged(alice, browser, caplog, capfd):
    """A token in a log would be a key lying about (P9, rule 60)."""
    caplog.set_level("DEBUG")
    caplog.set_level("DEBUG", "django.request")  # quiet unless somebody asks for it
    path = link(alice)
    browser.get(path)
    post(browser, path, "confirm=yes")
    browser.put(path)
    post(browser, path, ONE_CLICK)
    browser.get(f"{path}x")
    out = capfd.readouterr()
    told = caplog.text + out.out + out.err
    assert "/u/..." in told
    for secret in (path.removeprefix("/u/"), "alice@", "example.com"):
        assert secret not in told
