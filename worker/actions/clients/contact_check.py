"""Look at every field of a change of address before anything is written, as at enrolment (P12, rules 8, 15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.actions.clients import find
from worker.actions.clients.enrol_check import (
    Faults,
    addresses_of,
    refuse_hourless,
    refuse_unasked,
    wordings_of,
)
from worker.rules.names import Channel
from worker.rules.refusal import Refusals
from worker.rules.text import refuse_control

if TYPE_CHECKING:
    from datetime import datetime

    from worker.intake.contact import ContactFile
    from worker.models import Client, Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A change whose every field was looked at; `by` is "staff:12"."""

    client: Client
    file: ContactFile
    by: str
    wordings: dict[str, Wording]
    addresses: dict[Channel, tuple[str, str, str]]  # for sending, for the fingerprint, as written


def check(client: Client, file: ContactFile, now: datetime) -> Checked:
    """The change with everything it names looked up. Raises Refusals with every fault."""
    clinic, faults = client.clinic, Faults()
    by = faults.of(lambda: find.staff(file.changed_by, clinic_id=clinic.pk, roles=find.DESK, field="changed_by"))
    if file.holder:
        holder = file.holder.name
        faults.of(lambda: refuse_control(holder, "holder.name"))
    mend = "add holder with name and relationship: who agrees for her at this address"
    faults.unless(not client.is_minor or file.holder is not None, "holder", "is missing for a minor", mend)
    addresses = addresses_of(file.phone, file.email, clinic, faults)
    if Channel.SMS in addresses and not client.zone_is_known:
        refuse_hourless(clinic, addresses[Channel.SMS][0], faults, now)
    wordings = wordings_of(file.consents, clinic, client.language, faults, now=now, minor=client.is_minor)
    refuse_unasked(file.consents, clinic, None, faults, now)
    if faults.found or by is None:
        raise Refusals(faults.found)
    return Checked(client=client, file=file, by=f"staff:{by.pk}", wordings=wordings, addresses=addresses)
