"""Print the address of a form that the desk began for a client's own phone; runs inside a house."""

from __future__ import annotations

import django

django.setup()

from tests.browser import signed  # noqa: E402
from tests.processes import people  # noqa: E402
from worker import clock  # noqa: E402
from worker.actions.clients import self_enrol  # noqa: E402
from worker.models import Staff  # noqa: E402

now = clock.now()
fields = {
    "protocol": people.PROTOCOL, "treated_day": f"{now:%Y-%m-%d}", "treated_time": "08:00", "zone": "America/New_York",
    "language": "en", "external_id": "desk-of-her-own", "practitioner": "", "name": "Nora Lind",
}  # fmt: skip
print("/e/" + self_enrol.begin(staff=Staff.objects.get(email=signed.SAM), fields=fields))
