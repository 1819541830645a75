"""A refused input names its field and its mend (house rule: every input is hostile)."""

from __future__ import annotations

import pickle

import pytest

from worker.rules.refusal import Refusal, Refusals

PHONE = Refusal("phone", "has an extension", "give a direct number")
EMAIL = Refusal("email", "is not one email address", "give one")


def test_a_refusal_reads_as_field_problem_and_mend():
    """The three parts stand alone and together."""
    assert (PHONE.field, PHONE.problem, PHONE.mend) == ("phone", "has an extension", "give a direct number")
    assert str(PHONE) == "phone: has an extension; give a direct number"


def test_a_refusal_cannot_be_changed_and_compares_by_its_words():
    """Two equal refusals are one in a set."""
    with pytest.raises(AttributeError):
        PHONE.field = "email"
    assert {PHONE, Refusal("phone", "has an extension", "give a direct number")} == {PHONE}
    assert PHONE != EMAIL
    assert PHONE != "phone: has an extension; give a direct number"


def test_all_faults_are_told_at_once_in_order():
    """A sender mends everything in one go."""
    both = Refusals([PHONE, EMAIL])
    assert both.faults == (PHONE, EMAIL)
    assert str(both).splitlines() == [str(PHONE), str(EMAIL)]
    with pytest.raises(ValueError, match="at least one"):
        Refusals([])


def test_refusals_survive_the_way_between_processes():
    """A pickled refusal says the same."""
    assert pickle.loads(pickle.dumps(PHONE)) == PHONE
    assert pickle.loads(pickle.dumps(Refusals([PHONE]))).faults == (PHONE,)
