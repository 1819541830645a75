"""Look at every field of an enrolment before anything is written, and refuse with all faults at once (P12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings

from worker.actions.clients import find
from worker.actions.consent.optin import has_question
from worker.models import Appointment
from worker.models.client import HealthBasis
from worker.opening import hours_of, place_of
from worker.rules.address import normalise_email
from worker.rules.clocks import clocks
from worker.rules.consent_wording import wording_kind
from worker.rules.hours import next_opening
from worker.rules.local_time import zone
from worker.rules.names import Channel, Purpose
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal, Refusals
from worker.rules.text import refuse_control

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.intake.client import ClientFile, ConsentShape
    from worker.models import Clinic, ProtocolVersion, Staff, Wording

T = TypeVar("T")
SKEW = timedelta(minutes=5)  # what two clocks at a front desk may differ
OLDEST_TREATMENT = timedelta(days=120)
FARTHEST_VISIT = timedelta(days=730)
IN_WRITING = ("paper", "web", "kiosk", "email")
EUROPE = frozenset({"EU", "GB"})  # jurisdictions
EEA = frozenset({"IS", "LI", "NO"})  # countries under the same law without a row of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A file whose every field was looked at."""

    file: ClientFile
    clinic: Clinic
    by: Staff
    version: ProtocolVersion | None
    wordings: dict[str, Wording]
    addresses: dict[Channel, tuple[str, str, str]]  # for sending, for the fingerprint, as written

    @property
    def clocks(self) -> tuple[str, ...]:
        """The zones on whose clocks her hours are read; her days are told on the first (rule 47)."""
        number, _, _ = self.addresses.get(Channel.SMS, ("", "", ""))
        return clocks(self.file.zone, self.clinic.zone, number)


class Faults:
    """Collects every refusal of a file, so that its sender mends them in one go."""

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def of(self, ask: Callable[[], T]) -> T | None:
        """The answer, or None with its refusals kept."""
        try:
            return ask()
        except Refusals as refusals:
            self.found.extend(refusals.faults)
        except Refusal as refusal:
            self.found.append(refusal)
        return None

    def unless(self, ok: bool, field: str, problem: str, mend: str) -> None:
        """One refusal unless the condition holds."""
        if not ok:
            self.found.append(Refusal(field, problem, mend))


def check(file: ClientFile, now: datetime, look: find.Remembered | None = None) -> Checked:
    """The file with everything it names looked up, by `look` if given. Raises Refusals with every fault."""
    look = look or find.Remembered()
    clinic = look.clinic(file.clinic)
    faults = Faults()
    by = faults.of(lambda: look.staff(file.enrolled_by, clinic_id=clinic.pk, roles=find.DESK, field="enrolled_by"))
    if file.zone:
        faults.of(lambda: zone(file.zone, "zone"))
    faults.of(lambda: refuse_control(file.name, "name"))
    if file.holder:
        holder = file.holder.name
        faults.of(lambda: refuse_control(holder, "holder.name"))
    basis_given = not asks_for_basis(clinic) or file.health_data_basis != HealthBasis.NONE.value
    mend = 'write "explicit_consent" or "care"'
    faults.unless(basis_given, "health_data_basis", "is needed in this clinic's country", mend)
    _check_visit(file, clinic, faults)
    _check_moments(file, now, faults)
    addresses = addresses_of(file.phone, file.email, clinic, faults)
    if not file.zone and Channel.SMS in addresses:
        refuse_hourless(clinic, addresses[Channel.SMS][0], faults, now)
    wordings = wordings_of(file.consents, clinic, file.language, faults, now=now, minor=file.minor, look=look)
    version = _version(file, clinic, now, faults, look)
    refuse_unasked(file.consents, clinic, version, faults, now)
    if faults.found or by is None:
        raise Refusals(faults.found)
    return Checked(file=file, clinic=clinic, by=by, version=version, wordings=wordings, addresses=addresses)


def refuse_hourless(clinic: Clinic, e164: str, faults: Faults, now: datetime) -> None:
    """Nobody is enrolled in the hope of an hour that never comes: half the world apart there is none (rule 47)."""
    hours = hours_of(clinic, Channel.SMS, Purpose.AFTERCARE, *clocks("", clinic.zone, e164))
    opens = next_opening(now, hours.windows, *hours.zones)
    mend = "ask the client where she lives, and give that zone"
    faults.unless(opens is not None, "zone", "is needed: no hour is fit wherever this number may be", mend)


def asks_for_basis(clinic: Clinic) -> bool:
    """True where health data may be kept only on a basis of GDPR Art. 9 (rule 4)."""
    return place_of(clinic).code in EUROPE or clinic.country in EEA


def _check_visit(file: ClientFile, clinic: Clinic, faults: Faults) -> None:
    """A visit's id is known once in a clinic, and a file speaks of one protocol."""
    if not file.appointment:
        return
    others = Appointment.objects.filter(clinic=clinic, external_id=file.appointment.external_id)
    taken = others.exclude(client__external_id=file.external_id).exists()
    mend = "give the visit the id it has in the clinic's calendar"
    faults.unless(not taken, "appointment.external_id", "belongs to another client's visit", mend)
    own = file.appointment.protocol
    same = not (own and file.treatment and own != file.treatment.protocol)
    mend = "leave it out: the visit follows the treatment's protocol"
    faults.unless(same, "appointment.protocol", "is not the protocol of the treatment", mend)


def _check_moments(file: ClientFile, now: datetime, faults: Faults) -> None:
    treated = file.treatment.performed_at if file.treatment else None
    refuse_odd_moments(treated, file.appointment.starts_at if file.appointment else None, faults, now)


def refuse_odd_moments(treated: datetime | None, visit: datetime | None, faults: Faults, now: datetime) -> None:
    """A session that was done lately, and a visit to come; both aware, None where there is none."""
    if treated:
        faults.unless(treated <= now + SKEW, "treatment.performed_at", "lies in the future", "enrol after the session")
        recent = treated > now - OLDEST_TREATMENT
        faults.unless(recent, "treatment.performed_at", "is more than 120 days ago", "check the date")
    if visit:
        faults.unless(visit > now, "appointment.starts_at", "lies in the past", "leave it out, or check the date")
        near = visit < now + FARTHEST_VISIT
        faults.unless(near, "appointment.starts_at", "is more than two years away", "check the date")


def addresses_of(phone: str, email: str, clinic: Clinic, faults: Faults) -> dict[Channel, tuple[str, str, str]]:
    """The addresses given, each for sending, for the fingerprint and as written; "" is none."""
    found: dict[Channel, tuple[str, str, str]] = {}
    if phone:
        parsed = faults.of(
            lambda: parse_phone(
                phone,
                clinic.country,
                countries=clinic.allowed_countries,
                allow_fiction=settings.ALLOW_FICTION_NUMBERS,
                field="phone",
            )
        )
        if parsed:
            found[Channel.SMS] = (parsed.e164, parsed.e164, phone)
    if email:
        normal = faults.of(lambda: normalise_email(email, field="email"))
        if normal:
            found[Channel.EMAIL] = (*normal, email)
    return found


def wordings_of(
    consents: list[ConsentShape],
    clinic: Clinic,
    language: str,
    faults: Faults,
    *,
    now: datetime,
    minor: bool,
    look: find.Remembered | None = None,
) -> dict[str, Wording]:
    """The words of each consent by their reference; words about another matter are refused (rules 13, 15)."""
    found: dict[str, Wording] = {}
    look = look or find.Remembered()
    for index, consent in enumerate(consents):
        given = consent.given_at <= now + SKEW
        faults.unless(given, f"consents.{index}.given_at", "lies in the future", "write when it was given")
        reference, field = consent.wording, f"consents.{index}.wording"
        fits = wording_kind(reference).marketing == (consent.purpose == Purpose.MARKETING)
        mend = 'name one whose code begins with "marketing", and only for that purpose'
        faults.unless(fits, field, "is not about this purpose", mend)
        if consent.affirmed and consent.purpose == Purpose.MARKETING:
            written, mend = consent.method in IN_WRITING, "let her sign a form: offers need it (rule 13)"
            faults.unless(written, f"consents.{index}.method", "is no written consent", mend)
        mend = 'name one whose code ends with "-holder", such as service-holder@1'
        faults.unless(not minor or wording_kind(reference).holder, field, "speaks to the client, who is a minor", mend)
        if reference not in found:
            wording = faults.of(
                lambda reference=reference, field=field: look.wording(  # type: ignore[misc] # bound per round
                    reference, clinic_id=clinic.pk, language=language, field=field
                )
            )
            if wording:
                found[reference] = wording
    return found


def refuse_unasked(
    consents: list[ConsentShape], clinic: Clinic, version: ProtocolVersion | None, faults: Faults, now: datetime
) -> None:
    """Where a clinic asks its clients to confirm, a consent that nobody could be asked about is refused (rule 7)."""
    wanted = {consent.channel for consent in consents if consent.affirmed}
    for channel in (Channel(each) for each in clinic.double_opt_in if each in wanted):
        mend = "approve a protocol with a step of kind optin_question for it, or take it out of double_opt_in"
        ready = has_question(clinic, channel, version=version, now=now)
        faults.unless(ready, f"consents.{channel}", "can't be confirmed: there is no approved opt-in question", mend)


def _version(
    file: ClientFile, clinic: Clinic, now: datetime, faults: Faults, look: find.Remembered
) -> ProtocolVersion | None:
    if not (file.treatment or file.appointment):
        return None
    code, field = "", "appointment.protocol"
    if file.treatment:
        code, field = file.treatment.protocol, "treatment.protocol"
    elif file.appointment:
        code = file.appointment.protocol
    return faults.of(lambda: look.approved_version(code, clinic_id=clinic.pk, now=now, field=field))
