"""Lakeside and Hillside with people who can sign in, one of each role, and Alice and Bob as their clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser

from tests.builders import NOW, alice, bob
from worker.actions.record.task import open_task
from worker.actions.staff import accounts
from worker.models.staff import Role

if TYPE_CHECKING:
    from worker.models import Client, Clinic, Staff

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
def desk(house, settings):
    """The day begins; the second factor is tried in tests of its own."""
    settings.SECOND_FACTOR_FOR = ("nobody",)
    visit = NOW + timedelta(days=35)
    made = Desk(house.lakeside, house.hillside, alice(visit=visit).client, bob(visit=visit).client)
    for client in (made.alice, made.bob):
        open_task(clinic_id=client.clinic_id, client_id=client.pk, kind="unclear_reply", cause="tests", now=NOW)
    for clinic in (house.lakeside, house.hillside):
        for role in Role:
            email = f"{role}-only@{clinic.slug}.example"
            invited = accounts.invite(
                clinic_id=clinic.pk, email=email, name=f"{role.title()} of {clinic.slug.title()}", roles=[role],
                licence=LICENCE if role == Role.PRACTITIONER else "", by="tests",
            )  # fmt: skip
            made.people[clinic.slug, role] = invited.staff
    return made
