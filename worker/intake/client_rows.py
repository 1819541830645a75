"""One row of another system's export as an enrolment: columns found by their names, nothing agreed to by silence.

A consent that is "no" or empty stores nothing, and nothing is sent; a file that has no such column at all is refused
row by row (rule 3). `consent_by` is not stored: the ledger holds no names, and who brings the file is on record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from worker.rules.local_time import zone
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONSENTS = {
    "consent_sms_aftercare": ("sms", "aftercare"),
    "consent_sms_reminder": ("sms", "reminders"),
    "consent_email_aftercare": ("email", "aftercare"),
    "consent_email_reminder": ("email", "reminders"),
}
COLUMNS = {
    "external_id": ("id", "client id", "patient id", "guid", "client number", "patient number", "client_id"),
    "given_name": ("first name", "firstname", "first_name", "preferred name", "nombre"),
    "family_name": ("last name", "lastname", "last_name", "surname", "apellidos", "apellido"),
    "mobile": ("phone", "mobile phone", "cell", "mobile number", "phone number", "telefono", "movil"),
    "email": ("email address", "e-mail", "mail", "correo"),
    "language": ("preferred language", "lang", "idioma"),
    "time_zone": ("timezone", "zone", "time zone", "zona horaria"),
    "treatment_code": ("treatment", "protocol", "service", "tratamiento"),
    "treatment_id": ("treated id", "procedure id"),
    "treated_at": ("treatment date", "last visit", "performed at", "fecha de tratamiento"),
    "practitioner_id": ("practitioner", "provider", "staff member", "profesional"),
    "next_session_at": ("next visit", "next appointment", "appointment start", "starts at", "proxima cita"),
    "appointment_id": ("booking id", "appointment number"),
    "appointment_status": ("status", "appointment state", "estado"),
    **dict.fromkeys(CONSENTS, ()),
    "consent_at": ("consent date", "date of consent", "fecha de consentimiento"),
    "consent_by": ("consent taken by",),
    "consent_method": ("how consent was given", "method"),
    "consent_wording_version": ("wording", "consent form", "consent version"),
    "health_data_basis": ("health basis",),
    "date_of_birth": ("dob", "birth date", "birthdate"),
}
"""Each column we read, with the names that other systems give it; letters, spaces and marks don't count."""

NEEDED = ("external_id", "given_name")
YES = frozenset({"yes", "y", "true", "1", "x", "si", "sí", "oui", "ja", "sim"})
NO = frozenset({"", "no", "n", "false", "0", "non", "nein", "nao", "não"})
METHODS = {
    "in person": "verbal", "verbal": "verbal", "paper": "paper", "signed": "paper", "form": "paper", "web": "web",
    "web form": "web", "online": "web", "kiosk": "kiosk", "tablet": "kiosk", "phone": "phone", "email": "email",
}  # fmt: skip
GONE = frozenset(
    {"cancelled", "canceled", "no_show", "noshow", "no show", "did not arrive", "done", "completed", "cancelada"}
)
BOOKED = frozenset({"", "booked", "confirmed", "scheduled", "pending", "arrived", "reservada", "confirmada"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a file leaves out: the clinic's own language and zone, and what whoever imports chose for all rows."""

    clinic: str
    by: str
    language: str
    zone: str
    protocol: str = ""
    method: str = ""
    wording: str = "service@1"
    basis: str = "none"


def proposed(heads: Sequence[str]) -> dict[str, str]:
    """Which head is taken for which column, for a person to look over; each head for one column at most."""
    left = {_plain(head): head for head in heads if head}
    found: dict[str, str] = {}
    for column, aliases in COLUMNS.items():
        for name in (column, *aliases):
            if _plain(name) in left:
                found[column] = left.pop(_plain(name))
                break
    return found


def mapping_faults(mapping: Mapping[str, str], heads: Sequence[str]) -> Iterator[Refusal]:
    """What is wrong with a mapping of columns to heads."""
    for column, head in mapping.items():
        if column not in COLUMNS:
            yield Refusal("map", "names a column that is not known", f"known are {', '.join(COLUMNS)}")
        elif head not in heads:
            yield Refusal(f"map.{column}", "names a head that the file has not", "choose one of the file's first line")
    if len(set(mapping.values())) < len(mapping):
        yield Refusal("map", "takes one column of the file twice", "use each once")
    for column in NEEDED:
        if column not in mapping:
            yield Refusal(f"map.{column}", "is not chosen", "say which column of the file it is")


def as_client(cells: Mapping[str, str], defaults: Defaults) -> dict[str, Any]:
    """The enrolment that a row means, in the shape of `ClientFile`; `cells` by our columns, those mapped only.

    Raises Refusals with every fault of the row, each naming its column.
    """
    said = {column: " ".join(cell.split()) for column, cell in cells.items()}
    faults: list[Refusal] = []
    own = replace(defaults, zone=said.get("time_zone") or defaults.zone)
    made: dict[str, Any] = {
        "clinic": own.clinic,
        "enrolled_by": own.by,
        "external_id": said.get("external_id", ""),
        "name": f"{said.get('given_name', '')} {said.get('family_name', '')}".strip(),
        "language": (said.get("language") or own.language).lower()[:2],
        "zone": own.zone,
        "phone": said.get("mobile", ""),
        "email": said.get("email", ""),
        "health_data_basis": said.get("health_data_basis") or own.basis,
        "consents": _consents(said, own, faults),
    }
    made |= _visits(said, own, faults)
    if faults:
        raise Refusals(faults)
    return made


def _plain(head: str) -> str:
    return re.sub(r"[^a-z0-9]", "", head.casefold())


def _consents(said: Mapping[str, str], own: Defaults, faults: list[Refusal]) -> list[dict[str, Any]]:
    asked = {column: pair for column, pair in CONSENTS.items() if column in said}
    if not asked:
        mend = "add a column such as consent_sms_aftercare, with yes or no"
        faults.append(Refusal("consent", "was asked in no column of this file", mend))
    given = []
    for column, pair in asked.items():
        word = said[column].casefold()
        if word in YES:
            given.append(pair)
        elif word not in NO:
            faults.append(Refusal(column, "is neither yes nor no", "write yes, or no; empty is no"))
    if not given:
        return []
    at = _moment("consent_at", said, own, faults, or_midnight=True)
    if at is None and not faults:
        faults.append(
            Refusal("consent_at", "is missing, and there is a consent", "write the day on which it was given")
        )
    word = said.get("consent_method", "").casefold() or own.method
    method = METHODS.get(word)
    if method is None:
        faults.append(Refusal("consent_method", "is none that we know", f"write one of {', '.join(sorted(METHODS))}"))
    wording = said.get("consent_wording_version") or own.wording
    return [
        {"channel": channel, "purpose": purpose, "affirmed": True, "method": method, "given_at": at, "wording": wording,
         "source": "import"}
        for channel, purpose in given
    ]  # fmt: skip


def _visits(said: Mapping[str, str], own: Defaults, faults: list[Refusal]) -> dict[str, Any]:
    code = said.get("treatment_code") or own.protocol
    treated = _moment("treated_at", said, own, faults)
    starts = _moment("next_session_at", said, own, faults)
    status = said.get("appointment_status", "").casefold()
    if status not in GONE | BOOKED:
        faults.append(Refusal("appointment_status", "is none that we know", "write booked, cancelled or no_show"))
    if (treated or starts) and not code:
        faults.append(Refusal("treatment_code", "is missing", "write it, or choose one protocol for the whole file"))
    found: dict[str, Any] = {}
    external = said.get("external_id", "")
    if treated:
        number = said.get("treatment_id") or f"{external}:{treated[:10]}"
        found["treatment"] = {"protocol": code, "external_id": number, "performed_at": treated}
        found["treatment"] |= {"practitioner": said["practitioner_id"]} if said.get("practitioner_id") else {}
    if starts and status in BOOKED:
        number = said.get("appointment_id") or f"{external}:{starts[:10]}:next"
        found["appointment"] = {"external_id": number, "starts_at": starts, "protocol": "" if treated else code}
    return found


def _moment(
    column: str, said: Mapping[str, str], own: Defaults, faults: list[Refusal], *, or_midnight: bool = False
) -> str | None:
    """The moment of a cell with its offset; without one it is meant on the client's own clock. None where it is empty.

    03/04/2027 is refused: nobody can tell the day from the month.
    """
    cell = said.get(column, "")
    if not cell:
        return None
    try:
        day = date.fromisoformat(cell) if or_midnight and _DATE.fullmatch(cell) else None
        at = datetime.combine(day, time()) if day else _hour(cell)
        return (at if at.tzinfo else at.replace(tzinfo=zone(own.zone, "time_zone"))).isoformat()
    except ValueError:
        example = "2027-03-12" if or_midnight else "2027-03-12 15:00"
        faults.append(Refusal(column, "is no moment that can be read", f"write it as {example}"))
    except Refusal as refusal:
        faults.append(refusal)
    return None


def _hour(cell: str) -> datetime:
    """A day and an hour; a bare day tells no hour to count aftercare from. Raises ValueError."""
    if _DATE.fullmatch(cell):
        raise ValueError
    return datetime.fromisoformat(cell)
