"""Lakeside and Hillside with people who can sign in, one of each role, and Alice and Bob as their clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from tests import builders
from tests.builders import NOW
from worker.actions.record.task import open_task
from worker.actions.staff import accounts
from worker.models import Client, Clinic, Staff
from worker.models.staff import Role

LICENCE = "NY-204417"


@dataclass
class Desk:
    """Both clinics, a person of each role in each, and a browser for each person."""

    lakeside: Clinic
    hillside: Clinic
    alice: Client
    bob: Client
    people: dict[tuple[str, Role], Staff] = field(default_factory=dict)

    def browser(self, role: Role = Role.DESK, clinic: str = "lakeside", **options: Any) -> Browser:
        """Signed in as the person who holds just this role there."""
        browser = Browser(**options)
        self.people[clinic, role].refresh_from_db()
        browser.force_login(self.people[clinic, role], backend="worker.web.signin.backend.StaffBackend")
        return browser


@pytest.fixture
def desk(db, settings):
    """The day begins; the second factor is tried in tests of its own."""
    settings.SECOND_FACTOR_FOR = ("nobody",)
    _DAY.bring()
    clinics = {slug: Clinic.objects.get(slug=slug) for slug in ("lakeside", "hillside")}
    staff = {each.email: each for each in Staff.objects.all()}
    people = {(slug, role): staff[_email(role, slug)] for slug in clinics for role in Role}
    whose = {slug: Client.objects.get(clinic=clinic) for slug, clinic in clinics.items()}
    return Desk(clinics["lakeside"], clinics["hillside"], whose["lakeside"], whose["hillside"], people)


def _day() -> None:
    house, visit = builders.house(), NOW + timedelta(days=35)
    for client in (builders.alice(visit=visit).client, builders.bob(visit=visit).client):
        open_task(clinic_id=client.clinic_id, client_id=client.pk, kind="unclear_reply", cause="tests", now=NOW)
    for clinic in (house.lakeside, house.hillside):
        for role in Role:
            accounts.invite(
                clinic_id=clinic.pk, email=_email(role, clinic.slug), roles=[role], by="tests",
                name=f"{role.title()} of {clinic.slug.title()}", licence=LICENCE if role == Role.PRACTITIONER else "",
            )  # fmt: skip


def _email(role: Role, slug: str) -> str:
    return f"{role}-only@{slug}.example"


_DAY = builders.Kept(_day)
