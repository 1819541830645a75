"""A webhook is believed only under the provider's signature over exactly what was sent (rules 91 to 95)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.provider import signature
from worker.channels.twilio_signature import Fields, form_is_genuine, json_is_genuine

URL = "https://clinic.example/hooks/twilio/inbound"
TOKEN, OLD = "a" * 32, "b" * 32
PAIRS = [("Body", " STOP "), ("From", "+12125550123"), ("FromCity", ""), ("To", "+12125550100")]

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
forms = st.lists(st.tuples(names, st.text(st.characters(codec="utf-8"), max_size=20)), max_size=6)


def genuine(pairs, *, url=URL, signed=None, tokens=(TOKEN,)):
    return form_is_genuine(
        url=url, fields=Fields(pairs), signature=signed or signature(TOKEN, URL, PAIRS), tokens=tokens
    )


def test_the_providers_published_example():
    """The example of the provider's own library and documentation (rule 91)."""
    pairs = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert genuine(pairs, url=url, signed="RSOYDt4T1cUTdK1PDd93/VVr8B8=", tokens=("12345",))
    assert not genuine(pairs, url=url, signed="RSOYDt4T1cUTdK1PDd93/VVr8B8=", tokens=("12346",))


@pytest.mark.parametrize(
    ("signed_url", "believed"),
    [
        (URL, True),
        ("https://clinic.example:443/hooks/twilio/inbound", True),
        ("http://clinic.example/hooks/twilio/inbound", False),
        (URL + "/", False),
        (URL + "?d=1", False),
        ("https://clinic.example:8443/hooks/twilio/inbound", False),
        ("https://evil.example/hooks/twilio/inbound", False),
    ],
)
def test_the_url_is_part_of_what_is_signed(signed_url, believed):
    """Another scheme, host, port, path or query is another signature; the default port is the same (rule 91)."""
    assert genuine(PAIRS, signed=signature(TOKEN, signed_url, PAIRS)) is believed


def test_values_count_as_they_were_sent():
    """A trimmed Body or a dropped blank breaks the signature, so neither may happen before the check (rule 93)."""
    assert genuine(PAIRS)
    assert not genuine([(name, value.strip()) for name, value in PAIRS])
    assert not genuine([(name, value) for name, value in PAIRS if value])
    assert not genuine([*PAIRS, ("Body", "hello")])


@given(forms)
def test_any_form_signed_by_the_provider_is_believed(pairs):
    """Blank, repeated and unknown names, in any script (rule 93)."""
    assert genuine(pairs, signed=signature(TOKEN, URL, pairs))


@given(forms, st.tuples(names, st.text(st.characters(codec="utf-8"), max_size=20)))
def test_one_more_value_is_a_forgery(pairs, more):
    """Whatever is added to a signed form, it is refused (rule 91)."""
    said = "".join(name + value for name, value in sorted(set(pairs)))
    longer = "".join(name + value for name, value in sorted({*pairs, more}))
    assert genuine([*pairs, more], signed=signature(TOKEN, URL, pairs)) is (said == longer)


@pytest.mark.parametrize("wrong", ["", "=", "x", signature(TOKEN, URL)[:-4], signature(OLD, URL, PAIRS), "é" * 28])
def test_no_other_signature_will_do(wrong):
    """An empty, short, foreign or unreadable signature (rule 91)."""
    assert not form_is_genuine(url=URL, fields=Fields(PAIRS), signature=wrong, tokens=(TOKEN,))


def test_two_tokens_during_a_rotation_and_none_at_all():
    """Old and new sign for as long as both are configured; without any nothing is believed (rules 91, 95)."""
    old = signature(OLD, URL, PAIRS)
    assert genuine(PAIRS, signed=old, tokens=(TOKEN, OLD))
    assert genuine(PAIRS, tokens=(TOKEN, OLD))
    assert not genuine(PAIRS, signed=old, tokens=(TOKEN,))
    assert not genuine(PAIRS, tokens=())


def test_json_stands_on_the_hash_in_its_url():
    """The signed URL carries the hash of the body; without it, or with another body, nothing is believed (rule 94)."""
    body = '{"Body": "STOP"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signed = signature(TOKEN, url)
    assert json_is_genuine(url=url, body=body, signature=signed, tokens=(TOKEN,))
    assert not json_is_genuine(url=url, body=body + " ", signature=signed, tokens=(TOKEN,))
    assert not json_is_genuine(url=URL, body=body, signature=signature(TOKEN, URL), tokens=(TOKEN,))
    blank = f"{URL}?bodySHA256="
    assert not json_is_genuine(url=blank, body=body, signature=signature(TOKEN, blank), tokens=(TOKEN,))
