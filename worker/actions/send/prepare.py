"""Everything a batch needs before its decision: facts that don't change, the words, the sealed body, the address.

Done outside any transaction and before the 1 s of P2 starts to run, so that the locks are held for milliseconds.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import DatabaseError

from worker import rendering, sealed
from worker.actions.send import outgoing
from worker.actions.send.claim import STRIDE
from worker.actions.send.clinics import card
from worker.actions.send.prepared import Prepared
from worker.models import ProtocolVersion, StaffWords
from worker.models.rows import among, fetch, moment
from worker.rules.gate import Reason
from worker.rules.hours import load_holidays
from worker.rules.names import Channel, MessageClass, Purpose
from worker.rules.text import segments
from worker.values import link_url, template_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.actions.send.claim import Claim

COLUMNS = {
    "pk": "m.id", "clinic_id": "m.clinic_id", "clinic__revision": "clinic.revision", "client_id": "m.client_id",
    "standing_id": "m.standing_id", "version_id": "m.version_id", "version__protocol_id": "version.protocol_id",
    "step__code": "step.code", "step__ordinal": "step.ordinal", "channel": "m.channel", "purpose": "m.purpose",
    "cls": "m.cls", "kind": "m.kind", "language": "m.language", "zone": "m.zone", "due_at": "m.due_at",
    "expires_at": "m.expires_at", "reason": "m.reason", "attempts": "m.attempts", "wall_time": "m.wall_time",
    "address_sealed": "m.address_sealed", "treatment_id": "m.treatment_id", "generation": "m.generation",
    "appointment_id": "m.appointment_id", "contact__address_sealed": "contact.address_sealed",
    "contact__link_key": "contact.link_key", "contact__holder_sealed": "contact.holder_sealed",
    "care__key": "care.key", "client__name_sealed": "client.name_sealed", "resend": "m.resend",
    "client__other_clocks": "client.other_clocks",
    "appointment__starts_at": "appointment.starts_at", "appointment__edition": "appointment.edition",
    "appointment__changed_at": "appointment.changed_at", "treatment__performed_at": "treatment.performed_at",
    "request": "ready.request",
}  # fmt: skip
MOMENTS = ("due_at", "expires_at", "appointment__starts_at", "appointment__changed_at", "treatment__performed_at")
WORDS = (("channel", Channel), ("purpose", Purpose), ("cls", MessageClass))
LOAD = (
    f"SELECT {', '.join(COLUMNS.values())} FROM aftercare_message m "
    "JOIN aftercare_clinic clinic ON clinic.id = m.clinic_id "
    "JOIN aftercare_protocolversion version ON version.id = m.version_id "
    "JOIN aftercare_step step ON step.id = m.step_id "
    "LEFT JOIN aftercare_client client ON client.id = m.client_id "
    "LEFT JOIN aftercare_contact contact ON contact.id = m.contact_id "
    "LEFT JOIN aftercare_link care ON care.id = m.care_id "
    "LEFT JOIN aftercare_appointment appointment ON appointment.id = m.appointment_id "
    "LEFT JOIN aftercare_treatment treatment ON treatment.id = m.treatment_id "
    "LEFT JOIN aftercare_ready ready ON ready.message_id = m.id "
    "WHERE {these}"
)
log = structlog.get_logger("aftercare.prepare")

SESSION_NAMES = frozenset({"session_date", "session_time"})
TREATMENT_NAMES = frozenset({"earliest_date", "latest_date"})
MOST_CLAIMS = 10  # claims that ended without a decision: the message may be what kills its workers
LONGEST_SMS = 3  # segments; a longer text is a fault, never cut mid-advice (rule 105)


def prepare(claims: Sequence[Claim], *, now: datetime) -> list[Prepared]:
    """Load and write the claimed messages; those whose row is gone are left out. `now` is calendar time."""
    if not claims:
        return []
    leases = dict(claims)
    these, ids = among("m.id", leases)
    rows = [_row(each) for each in fetch(LOAD.format(these=these), ids)]
    return [_written(Prepared(row=row, lease=leases[row["pk"]], attempt_id=uuid.uuid4()), now) for row in rows]


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip(COLUMNS, values, strict=True))
    row.update((name, moment(row[name])) for name in MOMENTS if row[name] is not None)
    row.update((name, words(row[name])) for name, words in WORDS)
    return row


def _written(made: Prepared, now: datetime) -> Prepared:
    """The message with its words, or with the fault that a person has to mend; one never stops the others."""
    if made.lease % STRIDE > MOST_CLAIMS:
        made.fault = Reason.WORKER_DIED
        return made
    try:
        _write(made, now)
    except rendering.CannotRender:
        made.fault = Reason.CANT_RENDER
    except sealed.Unreadable:
        made.fault = Reason.NO_ADDRESS
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - one clinic's odd data must not stop the clinics behind it
        log.error("cannot prepare", message=made.pk, error=type(error).__name__)
        made.fault = Reason.CANT_RENDER
    return made


def _write(made: Prepared, now: datetime) -> None:
    row = made.row
    made.card = card(row["clinic_id"], row["clinic__revision"])
    version = _version(row["version_id"])
    made.document_sha256 = version.sha256
    if made.cls == MessageClass.COURSE:
        made.instead_of = version.source.step(row["step__code"]).rule.instead_of
        made.promised = version.source.frequency
        _know_holidays(made)
    made.to = _address(row)
    made.words = version.write(
        step=row["step__code"], channel=made.channel, language=row["language"], values=_values(made, version)
    )
    _seal_body(made)
    if not made.to:
        made.fault = made.fault or Reason.NO_ADDRESS
    elif made.voice is not None:
        made.out = outgoing.of(made, now)


def _know_holidays(made: Prepared) -> None:
    """Read the holidays before the second of P2 starts to run: the first look costs most of it."""
    load_holidays(made.hours.windows, made.row["due_at"].year)


def _seal_body(made: Prepared) -> None:
    if made.channel == Channel.SMS:
        made.segments = segments(made.words.text).parts
        if made.segments > LONGEST_SMS:
            made.fault = made.fault or Reason.TOO_LONG
    said = sealed.spoken({"subject": made.words.subject, "text": made.words.text})
    made.body_sealed = sealed.seal(said, "attempt.body")
    made.body_sha256 = hashlib.sha256(made.words.text.encode()).hexdigest()


def _address(row: dict[str, Any]) -> str:
    stored = row["contact__address_sealed"] or row["address_sealed"]
    return sealed.unseal(stored, "contact.address") if stored else ""


def _version(pk: int) -> rendering.Version:
    """The version's templates; the document is read once per process, its hash compared at every decision."""
    if pk not in _documents:
        _documents[pk] = ProtocolVersion.objects.values_list("document", flat=True).get(pk=pk)
    return rendering.version(_documents[pk])


_documents: dict[int, str] = {}  # a version's document never changes: the database refuses it


def _values(made: Prepared, version: rendering.Version) -> dict[str, str]:
    """The values that this step mentions; no name is unsealed and no link signed for words that don't need it."""
    row, card_ = made.row, made.card
    assert card_ is not None
    names = version.names(step=row["step__code"], channel=made.channel, language=row["language"])
    name = _reader(made) if "first_name" in names else ""
    return template_values(
        channel=made.channel,
        language=row["language"],
        zone=ZoneInfo(row["zone"]),
        clinic=card_.clinic,
        name=name,
        messages_promised=version.source.frequency,
        interval_days=version.source.interval_days,
        care_url=link_url("c", row["care__key"], row["step__ordinal"]) if "care_url" in names else None,
        unsubscribe_url=link_url("u", row["contact__link_key"]) if "unsubscribe_url" in names else None,
        confirm_url=link_url("y", row["contact__link_key"]) if "confirm_url" in names else None,
        session_at=row["appointment__starts_at"] if names & SESSION_NAMES else None,
        treated_at=row["treatment__performed_at"] if names & TREATMENT_NAMES else None,
    ) | _by_hand(made, names)


def _by_hand(made: Prepared, names: frozenset[str]) -> dict[str, str]:
    """What a person wrote in a thread, and where staff answer it: for the two texts that frame them."""
    said: dict[str, str] = {}
    if "staff_words" in names:
        stored = StaffWords.objects.values_list("words_sealed", flat=True).get(message_id=made.pk)
        said["staff_words"] = sealed.unseal(stored, "staff.words") if stored else ""
    if "inbox_url" in names:
        said["inbox_url"] = f"{settings.PUBLIC_URL}/inbox"
    return said


def _reader(made: Prepared) -> str:
    """Whom the words greet: an answer is for whoever holds the address, the course is about the client (rule 15)."""
    row = made.row
    if made.cls == MessageClass.ANSWER and row["contact__holder_sealed"]:
        return sealed.unseal(row["contact__holder_sealed"], "contact.holder")
    return sealed.unseal(row["client__name_sealed"], "client.name") if row["client__name_sealed"] else ""
