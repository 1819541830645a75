"""The form of a create call is written as the standard library writes it (rule 84: the request is the client's own)."""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from worker.channels.sms import _form

WORDS = st.text(st.characters(exclude_categories=["Cs"]))  # a lone surrogate has no UTF-8 form and never gets here
VALUES = st.one_of(WORDS, st.integers(), st.lists(WORDS, min_size=1, max_size=3))


@given(st.dictionaries(WORDS, VALUES, max_size=6))
def test_a_form_is_what_urlencode_makes_of_it(fields):
    """Any text in any script, numbers, and a field given several times."""
    assert _form(fields) == urlencode(fields, doseq=True)


def test_a_plus_sign_stays_a_plus_sign():
    """A number's + must not arrive as a space: the text would go to nobody."""
    assert _form({"To": "+1 415"}) == "To=%2B1+415"
