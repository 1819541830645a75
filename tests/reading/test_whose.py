"""verify makes each fingerprint anew from the address beside it: a stop can't be given to another address (P2, P8)."""

from __future__ import annotations

import pytest

from tests import builders
from tests.builders import NOW, standing_of, text_from
from worker.models import Client, Standing
from worker.reading.chain import faults

STRANGER = "+12125550199"


def swap(one, other):
    """Each row gets the fingerprint of the other, as somebody with the database in hand would do it."""
    first, second = bytes(one.fingerprint), bytes(other.fingerprint)
    Standing.objects.filter(pk=one.pk).update(fingerprint=b"\x00" * 32)
    Standing.objects.filter(pk=other.pk).update(fingerprint=first)
    Standing.objects.filter(pk=one.pk).update(fingerprint=second)


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_swapped_fingerprints_are_found(house, channel):
    """Her STOP would end a stranger's phone, and his texts would go on to hers."""
    alice = builders.alice().client
    mia = builders.alice(external_id="A-2", phone=builders.BOBS_PHONE, email="mia@example.com").client
    assert faults() == []
    rows = standing_of(alice, channel), standing_of(mia, channel)
    swap(*rows)
    assert faults() == [
        f"lakeside: standing {row.pk} is not that of the address kept with it: its fingerprint was changed"
        for row in rows
    ]


def test_a_strangers_row_is_held_against_the_answer_to_it(house):
    """Rule 34: nobody's number said STOP; the address of its confirmation tells whose row it was."""
    alice = builders.alice().client
    text_from(house.lakeside, STRANGER, "STOP", now=NOW)
    stranger = Standing.objects.get(suppressed_at__isnull=False)
    swap(standing_of(alice), stranger)
    assert len(faults()) == 2


def test_a_key_that_is_missing_tells_nothing(house):
    """Rule 61: a row under a key that this process lacks can't be made anew, and that is for `doctor` to say."""
    alice = builders.alice().client
    Standing.objects.update(key_id="00000000")
    assert standing_of(alice).key_id == "00000000"
    assert faults() == []


def test_what_was_erased_tells_nothing(house):
    """An erased address can't be held against its row, and is no fault."""
    alice = builders.alice().client
    alice.contacts.update(address_sealed=None)
    assert Client.objects.get() == alice
    assert faults() == []
