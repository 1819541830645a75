"""Two interrupted rotations leave an address three rows: one run of `rotate-keys` settles all of them (P2, rule 17)."""

from __future__ import annotations

import itertools

import pytest

from tests.builders import NOW, alice, standing_of
from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.actions.privacy.rotate import rotate
from worker.models import Grant, Hold, StaffTask, Standing
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults

ORDERS = list(itertools.permutations("rqp"))  # which of the keys is the newest, and which row was made first


@pytest.fixture
def three(house, keys):
    """Alice and two sisters on one phone, which has a row under each of three keys."""
    made = []
    for number, letter in enumerate("pqr", start=1):
        keys(prints=letter)
        mailbox = f"{letter}@example.com"
        made.append(alice(external_id=f"A-{number}", name=f"Alice {letter.upper()}", email=mailbox).client)
    return made


def rows():
    return list(Standing.objects.filter(channel="sms").order_by("pk"))


def turn():
    rotate(now=NOW, tell=lambda _line: None)


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize("whose", range(3))
def test_a_stop_of_one_row_becomes_one_of_all_three(three, keys, whose, order):
    """P2: in one run that has nothing else to do, whichever row heard it and whichever key is the newest."""
    keys(prints="".join(order))
    turn()  # what it turned would make it look twice
    (row,) = standings.lock([standing_of(three[whose]).pk])
    said = Revocation(reason=SuppressionReason.KEYWORD, method="sms", by="client", received_at=NOW)
    revoke_standing(row, said=said, now=NOW)
    turn()
    assert [each.suppressed_why for each in rows()] == ["keyword"] * 3
    assert set(Grant.objects.filter(standing__channel="sms").values_list("state", flat=True)) == {"revoked"}
    assert faults() == []


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_of_three_rows_without_a_stop_all_but_the_first_are_held(three, keys, order):
    """Rule 17: a STOP to an older process would reach one of them alone; each is put before staff, once."""
    keys(prints="".join(order))
    turn()
    turn()
    assert [each.held_why for each in rows()] == [None, "address_twice", "address_twice"]
    first, *others = [each.pk for each in rows()]
    tasks = StaffTask.objects.filter(kind="address_twice").order_by("cause")
    assert [each.facts["standings"] for each in tasks] == [[first, other] for other in others]
    assert Hold.objects.count() == len(others)
