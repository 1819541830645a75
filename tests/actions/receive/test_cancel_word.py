"""CANCEL is not only STOP: it revokes, and near a visit a person asks which of the two was meant (rule 28)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests import builders
from tests.builders import ALICES_PHONE, NOW
from worker.models import Appointment, StaffTask

DUE = NOW + timedelta(hours=1)
VISIT = DUE + timedelta(days=9)


def _wrote(house, body):
    return builders.text_from(house.lakeside, ALICES_PHONE, body, now=DUE)


@pytest.mark.parametrize("body", ["CANCEL", "Please cancel", "cancel!", "cancle"])
def test_near_a_visit_a_person_asks_before_it_and_the_visit_stays(house, body):
    """Both effects: the texts end at once; the task says which visit, when, and is due a day before it."""
    alice = builders.alice(visit=VISIT).client
    _wrote(house, body)
    assert builders.standing_of(alice).suppressed_at == DUE
    visit = alice.appointments.get()
    assert visit.status == "booked"
    task = StaffTask.objects.get(kind="cancel_or_stop")
    assert (task.client_id, task.due_at) == (alice.pk, VISIT - timedelta(days=1))
    assert (task.facts["appointment"], datetime.fromisoformat(task.facts["starts_at"])) == (visit.pk, VISIT)


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=14)])
def test_the_task_is_never_due_after_the_visit(house, ahead):
    """Three hours before there is no day left: at once."""
    builders.alice(visit=DUE + ahead)
    _wrote(house, "CANCEL")
    assert DUE <= StaffTask.objects.get(kind="cancel_or_stop").due_at < DUE + ahead


@pytest.mark.parametrize("ahead", [timedelta(days=14, seconds=1), timedelta(days=35)])
def test_far_from_any_visit_it_is_the_ordinary_stop(house, ahead):
    """A question about a visit in five weeks would only be one more call after a STOP."""
    alice = builders.alice(visit=DUE + ahead).client
    _wrote(house, "CANCEL")
    assert builders.standing_of(alice).suppressed_at == DUE
    assert not StaffTask.objects.filter(kind="cancel_or_stop").exists()


def test_a_visit_that_is_over_or_cancelled_is_not_asked_about(house):
    """Nothing is left to cancel."""
    builders.alice(visit=VISIT)
    Appointment.objects.update(status="cancelled")
    _wrote(house, "CANCEL")
    assert not StaffTask.objects.filter(kind="cancel_or_stop").exists()


def test_stop_asks_nothing_about_the_visit(house):
    """Only CANCEL is ambiguous; STOP and CANCEL together are a STOP."""
    builders.alice(visit=VISIT)
    _wrote(house, "STOP cancel")
    assert not StaffTask.objects.filter(kind="cancel_or_stop").exists()


def test_on_a_shared_phone_each_near_visit_is_asked_about(house):
    """Rule 134: nobody can tell which of the two wrote."""
    builders.alice(visit=VISIT)
    other = {"external_id": "V-2", "starts_at": (VISIT + timedelta(days=1)).isoformat()}
    builders.alice(external_id="A-2", email="zoe@example.com", appointment=other)
    _wrote(house, "CANCEL")
    assert StaffTask.objects.filter(kind="cancel_or_stop").count() == 2
