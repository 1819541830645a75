"""A client wrote or tapped something that a person should see: a conversation, and for a warning sign its clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from worker.actions.converse.call_staff import call_staff
from worker.models import Contact, Conversation, StaffContact
from worker.models.store import store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.models import Clinic, Standing


def heard(
    clinic_id: int, *, client_id: int | None, row: Standing | None, holds: bool, now: datetime
) -> Conversation | None:
    """The open conversation with her, begun when there is none; the caller holds the lock of `row`.

    With `holds` automated course texts wait from now on. None for one of the staff who answers an alert: that is no
    client's reply.
    """
    if client_id is None and row is not None and is_staff(row):
        return None
    fresh = Conversation(
        clinic_id=clinic_id, client_id=client_id, standing=row, opened_at=now, heard_at=now, holds=holds
    )
    while not store([fresh], unless_there="client_id"):
        known = _open(clinic_id, client_id, row)
        if known is not None:  # else it was closed between our two looks: begin one after all
            known.heard_at, known.holds = now, known.holds or holds
            known.standing = row or known.standing
            known.save(update_fields=["heard_at", "holds", "standing"])
            return known
    return fresh


def red_flag(conversation: Conversation, *, clinic: Clinic, cause: str, now: datetime) -> None:
    """Start the response clock and call the practitioner at once (rule 41).

    While a clock runs it is not started anew, and nobody is called again for the third text of one evening; after an
    answer it is. `cause` is what raised it, such as "inbound:12".
    """
    if conversation.red_at is not None and conversation.answered_at is None:
        return
    within = timedelta(minutes=clinic.red_flag_minutes)
    conversation.red_at, conversation.answer_by = now, now + within
    conversation.remind_at, conversation.reminded = now + within, 0
    conversation.answered_at = conversation.answered_by = None
    conversation.save()
    call_staff(conversation, cause=cause, everyone=False, now=now)


def is_staff(row: Standing) -> bool:
    """True for an address where somebody of the staff is called and that is no client's: what she writes is an answer.

    It holds nothing: "ok I will call her now" would silence every later alert to her (rule 41). STOP ends it as ever.
    """
    on_call = StaffContact.objects.filter(standing=row, ended_at__isnull=True).exists()
    return on_call and not Contact.objects.filter(standing=row, valid_to__isnull=True).exists()


def spoken_first(rows: Sequence[Standing]) -> list[Standing]:
    """All rows of an address (`consent.twins`), and before the others the one whose words it speaks.

    A client's before that of staff on call, for her doubt holds and theirs does not (P2, rules 17, 41), and both before
    one of nobody: there the words would be kept where no page shows them.
    """
    if len(rows) < 2:  # noqa: PLR2004 - alone: nothing is looked up
        return list(rows)
    clients = Contact.objects.filter(standing__in=rows, valid_to__isnull=True).values_list("standing_id", flat=True)
    staff = StaffContact.objects.filter(standing__in=rows, ended_at__isnull=True).values_list("standing_id", flat=True)
    hers, theirs = set(clients), set(staff)
    return sorted(rows, key=lambda row: (row.pk not in hers, row.pk not in theirs))


def _open(clinic_id: int, client_id: int | None, row: Standing | None) -> Conversation | None:
    whose = {"client_id": client_id} if client_id is not None else {"client_id": None, "standing": row}
    found = Conversation.objects.filter(clinic_id=clinic_id, closed_at__isnull=True, **whose)
    return found.select_for_update(no_key=True).first()
