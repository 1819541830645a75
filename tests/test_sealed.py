"""Sealed values and fingerprints: round trips, alterations, and keys that come and go (P9, rules 61, 62)."""

from __future__ import annotations

import base64
import os

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from worker import sealed

QUICK = hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def _key():
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@pytest.fixture
def keys(settings):
    """Set the keys as an operator would: newest first."""

    def put(**named):
        for name, value in named.items():
            setattr(settings, name, value)
        sealed.forget_keys()

    yield put
    sealed.forget_keys()


@QUICK
@given(value=TEXT, context=st.sampled_from(["client.name", "contact.address"]))
def test_what_is_sealed_opens_again(value, context):
    """Rule 61: the value comes back, and twice the same value never looks the same."""
    one, two = sealed.seal(value, context), sealed.seal(value, context)
    assert sealed.unseal(one, context) == sealed.unseal(memoryview(two), context) == value
    assert one != two


@QUICK
@given(value=TEXT, data=st.data())
def test_one_bit_altered_anywhere_does_not_open(value, data):
    """Rule 61: key id, nonce, cipher text or tag; always Unreadable, never another value or another error."""
    raw = bytearray(sealed.seal(value, "client.name"))
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << at % 8
    with pytest.raises(sealed.Unreadable):
        sealed.unseal(bytes(raw), "client.name")


@QUICK
@given(raw=st.binary(max_size=80))
def test_bytes_that_were_never_sealed_do_not_open(raw):
    """P12: whatever stands in the column."""
    with pytest.raises(sealed.Unreadable):
        sealed.unseal(raw, "client.name")


def test_every_cut_of_a_sealed_value_is_unreadable():
    """P12: also cuts that leave key id and part of the nonce."""
    raw = sealed.seal("Alice", "client.name")
    for length in range(len(raw)):
        with pytest.raises(sealed.Unreadable):
            sealed.unseal(raw[:length], "client.name")


def test_a_value_moved_to_another_column_does_not_open():
    """Rule 61: the context is bound in."""
    with pytest.raises(sealed.Unreadable):
        sealed.unseal(sealed.seal("Alice", "client.name"), "contact.address")


def test_the_error_tells_neither_value_nor_key(keys, settings):
    """P9."""
    raw = sealed.seal("Zzcanary", "client.name")
    keys(FIELD_KEYS=[_key()])
    with pytest.raises(sealed.Unreadable) as caught:
        sealed.unseal(raw, "client.name")
    assert "Zzcanary" not in str(caught.value)
    assert settings.FIELD_KEYS[0] not in str(caught.value)


def test_old_values_stay_readable_after_a_rotation(keys):
    """Rule 61: newest first for writing, all of them for reading; a dropped key closes its values and no others."""
    first, second, third = _key(), _key(), _key()
    keys(FIELD_KEYS=[first])
    old = sealed.seal("Alice", "client.name")
    keys(FIELD_KEYS=[third, second, first])
    new = sealed.seal("Bob", "client.name")
    assert old[:4] != new[:4]
    assert sealed.unseal(old, "client.name") == "Alice"
    keys(FIELD_KEYS=[third])
    assert sealed.unseal(new, "client.name") == "Bob"
    with pytest.raises(sealed.Unreadable, match="put it back"):
        sealed.unseal(old, "client.name")


def test_fingerprints_are_found_under_old_keys(keys):
    """Rule 61: the newest key writes, look-ups try all, so no suppression is lost by a rotation."""
    first, second = _key(), _key()
    keys(FINGERPRINT_KEYS=[first])
    old = sealed.fingerprint(1, "sms", "+12125550123")
    keys(FINGERPRINT_KEYS=[second, first])
    found = sealed.fingerprints(1, "sms", "+12125550123")
    assert found[0] == sealed.fingerprint(1, "sms", "+12125550123") != old
    assert old in found


def test_a_stop_under_an_old_key_still_binds(house, keys, settings):
    """Rules 34, 61: STOP, rotate, enrol: refused; and the same standing row serves the address further on."""
    from tests import builders
    from worker.models import Standing
    from worker.rules.refusal import Refusals

    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP")
    keys(FINGERPRINT_KEYS=[_key(), *settings.FINGERPRINT_KEYS])
    with pytest.raises(Refusals, match="may not be written to"):
        builders.alice()
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP")
    assert Standing.objects.filter(channel="sms").count() == 1


@QUICK
@given(
    one=st.tuples(st.integers(0, 9), st.sampled_from(["sms", "email", "search.name"]), TEXT),
    two=st.tuples(st.integers(0, 9), st.sampled_from(["sms", "email", "search.name"]), TEXT),
)
def test_two_fingerprints_are_the_same_only_for_the_same(one, two):
    """P10: clinic, channel and address all count."""
    assert (sealed.fingerprint(*one) == sealed.fingerprint(*two)) is (one == two)


def test_a_key_of_the_wrong_size_is_refused_by_name(keys):
    """P12: which setting, and what prints a good one."""
    for name in ("FIELD_KEYS", "FINGERPRINT_KEYS"):
        keys(**{name: [base64.urlsafe_b64encode(b"short").decode()]})
        with pytest.raises(ValueError, match=f"{name}.*newkeys"):
            sealed.seal("x", "y") if name == "FIELD_KEYS" else sealed.fingerprint(1, "sms", "x")
        keys(**{name: [_key()]})


@QUICK
@given(value=st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3)))
def test_json_is_sealed_and_comes_back(value):
    """Evidence, receipts and credentials."""
    assert sealed.unseal_json(sealed.seal_json(value, "receipt.raw"), "receipt.raw") == value


def test_a_commitment_says_nothing_without_its_salt():
    """Rule 62: it stays in the chain when value and salt are erased."""
    one, two = os.urandom(16), os.urandom(16)
    assert sealed.commitment("Alice", one) == sealed.commitment("Alice", one)
    assert len({sealed.commitment("Alice", one), sealed.commitment("Alice", two), sealed.commitment("Bob", one)}) == 3
