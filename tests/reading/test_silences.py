"""A stop or a hold that somebody takes out of the tables by hand is missed by `verify`, and named (P2, P8)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.builders import ALICES_PHONE, NOW, SAM, standing_of, text_from
from worker.actions.consent.desk_revoke import from_desk
from worker.actions.consent.release import release_client
from worker.models import Hold, Inbound, Message, Ready, Standing, Suppression
from worker.reading.chain import faults
from worker.rules.release import ReleaseReason

STRANGER = "+12125550199"
LATER = NOW + timedelta(hours=1)


def free(standing):
    """As if nobody had ever stopped it."""
    Standing.objects.filter(pk=standing.pk).update(suppressed_at=None, suppressed_why=None)


def lift():
    Suppression.objects.update(lifted_at=NOW, lifted_by="client")


def delete():
    Suppression.objects.all()._raw_delete(using="default")


@pytest.mark.parametrize("tamper", [lift, delete])
def test_the_stop_of_a_number_that_nobody_knows_cannot_be_taken_back_unseen(house, unguarded, tamper):
    """Rule 34: the tables agree with each other again, and with no consent of anybody; the record still knows."""
    text_from(house.lakeside, STRANGER, "STOP")
    assert faults() == []
    row = Standing.objects.get()
    tamper()
    free(row)
    assert faults() == [f"lakeside: standing {row.pk}: its stop (keyword) was lifted, and no START is on record"]


def test_one_of_two_stops_is_missed_by_its_reason(house, unguarded):
    """Rule 30: without the desk's stop START would undo the keyword; the row itself still says stopped."""
    text_from(house.lakeside, ALICES_PHONE, "STOP")
    from_desk(
        clinic_slug="lakeside", phone=ALICES_PHONE, email="", client_id=None, reason="x", received_at=None, now=LATER
    )
    row = Standing.objects.get()
    assert faults() == []
    Suppression.objects.filter(reason="desk").update(lifted_at=NOW, lifted_by="client")
    assert faults() == [f"lakeside: standing {row.pk}: its stop (desk) was lifted, and no START is on record"]


def test_a_row_that_was_taken_away_as_a_whole_is_missed(house, unguarded):
    """Rule 34: with everything that hung on it; the ledger speaks of it."""
    text_from(house.lakeside, STRANGER, "STOP")
    row = Standing.objects.get()
    for model in (Suppression, Inbound, Ready, Message, Standing):
        model.objects.all()._raw_delete(using="default")
    assert faults() == [f"lakeside: standing {row.pk} was removed, and the ledger speaks of it"]


def test_a_hold_ends_by_a_release_alone(house, unguarded):
    """Rule 17: what nobody looked at stays silent; a release on record ends it."""
    alice = builders.alice().client
    text_from(house.lakeside, ALICES_PHONE, "what on earth is this")
    row = standing_of(alice)
    assert row.held_at
    Standing.objects.filter(pk=row.pk).update(held_at=None, held_why=None)
    Hold.objects.update(released_at=NOW, released_by="staff:1")
    assert faults() == [f"lakeside: standing {row.pk}: its hold was ended, and no release is on record"]
    Standing.objects.filter(pk=row.pk).update(held_at=row.held_at, held_why=row.held_why)
    release_client(client_id=alice.pk, by=SAM, reason=ReleaseReason.HARMLESS, now=LATER)
    assert faults() == []


def test_stop_and_start_and_stop_again_are_as_they_say(house):
    """Rule 30: a START on record takes back what came before it, and nothing after it."""
    builders.alice()
    for hours, word in enumerate(("STOP", "STOP", "START", "STOP", "START")):
        text_from(house.lakeside, ALICES_PHONE, word, now=NOW + timedelta(hours=hours))
        assert faults() == []
