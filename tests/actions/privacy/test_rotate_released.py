"""Two rows of one address that staff have looked at and let go are not held again by the next rotation (P3, P7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import post
from tests.builders import ALICES_PHONE, NOW, SAM, alice, standing_of, text_from
from worker.actions.consent.release import release_client
from worker.actions.privacy.rotate import rotate
from worker.models import Hold, StaffTask, Standing
from worker.reading.chain import faults
from worker.rules.release import ReleaseReason

HOUR = timedelta(hours=1)


@pytest.fixture
def second(house, keys):
    """Alice on the second row of her phone, held by a rotation; the first is of a process with other keys."""
    keys(prints="q")
    text_from(house.lakeside, ALICES_PHONE, "thanks")
    keys(prints="p")
    client = alice().client
    keys(prints="qp")
    post.confirmed(NOW)
    turn(NOW)
    assert held() == [None, "address_twice"]
    return client


def turn(now):
    rotate(now=now, tell=lambda _line: None)


def rows():
    return list(Standing.objects.filter(channel="sms").order_by("pk"))


def held():
    return [row.held_why for row in rows()]


def release(client, now=NOW + HOUR):
    release_client(client_id=client.pk, by=SAM, reason=ReleaseReason.HARMLESS, now=now)


def tasks(**which):
    return StaffTask.objects.filter(kind="address_twice", **which)


def test_whoever_releases_it_has_done_its_task(second):
    """Rule 17: the task asked to look at both and then to go on; it is answered with that."""
    assert tasks(done_at=None).count() == 1
    release(second)
    assert tasks(done_at=None).count() == 0


def test_what_staff_let_go_is_not_held_again(second):
    """P3, P7: nothing was said since; held again, and every year anew, she would miss her course and nobody know."""
    release(second)
    before = Hold.objects.count()
    turn(NOW + 2 * HOUR)
    assert held() == [None, None]
    assert (Hold.objects.count(), tasks().count()) == (before, 1)
    assert post.round_of_post(NOW + 3 * HOUR) == ["same-day"]


@pytest.mark.parametrize("known", ["p", "q"])
def test_a_stop_said_since_still_becomes_one_of_both(second, house, keys, known):
    """P2: what was let go are two rows without a stop; the rotation looks for one first."""
    release(second)
    keys(prints=known)
    text_from(house.lakeside, ALICES_PHONE, "STOP", now=NOW + 2 * HOUR)
    keys(prints="qp")
    turn(NOW + 3 * HOUR)
    assert [row.suppressed_why for row in rows()] == ["keyword", "keyword"]
    assert faults() == []


def test_a_row_that_came_since_is_held_and_told(second, house, keys):
    """Rule 17: nobody has looked at the third; what was looked at stays as staff left it."""
    release(second)
    keys(prints="r")
    third = alice(external_id="A-2", name="Zoe Moreau", email="zoe@example.com").client
    keys(prints="qpr")
    turn(NOW + 2 * HOUR)
    assert held() == [None, None, "address_twice"]
    assert tasks(done_at=None).get().facts["standings"] == [rows()[0].pk, standing_of(third).pk]


def test_a_row_that_was_compared_with_another_one_is_put_before_staff_anew(house, keys):
    """Rule 17: let go beside the second, it was never seen beside the first, which that process did not know."""
    for number, letter in enumerate("pqr"):
        keys(prints=letter)
        last = alice(external_id=f"A-{number}", name=f"Alice {letter}", email=f"{letter}@example.com").client
    keys(prints="rq")
    turn(NOW)
    assert held() == [None, None, "address_twice"]
    release(last)
    keys(prints="rqp")
    turn(NOW + 2 * HOUR)
    assert held() == [None, "address_twice", "address_twice"]
    assert tasks(done_at=None).count() == 2
