"""An enrolment and a change of address lock all rows of an address, and the strictest decides (P2, rules 17, 34)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import ALICES_PHONE, NOW, SAM, alice, standing_of, text_from
from worker.actions.clients.contact import change_contact
from worker.actions.consent import standing as standings
from worker.actions.consent.hold import hold_standing
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import revoke_standing
from worker.intake.contact import ContactFile
from worker.intake.shape import checked
from worker.models import Client, Contact, Grant, StaffTask, Standing
from worker.models.suppression import SuppressionReason
from worker.reading.chain import faults
from worker.rules.refusal import Refusals

LATER = NOW + timedelta(days=1)
OTHER, BEAS_PHONE = "+12125550199", "+12125550188"
GIVEN = [
    {"channel": "sms", "purpose": "aftercare", "affirmed": True, "method": "paper", "given_at": NOW.isoformat(),
     "wording": "service@1", "source": "form-18"}
]  # fmt: skip


@pytest.fixture
def eve(house):
    """A client at another phone, who may move to Alice's."""
    return alice(external_id="A-3", name="Eve Moreau", phone=OTHER, email="eve@example.com").client


@pytest.fixture
def two(house, eve, keys):
    """Alice's phone, nobody's so far: two rows, for texts came to processes whose key lists differed."""
    for letter in "pq":
        keys(prints=letter)
        text_from(house.lakeside, ALICES_PHONE, "thanks")
    keys(prints="qp")
    return rows()


def rows():
    return list(Standing.objects.filter(channel="sms").exclude(contacts__client__external_id="A-3").order_by("pk"))


def enrols(_eve):
    return alice().client


def moves(eve, phone=ALICES_PHONE, consents=GIVEN):
    raw = {"changed_by": SAM, "phone": phone, "consents": consents}
    return change_contact(client_id=eve.pk, file=checked(ContactFile, raw), now=LATER).client


WAYS = pytest.mark.parametrize("way", [enrols, moves])
PLACES = pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])


def stop(row):
    said = Revocation(reason=SuppressionReason.KEYWORD, method="sms", by="client", received_at=NOW)
    revoke_standing(standings.lock([row.pk])[0], said=said, now=NOW)


@WAYS
@PLACES
def test_a_stop_between_the_look_and_the_lock_is_heard(two, eve, monkeypatch, way, place):
    """P2, rule 34: a process with other keys obeys it on one row while we already know which rows there are."""
    lock, said = standings.lock, []

    def too_late(ids):
        if not said:
            said.append(monkeypatch.setattr(standings, "lock", lock))
            stop(two[place])
        return lock(ids)

    monkeypatch.setattr(standings, "lock", too_late)
    with pytest.raises(Refusals, match="may not be written to"):
        way(eve)
    assert said
    assert not Contact.objects.filter(standing__in=two).exists()


@WAYS
@PLACES
def test_a_hold_of_one_row_is_one_of_whoever_comes(two, eve, way, place):
    """Rule 17: the phone said something odd, whichever row heard it; nothing goes until a person has looked."""
    hold_standing(two[place], why="unclear_reply", source="", now=NOW)
    client = way(eve)
    assert standing_of(client) == two[place]
    assert StaffTask.objects.filter(kind="held_address", client=client).count() == 1


@WAYS
def test_all_rows_are_locked_at_once_in_the_order_of_their_ids(two, eve, monkeypatch, way):
    """P2: one after the other, two who come at once would wait for each other."""
    lock, locks = standings.lock, []
    monkeypatch.setattr(standings, "lock", lambda ids: locks.append(lock(ids)) or locks[-1])
    way(eve)
    (locked,) = locks
    ids = [row.pk for row in locked]
    assert ids == sorted(ids)
    assert {row.pk for row in two} < set(ids)


def test_two_rows_cost_an_enrolment_no_query_more(two, house):
    """A whole list of clients is enrolled one by one."""
    text_from(house.lakeside, BEAS_PHONE, "thanks")
    with CaptureQueriesContext(connection) as for_one:
        alice(external_id="A-4", name="Bea Moreau", phone=BEAS_PHONE, email="bea@example.com")
    with CaptureQueriesContext(connection) as for_two:
        alice()
    assert len(for_two) == len(for_one)


@PLACES
def test_new_consents_for_the_address_that_she_has_renew_them_there(house, keys, place):
    """Rule 9: on whichever row she is, it is no move to another address, which would end what she agreed to."""
    acts = [alice, lambda: text_from(house.lakeside, ALICES_PHONE, "thanks")]
    for letter, act in zip("pq", acts[::-1] if place else acts, strict=True):
        keys(prints=letter)
        act()
    keys(prints="qp")
    client = Client.objects.get()
    before = standing_of(client)
    assert rows().index(before) == place
    hold_standing(rows()[1 - place], why="address_twice", source="", now=NOW)
    moves(client)
    assert standing_of(client) == before
    assert Contact.objects.filter(client=client, channel="sms").count() == 1
    assert set(Grant.objects.filter(client=client, standing=before).values_list("state", flat=True)) == {"active"}
    with pytest.raises(Refusals, match="is the client's address already"):
        moves(client, consents=[])
    assert faults() == []
