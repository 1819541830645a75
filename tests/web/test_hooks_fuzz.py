"""Whatever is posted to a webhook is answered, never by a 500, and unsigned it has no effect (P10, P12)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import builders
from tests.builders import ALICES_PHONE
from tests.web.provider import INBOUND, STATUS, new_sid, signature
from worker.models import Inbound

QUICK = effort(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATHS = st.sampled_from([INBOUND, STATUS, f"{STATUS}?d={'0' * 32}", f"{INBOUND}?bodySHA256=x"])
KINDS = st.sampled_from(
    ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", "text/plain", ""]
)
SIGNATURES = st.one_of(st.just(""), st.text("ABCabc019+/=", max_size=40))
NAMES = st.sampled_from(["From", "To", "Body", "MessageSid", "OptOutType", "MessageStatus", "ErrorCode", "NumMedia"])
TEXTS = st.text(max_size=60)


@pytest.fixture
def alice(house):
    return builders.alice().client


@QUICK
@given(path=PATHS, kind=KINDS, body=st.binary(max_size=400), signed=SIGNATURES)
def test_any_bytes_without_a_signature_are_refused(alice, provider, path, kind, body, signed):
    """Rule 91: 4xx for every body, type and signature, and not a row more."""
    before = builders.counts()
    answer = provider.raw(path, body, content_type=kind, X_Twilio_Signature=signed)
    assert 400 <= answer.status_code < 500
    assert builders.counts() == before


@QUICK
@given(changes=st.dictionaries(NAMES, TEXTS, max_size=4), more=st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_any_signed_fields_are_answered(alice, provider, changes, more):
    """Rule 93: whatever a genuine form holds, unknown names and repeated ones too, is answered without a 500."""
    pairs = list((dict(provider.said(ALICES_PHONE, "hello")) | changes).items()) + more
    assert provider.post(INBOUND, pairs).status_code in {200, 400, 403, 404}
    assert provider.post(f"{STATUS}?d={'0' * 32}", pairs).status_code in {400, 403, 404}


@QUICK
@given(body=st.text(max_size=200))
def test_any_text_of_a_client_is_taken_once(alice, provider, body):
    """Rule 97: every text is stored and answered; the same one again changes nothing."""
    sid = new_sid()
    before = Inbound.objects.count()
    assert provider.text(ALICES_PHONE, body, sid=sid).status_code == 200
    counted = builders.counts()
    assert counted["Inbound"] == before + 1
    assert provider.text(ALICES_PHONE, body, sid=sid).status_code == 200
    assert builders.counts() == counted


@QUICK
@given(bit=st.integers(min_value=0))
def test_a_genuine_stop_with_one_other_bit_has_no_effect(alice, provider, bit):
    """Rule 91: one bit of the body or of the signature, and it is nobody's word."""
    pairs = provider.said(ALICES_PHONE, "STOP")
    body = bytearray(urlencode(pairs).encode())
    at = bit % (len(body) * 8)
    body[at // 8] ^= 1 << at % 8
    signed = signature(provider.token, settings.PUBLIC_URL + INBOUND, pairs)
    before = builders.counts()
    answer = provider.raw(INBOUND, bytes(body), X_Twilio_Signature=signed)
    if answer.status_code == 200:  # another spelling of the same form, such as %2b for %2B
        assert _read(bytes(body)) == _read(urlencode(pairs).encode())
        return
    assert answer.status_code in {400, 403}
    assert builders.counts() == before


def _read(body):
    return sorted(parse_qsl(body.decode(), keep_blank_values=True))
