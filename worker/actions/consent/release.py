"""End a hold once a person has looked; what it held passes every gate anew and is never a burst (rules 17, 50, 51)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

from worker.actions.clients import find
from worker.actions.consent import standing as standings
from worker.actions.consent.twins import rows_of
from worker.actions.converse.let_go import UNCLEAR, let_go_unclear
from worker.actions.record.audit import record
from worker.models import Client, Contact, Hold, Message, StaffTask, Standing
from worker.rules.address import normalise_email
from worker.rules.gate import Reason
from worker.rules.names import Channel
from worker.rules.phone import parse_phone
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from worker.models import Clinic
    from worker.rules.release import ReleaseReason

NOT_KNOWN = "see `aftercare tasks` and `aftercare messages --state held`"


@dataclass(frozen=True, slots=True)
class Released:
    """How many addresses are free again, how many messages wait for their turn, and whether a stop still stands."""

    addresses: int
    messages: int
    stopped: int


@transaction.atomic
def release_address(*, clinic: Clinic, address: str, by: str, reason: ReleaseReason, now: datetime) -> Released:
    """End the holds of one phone or mailbox of a clinic. Raises Refusals; then nothing changed."""
    staff = find.staff(by, clinic_id=clinic.pk, roles=find.DESK, field="by")
    return _released(standings.lock(_rows_of(clinic, address)), actor=f"staff:{staff.pk}", reason=reason, now=now)


@transaction.atomic
def release_client(*, client_id: int, by: str, reason: ReleaseReason, now: datetime) -> Released:
    """End the holds of every address of a client. Raises Refusals; then nothing changed."""
    client = Client.objects.filter(pk=client_id).first()
    if client is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    staff = find.staff(by, clinic_id=client.clinic_id, roles=find.DESK, field="by")
    ids = Contact.objects.filter(client=client, valid_to__isnull=True).values_list("standing_id", flat=True)
    return _released(standings.lock_addresses(ids), actor=f"staff:{staff.pk}", reason=reason, now=now)


def _rows_of(clinic: Clinic, written: str) -> list[int]:
    try:
        channel, address = _read(clinic, written)
    except Refusal as refusal:
        raise Refusals([refusal]) from None
    return rows_of(clinic.pk, channel, address)


def _read(clinic: Clinic, written: str) -> tuple[Channel, str]:
    if "@" in written:
        return Channel.EMAIL, normalise_email(written, field="address")[1]
    phone = parse_phone(written, clinic.country, allow_fiction=settings.ALLOW_FICTION_NUMBERS, field="address")
    return Channel.SMS, phone.e164


def _released(locked: Iterable[Standing], *, actor: str, reason: ReleaseReason, now: datetime) -> Released:
    rows = [row for row in locked if row.held_at is not None]
    if not rows:
        raise Refusals([Refusal("address", "is not on hold here", NOT_KNOWN)])
    if read := [row for row in rows if row.held_why == UNCLEAR]:
        let_go_unclear(read, actor=actor, now=now)
    waiting = sum(release_row(row, actor=actor, reason=reason, now=now) for row in rows)
    return Released(len(rows), waiting, sum(row.suppressed_at is not None for row in rows))


def release_row(row: Standing, *, actor: str, reason: ReleaseReason, now: datetime, only: str = "") -> int:
    """End the holds of a row whose lock the caller has; how many messages wait for their turn again.

    With `only`, a hold's why, those alone: who read a reply has not looked into what the provider reported. While
    another hold lives the row stays held for it, and nothing goes.
    """
    why = row.held_why
    living = Hold.objects.filter(standing=row, released_at__isnull=True)
    left = living.exclude(why=only).order_by("since", "pk").first() if only else None
    row.held_at, row.held_why = (left.since, left.why) if left else (None, None)
    row.changed_at = now
    row.save(update_fields=["held_at", "held_why", "changed_at"])
    holds = living.filter(why=only) if only else living
    causes = list(holds.exclude(source="").values_list("source", flat=True))
    holds.update(released_at=now, released_by=actor)
    # Whoever releases has answered what the hold asked; an urgent task has a cause of its own and stays.
    StaffTask.objects.filter(clinic_id=row.clinic_id, cause__in=causes, done_at__isnull=True).update(
        done_at=now, done_by=actor
    )
    count = 0 if left else _planned_again(row)
    record(
        clinic_id=row.clinic_id, kind="released", subject=f"standing:{row.pk}", actor=actor, at=now, code=reason,
        facts={"held_why": only or why, "messages": count}, sealed=True,
    )  # fmt: skip
    if left:  # the record's last word on this address is that it is held (`reading.silences`)
        record(
            clinic_id=row.clinic_id, kind="held", subject=f"standing:{row.pk}", actor=actor, at=now, code=left.why
        )  # fmt: skip
    return count


def _planned_again(row: Standing) -> int:
    held = Message.objects.filter(standing=row, state=State.HELD, reason=Reason.ON_HOLD)
    return held.update(state=State.PLANNED, reason="")
