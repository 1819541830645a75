"""Let everybody of the browser's house sign in; runs in a process of its own, with that house's environment."""

from __future__ import annotations

import django

django.setup()

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes  # noqa: E402
from allauth.mfa.totp.internal.auth import TOTP  # noqa: E402

from tests.browser import signed  # noqa: E402
from tests.processes import people  # noqa: E402
from worker import clock  # noqa: E402
from worker.actions.protocols.load import load  # noqa: E402
from worker.actions.staff import accounts  # noqa: E402
from worker.intake.clinic import ClinicFile  # noqa: E402
from worker.intake.shape import checked, read_toml  # noqa: E402
from worker.models import Staff  # noqa: E402
from worker.models.staff import Role  # noqa: E402

file = checked(ClinicFile, read_toml(people.DEMO / "hillside.toml"))
load(file, beside=people.DEMO, by="tests", now=clock.now())
for person in Staff.objects.select_related("clinic"):
    accounts.set_password(email=person.email, password=signed.PASSWORD)
sam = Staff.objects.get(email=signed.SAM)
for email, name, roles in (
    (signed.OWNER, "Olive Owner", [Role.OWNER, Role.DESK]),
    (signed.PIA, "Pia Passkey", [Role.DESK]),
    (signed.TILDA, "Tilda Two-Step", [Role.DESK]),
):
    accounts.invite(clinic_id=sam.clinic_id, email=email, name=name, roles=roles, by="tests")
    accounts.set_password(email=email, password=signed.PASSWORD)
tilda = Staff.objects.get(email=signed.TILDA)
TOTP.activate(tilda, signed.APP)
RecoveryCodes.activate(tilda)
