"""`verify` finds what somebody with the database's own keys changed, took away or slipped in (P8, rule 142)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.send.tend import seal_decisions
from worker.models import ConsentEvent, Event, Evidence, Grant, Seal, Standing, Suppression
from worker.reading.chain import faults

DUE = NOW + timedelta(hours=1)


@pytest.fixture
def story(house, unguarded):
    """A while of ordinary life at both clinics, sealed; the triggers are gone."""
    builders.alice()
    builders.bob()
    post.confirmed(NOW)
    post.round_of_post(DUE)
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=DUE)
    seal_decisions()
    assert faults() == []
    return house


def test_an_untouched_record_has_no_faults_and_covers_everything(story):
    """Every event and every consent of both clinics is under a seal, each chain numbered without gaps."""
    for clinic in (story.lakeside, story.hillside):
        seals = Seal.objects.filter(clinic_id=clinic.pk)
        assert list(seals.order_by("number").values_list("number", flat=True)) == list(range(1, seals.count() + 1))
        assert seals.filter(table="event").count() == Event.objects.filter(clinic_id=clinic.pk).count()
        assert seals.filter(table="consent").count() == ConsentEvent.objects.filter(clinic_id=clinic.pk).count()


CHANGED = {
    "a decision's reason": (Event, {"code": "sent"}, lambda: Event.objects.filter(code="revoked", kind="decision")),
    "who enrolled": (Event, {"actor": "staff:999"}, lambda: Event.objects.filter(kind="enrolled")),
    "when it was": (Event, {"at": NOW - timedelta(days=9)}, lambda: Event.objects.filter(kind="enrolled")),
    "the facts": (Event, {"facts": {"messages": 1}}, lambda: Event.objects.filter(kind="enrolled")),
    "a no made a yes": (ConsentEvent, {"act": "restored"}, lambda: ConsentEvent.objects.filter(act="revoked")),
    "when she agreed": (
        ConsentEvent, {"happened_at": NOW - timedelta(days=9)}, lambda: ConsentEvent.objects.filter(act="given"),
    ),
    "which words she saw": (
        ConsentEvent, {"wording_sha256": "0" * 64}, lambda: ConsentEvent.objects.filter(act="given"),
    ),
    "what she wrote": (ConsentEvent, {"commitment": "0" * 64}, lambda: ConsentEvent.objects.filter(act="given")),
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGED)
def test_a_changed_row_is_found_and_named(story, case):
    """Rule 2: any column of any sealed row."""
    model, change, which = CHANGED[case]
    row = which().first()
    model.objects.filter(pk=row.pk).update(**change)
    table = "event" if model is Event else "consent"
    assert any(f"{table} row {row.pk} was changed" in fault for fault in faults())


@pytest.mark.parametrize("model", [Event, ConsentEvent], ids=lambda model: model.__name__)
def test_a_removed_row_is_found_and_named(story, model):
    """P8: also the very first, and also the last."""
    for row in (model.objects.order_by("pk").first(), model.objects.order_by("pk").last()):
        if model is ConsentEvent:
            Evidence.objects.filter(event=row)._raw_delete(using="default")
        model.objects.filter(pk=row.pk)._raw_delete(using="default")
        assert any(f"row {row.pk} was removed" in fault for fault in faults())


def test_a_removed_link_is_found(story):
    """P8: taking row and seal away together leaves a gap in the numbers."""
    seal = Seal.objects.filter(clinic_id=story.lakeside.pk, table="event").order_by("number")[2]
    Event.objects.filter(pk=seal.row_id)._raw_delete(using="default")
    Seal.objects.filter(pk=seal.pk)._raw_delete(using="default")
    found = faults()
    assert any(f"seal {seal.number} is missing" in fault for fault in found)
    assert any("does not follow" in fault for fault in found)


def test_a_forged_link_is_found(story):
    """P8: whoever re-hashes one row must re-hash all that came after."""
    seal = Seal.objects.filter(clinic_id=story.lakeside.pk).order_by("number")[1]
    Seal.objects.filter(pk=seal.pk).update(row_sha256="0" * 64)
    assert any("does not follow" in fault for fault in faults())


def test_two_rows_that_changed_places_are_found(story):
    """P8: the order is part of the chain."""
    one, two = Seal.objects.filter(clinic_id=story.lakeside.pk, table="event").order_by("number")[:2]
    Seal.objects.filter(pk=one.pk).update(row_id=10**9)
    Seal.objects.filter(pk=two.pk).update(row_id=one.row_id, row_sha256=one.row_sha256)
    Seal.objects.filter(pk=one.pk).update(row_id=two.row_id, row_sha256=two.row_sha256)
    assert any("does not follow" in fault for fault in faults())


def test_a_consent_slipped_in_is_found(story):
    """P1: a yes that did not come through the ledger."""
    forged = ConsentEvent.objects.filter(act="given").first()
    forged.pk = None
    forged.save(force_insert=True)
    assert f"lakeside: consent row {forged.pk} was inserted outside the chain" in faults()


def test_a_row_moved_to_the_other_clinic_is_found(story):
    """P10: a chain is a clinic's own."""
    row = Event.objects.filter(kind="enrolled", clinic_id=story.hillside.pk).get()
    Event.objects.filter(pk=row.pk).update(clinic_id=story.lakeside.pk)
    assert f"hillside: event row {row.pk} was changed" in faults()


def test_a_grant_that_the_ledger_does_not_know_is_found(story):
    """P1: active where she said stop, and active where nobody ever asked."""
    grant = Grant.objects.filter(state="revoked").first()
    Grant.objects.filter(pk=grant.pk).update(state="active")
    assert any("says active where the ledger says no" in fault for fault in faults())
    Grant.objects.filter(pk=grant.pk).update(state="revoked")
    Grant.objects.create(
        standing=grant.standing, client=grant.client, purpose="marketing", state="active", changed_at=NOW
    )
    assert any("says active without any consent on record" in fault for fault in faults())


def test_a_lifted_or_invented_suppression_is_found(story):
    """P2: the standing row and the list of suppressions say the same."""
    stopped = Standing.objects.get(suppressed_at__isnull=False)
    Standing.objects.filter(pk=stopped.pk).update(suppressed_at=None, suppressed_why=None)
    assert any(f"standing {stopped.pk} and its suppressions disagree" in fault for fault in faults())
    Suppression.objects.update(lifted_at=NOW, lifted_by="tests")
    told = f"lakeside: standing {stopped.pk}: its stop (keyword) was lifted, and no START is on record"
    assert faults() == [told]
    Standing.objects.filter(pk=stopped.pk).update(suppressed_at=NOW, suppressed_why="x")
    assert any("disagree" in fault for fault in faults())


def test_a_stop_that_was_set_back_by_hand_is_found(story):
    """P2, P8: earlier than whoever asked for it, and texts that left honestly would look sent after a stop."""
    stopped = Standing.objects.get(suppressed_at__isnull=False)
    assert faults() == []
    Standing.objects.filter(pk=stopped.pk).update(suppressed_at=stopped.suppressed_at - timedelta(days=20))
    assert faults() == [f"lakeside: standing {stopped.pk} was stopped before anybody asked for it"]


def test_sealing_is_done_in_steps_and_only_once(house):
    """Rule 142: decisions are chained after the fact; a second round finds nothing to do."""
    builders.alice()
    post.confirmed(NOW)
    open_ones = Event.objects.exclude(pk__in=Seal.objects.filter(table="event").values("row_id"))
    waiting = open_ones.count()
    assert waiting
    assert seal_decisions() == waiting
    assert seal_decisions() == 0
    assert faults() == []
