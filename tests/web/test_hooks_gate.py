"""Nothing happens on a webhook before its signature is proved, whatever it looks like (P10, rules 91 to 101)."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests import builders
from tests.builders import ALICES_PHONE
from tests.web.provider import INBOUND, LAKESIDE, STATUS, Provider, new_sid, signature
from worker import clock, sealed
from worker.actions.privacy.retain import retain
from worker.models import Inbound, Sender

OWN_ACCOUNT = "AC" + "5" * 32


@pytest.fixture
def unchanged(house):
    """Alice is enrolled, and no row comes or changes in number."""
    builders.alice()
    before = builders.counts()
    yield
    assert builders.counts() == before


@pytest.mark.parametrize("path", [INBOUND, f"{STATUS}?d={'0' * 32}"])
def test_unsigned_and_forged_requests_are_refused(unchanged, provider, path):
    """No signature, an empty one, a foreign one: 403 and no effect (rule 91)."""
    pairs = provider.said(ALICES_PHONE, "STOP")
    body = urlencode(pairs)
    assert provider.raw(path, body).status_code == 403
    assert provider.raw(path, body, X_Twilio_Signature="").status_code == 403
    assert provider.raw(path, body, X_Twilio_Signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=").status_code == 403
    provider.token = "f" * 32
    assert provider.post(path, pairs).status_code == 403


@pytest.mark.parametrize("extra", ["/", "?x=1", "#now", "%20"])
def test_a_signature_over_another_url_is_refused(unchanged, provider, settings, extra):
    """Trailing slash, extra query, another path (rule 91)."""
    pairs = provider.said(ALICES_PHONE, "STOP")
    assert provider.post(INBOUND, pairs, url=f"{settings.PUBLIC_URL}{INBOUND}{extra}").status_code == 403


def test_a_query_that_was_not_signed_is_refused(unchanged, provider, settings):
    """What somebody adds to the address on the way breaks the signature (rule 91)."""
    pairs = provider.said(ALICES_PHONE, "STOP")
    assert provider.post(f"{INBOUND}?x=1", pairs, url=settings.PUBLIC_URL + INBOUND).status_code == 403


def test_a_body_that_was_trimmed_or_filled_on_the_way_is_refused(unchanged, provider, settings):
    """The signature is over the values exactly as sent (rule 93)."""
    pairs = provider.said(ALICES_PHONE, " STOP ")
    signed = signature(provider.token, settings.PUBLIC_URL + INBOUND, pairs)
    for changed in (
        [(name, value.strip()) for name, value in pairs],
        [(name, value) for name, value in pairs if value],
        [*pairs, ("Body", "STOP")],
    ):
        assert provider.raw(INBOUND, urlencode(changed), X_Twilio_Signature=signed).status_code == 403


SPOOFED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "81",
    "Forwarded": "host=evil.example;proto=http",
    "X-Original-Url": "/admin",
}


def test_headers_never_decide_the_url(unchanged, provider, settings):
    """A signature over the address that spoofed headers spell is refused (rule 92)."""
    settings.PUBLIC_URL = "https://care.lakeside.example"
    provider.headers = SPOOFED
    pairs = provider.said(ALICES_PHONE, "STOP")
    assert provider.post(INBOUND, pairs, url=f"http://evil.example{INBOUND}").status_code == 403
    assert provider.post(INBOUND, pairs, url=f"https://evil.example{INBOUND}").status_code == 403


def test_behind_a_proxy_that_ends_tls_the_public_address_counts(house, provider, settings):
    """Plain HTTP under another host with spoofed headers: the configured URL verifies (rule 92)."""
    settings.PUBLIC_URL = "https://care.lakeside.example"
    provider.headers = SPOOFED
    assert provider.text(ALICES_PHONE, "hello").status_code == 200
    assert provider.post(
        INBOUND, provider.said(ALICES_PHONE, "hello"), url=f"https://care.lakeside.example:443{INBOUND}"
    ).status_code == 200  # fmt: skip


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options", "patch"])
@pytest.mark.parametrize("path", [INBOUND, STATUS])
def test_only_post_is_answered(unchanged, browser, method, path):
    """405 for everything else, without a redirect (rule 101)."""
    assert getattr(browser, method)(path).status_code == 405


@pytest.mark.parametrize("path", [INBOUND + "/", STATUS + "/", "/hooks/twilio", "/hooks/twilio/Inbound"])
def test_no_redirect_to_a_nearby_address(unchanged, provider, path):
    """A slash too many is another address: 404, never 301, for a redirect would lose the body (rule 101)."""
    assert provider.post(path, provider.said(ALICES_PHONE, "STOP")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"Body=" + b"a" * 65_536, 413),
        (b"Body=%ff%fe&AccountSid=AC0", 400),
        (b"Body=\xff\xfe", 400),
        (b"&".join(b"a%d=1" % number for number in range(201)), 400),
    ],
)
def test_what_cannot_be_read_is_refused(unchanged, provider, body, status):
    """Over 64 kB, no UTF-8, too many fields: refused by status, not by a traceback (P12)."""
    answer = provider.raw(INBOUND, body, X_Twilio_Signature="x")
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("body", ["", "[]", "7", "{", "[" * 20_000, '{"AccountSid": {}}'])
def test_json_without_its_hash_is_refused(unchanged, provider, settings, body):
    """JSON whose body hash is not in the signed URL could be anybody's (rule 94)."""
    signed = signature(provider.token, settings.PUBLIC_URL + INBOUND)
    answer = provider.raw(INBOUND, body, content_type="application/json", X_Twilio_Signature=signed)
    assert answer.status_code in {400, 403}


def test_json_with_its_hash_is_read_like_a_form(house, provider, settings):
    """The one shape in which the provider may post JSON; a changed body is refused (rule 94)."""
    said = json.dumps(dict(provider.said(ALICES_PHONE, "hello")))
    path = f"{INBOUND}?bodySHA256={hashlib.sha256(said.encode()).hexdigest()}"
    signed = signature(provider.token, settings.PUBLIC_URL + path)

    def post(body):
        return provider.raw(path, body, content_type="application/json", X_Twilio_Signature=signed).status_code

    assert post(said) == 200
    assert post(said.replace("hello", "STOP!")) == 403
    unhashed = signature(provider.token, settings.PUBLIC_URL + INBOUND)
    bare = provider.raw(INBOUND, said, content_type="application/json", X_Twilio_Signature=unhashed)
    assert bare.status_code == 403


def test_half_an_emoji_in_json_costs_no_stop(house, provider, settings):
    """P2: JSON can hold half a surrogate pair and UTF-8 can't; the STOP beside it counts, and its words are kept."""
    said = json.dumps(dict(provider.said(ALICES_PHONE, "STOP \ud83d")))
    path = f"{INBOUND}?bodySHA256={hashlib.sha256(said.encode()).hexdigest()}"
    signed = signature(provider.token, settings.PUBLIC_URL + path)
    answer = provider.raw(path, said, content_type="application/json", X_Twilio_Signature=signed)
    assert answer.status_code == 200
    kept = Inbound.objects.get()
    assert (kept.word, sealed.unseal(kept.body_sealed, "inbound.body")) == ("stop", "STOP \ufffd")


def test_a_rotated_token_counts_until_it_is_taken_out(house, provider, settings):
    """Both tokens sign during the overlap, then only the new one (rule 95)."""
    settings.TWILIO_AUTH_TOKEN, settings.TWILIO_AUTH_TOKEN_FALLBACKS = "n" * 32, [provider.token]
    assert provider.text(ALICES_PHONE, "hello").status_code == 200
    settings.TWILIO_AUTH_TOKEN_FALLBACKS = []
    assert provider.text(ALICES_PHONE, "hello").status_code == 403
    provider.token = "n" * 32
    assert provider.text(ALICES_PHONE, "hello").status_code == 200


def test_without_a_token_nothing_is_believed(unchanged, provider, settings):
    """503, so that the provider tries again once somebody has configured it (rule 91)."""
    settings.TWILIO_AUTH_TOKEN = ""
    assert provider.text(ALICES_PHONE, "STOP").status_code == 503


@pytest.mark.parametrize("sid", ["", "AC" + "9" * 32])
def test_an_account_nobody_here_has_is_refused(unchanged, provider, sid):
    """Also when its request carries our own signature (rule 100)."""
    provider.account_sid = sid
    assert provider.text(ALICES_PHONE, "STOP").status_code == 403


@pytest.fixture
def own_account(house):
    """Hillside has an account of its own at the provider, with its own tokens."""
    tokens = sealed.seal_json(["h" * 32, "g" * 32], "sender.credentials")
    Sender.objects.filter(clinic=house.hillside, channel="sms").update(
        account_sid=OWN_ACCOUNT, credentials_sealed=tokens
    )
    return Provider(Client(enforce_csrf_checks=True), account_sid=OWN_ACCOUNT, token="h" * 32)


def test_a_clinic_with_its_own_account_is_heard_under_its_own_tokens(own_account, provider):
    """Both of its tokens sign; the installation's does not sign for that account (rules 95, 100)."""
    assert own_account.text(builders.BOBS_PHONE, "hello", to="+12125550111").status_code == 200
    own_account.token = "g" * 32
    assert own_account.text(builders.BOBS_PHONE, "hello", to="+12125550111").status_code == 200
    own_account.token = provider.token
    assert own_account.text(builders.BOBS_PHONE, "hello", to="+12125550111").status_code == 403


def test_one_account_never_speaks_for_anothers_number(own_account, provider):
    """Hillside's genuine signature says nothing about a text to Lakeside's number, nor the reverse (rule 100)."""
    builders.alice()
    before = builders.counts()
    assert own_account.text(ALICES_PHONE, "STOP", to=LAKESIDE).status_code == 404
    assert provider.text(ALICES_PHONE, "STOP", to="+12125550111").status_code == 404
    assert builders.counts() == before


def test_an_account_whose_token_cannot_be_read_is_not_believed(own_account, unchanged, settings):
    """A lost key fails closed and asks for a retry (rule 91)."""
    settings.FIELD_KEYS = [sealed.base64.urlsafe_b64encode(b"q" * 32).decode()]
    sealed.forget_keys()
    assert own_account.text(builders.BOBS_PHONE, "STOP", to="+12125550111").status_code == 503


def test_no_cookie_no_login_no_csrf_token_is_needed(house, provider):
    """The browser of these tests has Django's CSRF check on and no session (rule 101)."""
    answer = provider.text(ALICES_PHONE, "hello", sid=new_sid())
    assert answer.status_code == 200
    assert not answer.cookies


def test_a_recorded_webhook_said_again_has_no_effect(house, provider):
    """Rule 100: a genuine START or STOP, kept by somebody and sent again years later, is known by the provider's id."""
    alice = builders.alice().client
    stop, start = new_sid(), new_sid()
    provider.text(ALICES_PHONE, "STOP", sid=stop)
    clock.step_to(builders.NOW + timedelta(hours=1))
    provider.text(ALICES_PHONE, "START", sid=start)
    assert builders.standing_of(alice).suppressed_at is None
    retain(now=builders.NOW + timedelta(days=400))  # what was said is forgotten, that it was heard is not
    clock.step_to(builders.NOW + timedelta(days=400))
    provider.text(ALICES_PHONE, "STOP", sid=stop)
    assert builders.standing_of(alice).suppressed_at is None
    provider.text(ALICES_PHONE, "STOP")
    before = builders.counts()
    clock.step_to(builders.NOW + timedelta(days=800))
    assert provider.text(ALICES_PHONE, "START", sid=start).status_code == 200
    assert builders.standing_of(alice).suppressed_why == "keyword"
    assert builders.counts() == before
