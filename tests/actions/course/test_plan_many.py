"""Planned in bulk is planned as one by one (P4, P5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import builders
from tests.builders import NOW
from worker.actions.course.plan import plan
from worker.actions.course.plan_many import plan_many
from worker.models import Appointment, Link, Message, Ready, StaffTask, Treatment
from worker.rules.plan import Anchor
from worker.timeline import Course

LATER = (Anchor.TREATMENT, Anchor.APPOINTMENT, Anchor.COURSE)
COMPARED = (
    "occasion", "due_at", "expires_at", "wall_time", "channel", "purpose", "generation", "zone", "standing_id",
    "contact_id", "treatment_id", "appointment_id", "care_id", "step_id", "state",
)  # fmt: skip


def course(client):
    """What a client's plan is made for."""
    return Course(
        clinic=client.clinic, client=client, version=Link.objects.get(client=client).version,
        care=Link.objects.get(client=client), treatment=Treatment.objects.get(client=client),
        appointment=Appointment.objects.filter(client=client).first(),
    )  # fmt: skip


def written():
    """Every message, as far as a plan decides on it."""
    return sorted(Message.objects.filter(cls="course").values_list(*COMPARED))


def emptied():
    """Nothing is planned any more."""
    Ready.objects.all().delete()
    Message.objects.filter(cls="course").delete()
    StaffTask.objects.all().delete()


@pytest.fixture
def people(house):
    """Alice with a visit and a treatment of yesterday, some of it too late to send, and Bob with neither visit."""
    yesterday = NOW - timedelta(hours=23)
    alice = builders.alice(visit=NOW + timedelta(days=35), treated=yesterday).client
    return [alice, builders.bob().client]


def test_both_ways_write_the_same(people):
    """P4, P5: the same messages, due at the same instants, and the same left to a person."""
    courses = [course(client) for client in people]
    emptied()
    with transaction.atomic():
        for each in courses:
            plan(each, anchors=LATER, now=NOW)
    alone, tasks, ready = written(), StaffTask.objects.count(), Ready.objects.count()
    emptied()
    with transaction.atomic():
        made = plan_many(courses, anchors=LATER, now=NOW)

    assert alone == written()
    assert (tasks, ready) == (StaffTask.objects.count(), Ready.objects.count())
    assert len(made.messages) == len(alone) > 20
    assert {Link.objects.get(pk=each.care_id).client_id for each in made.messages} == {each.pk for each in people}


def test_planned_twice_is_planned_once(people):
    """P4: what stands already is left as it is."""
    courses, before = [course(client) for client in people], written()

    assert plan_many(courses, anchors=LATER, now=NOW).messages == []
    assert before == written()


def test_more_clients_cost_no_more_statements(house):
    """Bulk: two clients take exactly as many statements as one, where nobody has to be told."""
    alice, bob = course(builders.alice().client), course(builders.bob().client)
    emptied()
    counts = []
    for courses in ([bob], [bob, alice]):
        with CaptureQueriesContext(connection) as seen:
            assert plan_many(courses, anchors=[Anchor.TREATMENT], now=NOW).messages
        counts.append(len(seen))
        emptied()

    assert counts[0] == counts[1]
