"""A look at a file sees both rows of an address whose keys were rotated, as the enrolment does (P2, P4, P12)."""

from __future__ import annotations

import pytest

from tests.builders import ALICES_PHONE, NOW, alice, client_file, text_from
from worker.actions.clients.enrol import enrol
from worker.actions.clients.foresee import foresee
from worker.intake.client import ClientFile
from worker.intake.shape import checked
from worker.models import Standing
from worker.rules.refusal import Refusals


def file(**changes):
    """A file of another client who gives Alice's phone."""
    own = {"external_id": "A-3", "name": "Eve Moreau", "email": "eve@example.com"}
    return checked(ClientFile, client_file(**{**own, **changes}))


def two_rows(house, keys, *acts):
    """Alice's phone with two rows, made by processes whose key lists differed."""
    for letter, act in zip("pq", acts, strict=True):
        keys(prints=letter)
        act(house)
    keys(prints="qp")
    assert Standing.objects.filter(channel="sms").count() == 2


def says(body):
    """A text from her phone."""
    return lambda house: text_from(house.lakeside, ALICES_PHONE, body)


STOP, THANKS = says("STOP"), says("thanks")


@pytest.mark.parametrize("acts", [(STOP, THANKS), (THANKS, STOP)], ids=["first", "second"])
def test_a_stop_on_either_row_is_foreseen(house, keys, acts):
    """P2, P12, rule 34: whichever row heard it, the look refuses what the enrolment would, in the same words."""
    two_rows(house, keys, *acts)
    with pytest.raises(Refusals) as foreseen:
        foresee(file(), now=NOW)
    with pytest.raises(Refusals) as refused:
        enrol(file(), now=NOW)
    assert foreseen.value.faults == refused.value.faults


def _alice(_house):
    return alice().client


@pytest.mark.parametrize("acts", [(_alice, THANKS), (THANKS, _alice)], ids=["first", "second"])
def test_another_client_on_either_row_is_seen(house, keys, acts):
    """P4, rule 134: under two ids she would get every text twice; the desk judges that."""
    two_rows(house, keys, *acts)
    with pytest.raises(Refusals, match="phone: is another client's already"):
        foresee(file(), now=NOW)


def test_a_number_whose_rows_nobody_has_is_fine(house, keys):
    """P12: two rows alone refuse nothing."""
    two_rows(house, keys, THANKS, THANKS)
    assert foresee(file(), now=NOW) is False
