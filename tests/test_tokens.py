"""Tokens in links: opaque, exact, unforgeable, and good for years (rules 73, 114)."""

from __future__ import annotations

import base64
import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from worker import tokens

QUICK = hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = st.integers(0, 2**63 - 1)
STEPS = st.integers(0, 255)
KINDS = st.sampled_from(["u", "c"])


@QUICK
@given(kind=KINDS, key=KEYS, step=STEPS)
def test_a_token_names_what_it_was_made_for(kind, key, step):
    """Rule 114: 24 characters that need no escaping in a URL, so that an SMS stays short."""
    token = tokens.make(kind, key, step)
    assert re.fullmatch(r"[A-Za-z0-9_-]{24}", token)
    assert tokens.read(kind, token) == (key, step)


@QUICK
@given(kind=KINDS, key=KEYS, step=STEPS, data=st.data())
def test_one_bit_altered_is_not_ours(kind, key, step, data):
    """Rule 114: key, step or signature."""
    raw = bytearray(base64.urlsafe_b64decode(tokens.make(kind, key, step)))
    at = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[at // 8] ^= 1 << at % 8
    assert tokens.read(kind, base64.urlsafe_b64encode(bytes(raw)).decode()) is None


@QUICK
@given(text=st.text(max_size=40))
def test_anything_else_is_not_ours(text):
    """P12: no length, letter or padding makes an error."""
    assert tokens.read("u", text) is None


@pytest.mark.parametrize("change", ["{} ", " {}", "{}\n", "{}=", "{}A"])
def test_a_token_has_one_spelling(change):
    """Rule 114: nothing before, nothing after."""
    token = tokens.make("u", 7)
    assert tokens.read("u", change.format(token)) is None
    assert tokens.read("u", token[:-1]) is None
    assert tokens.read("u", token[:-2] + "==") is None


def test_a_care_link_does_not_unsubscribe():
    """Rule 114: what it may do is signed with it."""
    assert tokens.read("u", tokens.make("c", 7)) is None


def test_an_old_token_works_as_long_as_its_key_is_kept(settings):
    """Rule 73: links live for years and survive rotations; without the key they are nobody's."""
    token = tokens.make("u", 7, 3)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "newer", ["new", settings.SECRET_KEY]
    tokens.forget_keys()
    assert tokens.read("u", token) == (7, 3)
    assert tokens.make("u", 7, 3) != token
    settings.SECRET_KEY_FALLBACKS = []
    tokens.forget_keys()
    assert tokens.read("u", token) is None


def test_keys_are_random_and_fit_their_column():
    """Links can't be counted or guessed, and a signed 64-bit column holds them."""
    keys = [tokens.new_key() for _ in range(500)]
    assert len(set(keys)) == 500
    assert all(0 <= key < 2**63 for key in keys)
    assert max(keys) > 2**60


def test_a_token_holds_nothing_personal():
    """Rule 114: no address after decoding, only the link's random number."""
    raw = base64.urlsafe_b64decode(tokens.make("u", 0x0102030405060708, 9))
    assert raw[:9] == bytes([1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert len(raw) == 18
