"""The interface for a clinic's calendar: who may speak, what is taken, and that the order of news doesn't matter."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from tests import builders
from tests.builders import NOW
from worker.actions.course import appointment
from worker.actions.course.feed import make_key, revoke_key
from worker.models import ApiKey, Appointment, Feed, Message, Staff, StaffRole
from worker.rules.refusal import Refusals
from worker.rules.states import OPEN

DAYS = timedelta(days=1)
OWNER = "owner@lakeside.example"


@pytest.fixture
def alice(house):
    """Alice, treated an hour ago, with nothing booked."""
    return builders.alice().client


@pytest.fixture
def key(house):
    """A key that Lakeside's owner made for its calendar."""
    owner = Staff.objects.create(clinic=house.lakeside, email=OWNER, name="Olive Owner")
    StaffRole.objects.create(staff=owner, role="owner")
    return make_key(clinic=house.lakeside, source="cliniko", name="sync", by=OWNER, now=NOW)


@pytest.fixture
def tell(key, alice):
    """What the calendar says of visit V-9, with the key; keyword arguments replace fields, None takes one out."""

    def say(*, path="cliniko/V-9", token=key[1], kind="application/json", raw=None, **fields):
        said = {"client": alice.external_id, "starts_at": (NOW + 35 * DAYS).isoformat(), "status": "booked"}
        said |= {"source_version": 1} | fields
        body = json.dumps({name: value for name, value in said.items() if value is not None}) if raw is None else raw
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Client(enforce_csrf_checks=True).put(
            f"/api/v1/appointments/{path}", body, content_type=kind, headers=headers
        )

    return say


def open_steps(visit):
    """The steps still to come of a visit, by text."""
    found = Message.objects.filter(appointment=visit, state__in=OPEN, channel="sms")
    return sorted(found.values_list("step__code", flat=True))


def test_a_visit_is_taken_once_and_its_reminders_are_planned(tell, alice):
    """P4: 201 the first time, then 200 and nothing changes, however often it is told."""
    first = tell()
    visit = Appointment.objects.get(source="cliniko")
    assert (first.status_code, first.json()["outcome"], first.json()["id"]) == (201, "created", visit.pk)
    assert (visit.client, visit.external_id, visit.source_version) == (alice, "V-9", 1)
    assert open_steps(visit) == ["before-session", "next-session-day", "next-session-week"]
    before = builders.counts()
    for _ in range(3):
        again = tell()
        assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert builders.counts() == before


def test_older_news_never_beats_newer(tell):
    """P7: version 2 arrives after version 3, and the visit stays where 3 put it."""
    tell()
    moved = tell(source_version=3, starts_at=(NOW + 40 * DAYS).isoformat())
    late = tell(source_version=2, status="cancelled")
    visit = Appointment.objects.get(source="cliniko")
    assert [moved.json()["outcome"], late.json()["outcome"]] == ["changed", "outdated"]
    assert (visit.status, visit.starts_at, visit.generation) == ("booked", NOW + 40 * DAYS, 2)
    assert late.json()["starts_at"] == (NOW + 40 * DAYS).isoformat()


def test_a_cancelled_visit_comes_back_with_its_reminders(tell):
    """P4, P7: cancelled and un-cancelled at the same time of day: the same reminders, each planned once."""
    tell()
    visit = Appointment.objects.get(source="cliniko")
    tell(source_version=2, status="cancelled")
    assert open_steps(visit) == []
    assert Message.objects.filter(step__anchor="course", state__in=OPEN).exists()
    tell(source_version=3)
    assert open_steps(visit) == ["before-session", "next-session-day", "next-session-week"]
    assert not Message.objects.filter(step__anchor="course", state__in=OPEN).exists()


def test_the_same_version_with_other_details_is_refused(tell):
    """P12: a calendar that doesn't count its changes is told so, and nothing changes."""
    tell()
    before = builders.counts()
    refused = tell(starts_at=(NOW + 36 * DAYS).isoformat())
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "source_version"
    assert (builders.counts(), Appointment.objects.get(source="cliniko").starts_at) == (before, NOW + 35 * DAYS)


def test_what_the_desk_changed_stays_until_there_is_news(tell):
    """P7: the repeat of an old version is older than Sam's move; a new version is newer."""
    tell()
    visit = Appointment.objects.get(source="cliniko")
    appointment.move(appointment_id=visit.pk, starts_at=NOW + 37 * DAYS, by="staff:1", now=NOW)
    assert tell().json()["outcome"] == "unchanged"
    visit.refresh_from_db()
    assert visit.starts_at == NOW + 37 * DAYS
    assert tell(source_version=2, starts_at=(NOW + 38 * DAYS).isoformat()).json()["outcome"] == "changed"


def test_a_visit_the_desk_booked_becomes_the_calendars(tell, alice):
    """P4: the same id from the calendar is the same visit, not a second one with reminders of its own."""
    visit, _ = appointment.book(client_id=alice.pk, starts_at=NOW + 35 * DAYS, external_id="V-9", by="staff:1", now=NOW)
    assert tell().json() | {"planned": 0} == {
        "id": visit.pk, "outcome": "unchanged", "source_version": 1, "status": "booked",
        "starts_at": (NOW + 35 * DAYS).isoformat(), "planned": 0,
    }  # fmt: skip
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"token": ""}, 401, "Authorization"),
        ({"token": "aftercare_" + "x" * 43}, 401, "Authorization"),
        ({"path": "other/V-9"}, 403, "source"),
        ({"kind": "text/plain"}, 415, "Content-Type"),
        ({"raw": "{"}, 400, "body"),
        ({"raw": "[]"}, 400, "body"),
        ({"raw": '{"client": "a", "client": "b"}'}, 400, "body"),
        ({"raw": " " * 70_000}, 413, "body"),
        ({"client": "nobody"}, 422, "client"),
        ({"client": None}, 422, "client"),
        ({"starts_at": "2027-02-16T10:00:00"}, 422, "starts_at"),
        ({"starts_at": "2040-02-16T10:00:00Z"}, 422, "starts_at"),
        ({"starts_at": 1}, 422, "starts_at"),
        ({"status": "maybe"}, 422, "status"),
        ({"source_version": -1}, 422, "source_version"),
        ({"source_version": True}, 422, "source_version"),
        ({"source_version": 2**63}, 422, "source_version"),
        ({"source_version": "x"}, 422, "source_version"),
        ({"protocol": "botox"}, 422, "protocol"),
        ({"colour": "red"}, 422, "colour"),
        ({"path": "cliniko/%00"}, 422, "external_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_field_and_changes_nothing(tell, change, status, field):
    """P10, P12: every refusal names a field and a mend."""
    before = builders.counts()
    refused = tell(**change)
    assert refused.status_code == status
    assert [each["field"] for each in refused.json()["errors"]] == [field]
    assert all(each["problem"] and each["mend"] for each in refused.json()["errors"])
    assert builders.counts() == before


def test_another_clinics_client_is_unknown(tell, house):
    """P10: Bob is nobody to Lakeside's calendar, in the same words as a client who doesn't exist."""
    bob = builders.bob().client
    refused = tell(client=bob.external_id)
    assert refused.json() == tell(client="nobody").json()


def test_a_revoked_key_opens_nothing(tell, key):
    """P10: from the moment of its revocation, and its hash is all that is stored."""
    assert key[1] not in json.dumps(list(ApiKey.objects.values()), default=str)
    assert revoke_key(key_id=key[0].pk, by=OWNER, now=NOW)
    assert not revoke_key(key_id=key[0].pk, by=OWNER, now=NOW)
    assert tell().status_code == 401
    assert Feed.objects.get().ended_at == NOW


def test_only_an_owner_or_operator_gives_keys(house):
    """P10: neither a practitioner nor anybody of another clinic; "desk" is nobody's calendar."""
    for who in (builders.OKAFOR, builders.CHARLIE):
        with pytest.raises(Refusals):
            make_key(clinic=house.lakeside, source="cliniko", name="", by=who, now=NOW)
    assert not Feed.objects.exists()


def test_only_put_is_answered(tell, key):
    """No page, no form: a GET and a POST are refused, with or without a key."""
    browser = Client()
    for method in (browser.get, browser.post, browser.delete):
        assert method("/api/v1/appointments/cliniko/V-9").status_code == 405


def test_a_heartbeat_keeps_a_quiet_calendar_alive(tell, key):
    """P7: a calendar without news says that it is there."""
    Feed.objects.update(heard_at=NOW - 5 * DAYS)
    answer = Client().put("/api/v1/feeds/cliniko", headers={"Authorization": f"Bearer {key[1]}"})
    assert (answer.status_code, answer.json()) == (200, {"heard": True})
    assert Feed.objects.get().heard_at >= NOW
