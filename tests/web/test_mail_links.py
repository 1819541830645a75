"""What stands in a mail of years ago still ends it: links and return paths outlive their keys (rules 73, 114, 128)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import builders
from tests.builders import NOW, standing_of
from worker import clock, tokens
from worker.channels.mail_bytes import list_headers
from worker.models import Contact

ATTEMPT = uuid.UUID("0f3c9a52-b1d8-4c1e-8c50-a4d7e6b2f901")


@pytest.fixture
def rotated(settings):
    """Make the secret key three generations younger."""

    def rotate():
        settings.SECRET_KEY_FALLBACKS = ["n-1", "n-2", settings.SECRET_KEY]
        settings.SECRET_KEY = "n"
        tokens.forget_keys()

    return rotate


def test_a_link_of_401_days_and_three_keys_ago_still_ends_the_mails(house, browser, rotated):
    """Rule 73: 400 days at the least, and key N-3."""
    alice = builders.alice().client
    path = f"/u/{tokens.make('u', Contact.objects.get(client=alice, channel='email').link_key)}"
    clock.step_to(NOW + timedelta(days=401))
    rotated()
    assert browser.post(path, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded").status_code == 200
    assert standing_of(alice, "email").suppressed_why == "link"


def test_a_return_path_outlives_its_key_and_the_letters_case(rotated):
    """Rule 128: 55 characters of lower case, of which a server may make capitals."""
    local = tokens.return_path(ATTEMPT)
    assert (len(local), local) == (55, local.lower())
    rotated()
    assert tokens.return_path(ATTEMPT) != local
    assert tokens.returned(f"To: <{local.upper()}@Mail.Clinic.Example>") == [ATTEMPT]


def test_a_return_path_whose_key_was_dropped_is_none(settings):
    """What nobody can check is not believed."""
    local = tokens.return_path(ATTEMPT)
    settings.SECRET_KEY = "another"
    tokens.forget_keys()
    assert tokens.returned(f"{local}@x") == []


@given(at=st.integers(7, 54), digit=st.sampled_from("0123456789abcdef"))
@effort(max_examples=200, deadline=None)
def test_a_return_path_with_one_other_digit_is_none(at, digit):
    """Rule 114 for bounces: every digit counts."""
    local = tokens.return_path(ATTEMPT)
    other = local[:at] + digit + local[at + 1 :]
    assert tokens.returned(f"{other}@x") == ([ATTEMPT] if other == local else [])


@given(st.text(max_size=300))
@effort(max_examples=200, deadline=None)
def test_no_text_of_a_stranger_names_an_attempt(text):
    """And none makes it fail."""
    assert tokens.returned(text) == []


def test_the_header_names_the_link_first_and_the_mailto_second():
    """Rule 109: one https URI, mailto allowed as second; one line for one-click."""
    from dataclasses import replace

    from tests.channels.relays import ALICE

    mailto = f"mailto:desk@clinic.example?subject=unsubscribe%20{'t' * 24}"
    headers = list_headers(replace(ALICE, unsubscribe_mail=mailto))
    assert headers["List-Unsubscribe"] == f"<{ALICE.unsubscribe_url}>, <{mailto}>"
    assert list_headers(ALICE)["List-Unsubscribe"] == f"<{ALICE.unsubscribe_url}>"
