"""One clinic's flood never delays another's text: every clinic gets its share of every claim (P5, P6)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.send.claim import claim
from worker.actions.send.due import LONG_AGO
from worker.models import Message, Ready

SMS = builders.SERVICE[:2]


@pytest.fixture
def template(house):
    """A message to make a crowd of."""
    return builders.messages_of(builders.alice(consents=SMS).client)[0]


def crowd(template, sizes):
    """So many due messages of each clinic, the first clinic's the oldest."""
    Ready.objects.all().delete()
    number = 0
    for clinic_id, size in sizes.items():
        for _ in range(size):
            number += 1
            made = Message(**{
                field.attname: getattr(template, field.attname)
                for field in Message._meta.concrete_fields if field.attname != "id"
            })  # fmt: skip
            made.occasion = f"crowd:{number}"
            made.save(force_insert=True)
            Ready.objects.create(
                message=made, clinic_id=clinic_id, channel="sms", free_at=LONG_AGO,
                due_at=NOW - timedelta(hours=9) + timedelta(seconds=number),
            )  # fmt: skip


def claimed(limit, *, crowded=True):
    """How many of each clinic one claim gets."""
    got = claim(channel="sms", limit=limit, now=NOW, machine=NOW, lease=post.LEASE, worker="tests", crowded=crowded)
    clinics = dict(Ready.objects.values_list("message_id", "clinic_id"))
    return Counter(clinics[each.message_id] for each in got)


def test_a_flood_leaves_room_for_the_others(template):
    """Forty older texts of one clinic, one of another: the very next claim takes it, and still is full."""
    crowd(template, {1: 40, 2: 1})
    assert claimed(8) == {1: 7, 2: 1}


def test_without_a_crowd_age_alone_counts(template):
    """Where everything due fits into the claim, fairness costs nothing."""
    crowd(template, {1: 3, 2: 1})
    assert claimed(8, crowded=False) == {1: 3, 2: 1}


def test_more_clinics_than_places_take_turns_by_age(template):
    """The oldest of each; nobody is left behind for the number it has."""
    crowd(template, {9: 6, 8: 2, 7: 2, 6: 1, 5: 1})
    assert claimed(3) == {9: 1, 8: 1, 7: 1}
    assert claimed(3) == {9: 1, 8: 1, 7: 1}
    assert claimed(3) == {9: 1, 6: 1, 5: 1}
    assert claimed(9) == {9: 3}


def test_what_others_hold_is_not_counted(template):
    """A clinic whose texts are all leased takes no share."""
    crowd(template, {1: 10, 2: 2})
    Ready.objects.filter(clinic_id=2).update(free_at=NOW + post.LEASE)
    assert claimed(4) == {1: 4}


@hypothesis_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(sizes=st.dictionaries(st.integers(1, 6), st.integers(1, 12), min_size=1), limit=st.integers(1, 9))
def test_nobody_waits_longer_than_its_own_queue_needs(template, sizes, limit):
    """Over any crowd: each claim is full while enough is due, nothing is claimed twice, and each gets its share."""
    with transaction.atomic():
        crowd(template, sizes)
        left = Counter(sizes)
        while left.total():
            got = claimed(limit)
            assert got.total() == min(limit, left.total())
            waiting = [clinic for clinic in left if left[clinic] > 0]
            share = limit // len(waiting)
            for clinic in waiting:
                assert got[clinic] >= min(share, left[clinic])
            left -= got
        transaction.set_rollback(True)
