"""Erase a client: her data goes, the stop and the proof stay, and the chain still holds (rules 2, 62, 63; GDPR 17)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.db.models import F, Q

from worker.actions.clients import find
from worker.actions.consent import ledger
from worker.actions.consent import standing as standings
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.share_stop import share_stop
from worker.actions.consent.twins import twins_of
from worker.actions.course.cancel import cancel
from worker.actions.privacy.hand_on import hand_on
from worker.actions.privacy.manifest import Manifest, kept
from worker.actions.privacy.provider import ask
from worker.actions.privacy.stores import Hers, hers
from worker.actions.receive.follow_up import follow_up
from worker.actions.record.audit import record
from worker.actions.restore import spool
from worker.models import (
    Appointment,
    Attempt,
    Client,
    ClientSearch,
    Contact,
    Conversation,
    Grant,
    Link,
    StaffTask,
    Treatment,
)
from worker.models.appointment import AppointmentStatus
from worker.models.attempt import AttemptState
from worker.models.consent import Act
from worker.models.standing import GrantState
from worker.models.suppression import SuppressionReason
from worker.rules.names import Channel, Purpose
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import Model, QuerySet

    from worker.models import Standing

REASON = "erased"
CLOSED = (GrantState.REVOKED, GrantState.EXPIRED)


class By(NamedTuple):
    """Who erases, as the record names it, and when."""

    actor: str
    now: datetime


@transaction.atomic
def erase(*, client_id: int, by: str, now: datetime) -> Manifest:
    """Erase one client for good; `by` is the email of one of her clinic's staff. Raises Refusals; then nothing changed.

    Her addresses' standing rows are locked first, so no decision about her is under way. A client who was erased
    before is not erased again; what came in about her since then is wiped, and the manifest says when it was.
    """
    client = known(client_id)
    staff = find.staff(by, clinic_id=client.clinic_id, roles=find.DESK, field="by")
    rows = _locked(client)
    follow_up(rows, now=now)
    _share_stops(client, rows, now)
    client.refresh_from_db()
    by_whom = By(f"staff:{staff.pk}", now)
    before, of = client.erased_at, hers(client)
    wiped = _wiped(of)
    heir = None if before else hand_on(client, rows, now=now)
    ended = {} if before else _ended(client, rows, by_whom)
    if not before:
        wiped |= _forgotten(client, now)
        _spool(client, rows, by_whom)
    if any(wiped.values()):
        record(
            clinic_id=client.clinic_id, kind=REASON, subject=f"client:{client.pk}", actor=by_whom.actor, at=now,
            facts={"wiped": wiped, "ended": ended, "again": before is not None, **({"heir": heir} if heir else {})},
            sealed=True,
        )  # fmt: skip
    return Manifest(
        client=client.pk, clinic=client.clinic.slug, erased_at=client.erased_at or now, again=before is not None,
        wiped=wiped, ended=ended, kept=kept(client.pk, [row.pk for row in rows]), shared_with=of.others,
        in_flight=Attempt.objects.filter(message__client=client, state=AttemptState.SENDING).count(),
        at_the_provider=ask(client, of, now=now),
    )  # fmt: skip


def known(client_id: int) -> Client:
    """The client of that id. Raises Refusals."""
    found = Client.objects.select_related("clinic").filter(pk=client_id).first()
    if found is None:
        raise Refusals([Refusal("client", "is not known here", "see `aftercare messages --json` for ids")])
    return found


def _locked(client: Client) -> list[Standing]:
    """Every address she ever had, in lock order, then the client: nothing new can be written about her from here on."""
    contacts = Contact.objects.filter(client=client).values_list("standing_id", flat=True)
    ids = set(contacts)
    rows = standings.lock_addresses(ids)
    Client.objects.select_for_update().get(pk=client.pk)
    late = set(contacts.all()) - ids  # an address that was added while we waited
    return rows + [row for row in standings.lock_addresses(late) if row not in rows]


def _share_stops(client: Client, rows: Iterable[Standing], now: datetime) -> None:
    """While her addresses can be read: without them a stop that one row heard would hide from the other for ever."""
    locked = {row.pk: row for row in rows}
    for pk in set(Contact.objects.filter(client=client).values_list("standing_id", flat=True)):
        if twins := twins_of([pk]):
            share_stop([locked[each] for each in (pk, *twins) if each in locked], now=now)


def _wiped(of: Hers) -> dict[str, int]:
    """Empty what she said and what was said to her; how many values in each store."""
    return {
        "evidence": _emptied(of.evidence, "sealed", "salt"),
        "attempt.body": _emptied(of.attempts, "body_sealed"),
        "receipt.raw": _emptied(of.receipts, "raw_sealed"),
        "inbound.body": _emptied(of.replies, "body_sealed", "follow_up_sealed"),
        "staff.words": _emptied(of.staff_words, "words_sealed"),
        "checkin.answers": _emptied(of.checkins, "answers_sealed"),
        "import.row": _emptied(of.import_rows, "digest", "key", "cells_sealed"),
        "message.address": _emptied(of.messages, "address_sealed"),
    }


def _emptied(rows: QuerySet[Model], column: str, *more: str) -> int:
    return rows.filter(**{f"{column}__isnull": False}).update(**dict.fromkeys((column, *more)))


def _ended(client: Client, rows: Iterable[Standing], by: By) -> dict[str, int]:
    """End her consents, messages, links, visits and tasks; how many of each."""
    grants = sum(_close(row, client, by) for row in rows)
    tasks = StaffTask.objects.filter(client=client, done_at__isnull=True)
    visits = Appointment.objects.filter(client=client, status=AppointmentStatus.BOOKED)
    return {
        "grants": grants,
        "messages": cancel(which=Q(client=client), reason=REASON, actor=by.actor, now=by.now),
        "links": Link.objects.filter(client=client, ended_at__isnull=True).update(ended_at=by.now),
        "visits": visits.update(status=AppointmentStatus.CANCELLED, edition=F("edition") + 1, changed_at=by.now),
        "tasks": tasks.update(done_at=by.now, done_by=by.actor),
        "conversations": Conversation.objects.filter(client=client, closed_at__isnull=True).update(
            closed_at=by.now, closed_by=by.actor, remind_at=None
        ),
    }


def _close(row: Standing, client: Client, by: By) -> int:
    """Close what she agreed to at one address, on the record; the evidence of this act is the act itself."""
    grants = Grant.objects.filter(standing=row, client=client).exclude(state__in=CLOSED).order_by("pk")
    acts = [
        ledger.ConsentAct(
            client_id=client.pk, purpose=Purpose(grant.purpose), act=Act.CLOSED, method=spool.ERASURE,
            happened_at=by.now, zone=client.zone, recorded_by=by.actor,
        )
        for grant in grants
    ]  # fmt: skip
    if acts:
        ledger.write(row, acts, now=by.now)
    return len(acts)


def _spool(client: Client, rows: Iterable[Standing], by: By) -> None:
    """Beside the heads as well: a backup would bring her back, with what she had agreed to (P2)."""
    said = Revocation(reason=SuppressionReason.DESK, method=spool.ERASURE, by=by.actor, received_at=by.now)
    for row in rows:
        spool.keep(row.pk, Channel(row.channel), said, client_id=client.pk, purposes=tuple(Purpose))


def _forgotten(client: Client, now: datetime) -> dict[str, int]:
    """Empty who she was. Her numbers in the clinic's own systems go as well, for they lead straight back to her."""
    contacts = Contact.objects.filter(client=client)
    wiped = {
        "client": Client.objects.filter(pk=client.pk).update(
            name_sealed=None, intake_hash="", external_id=_nobody(), erased_at=now
        ),
        "contact": contacts.update(address_sealed=None, raw_sealed=None, holder_sealed=None, relationship=REASON),
        "search": ClientSearch.objects.filter(client=client).delete()[0],
        "treatment.external_id": _renamed(Treatment.objects.filter(client=client)),
        "appointment.external_id": _renamed(Appointment.objects.filter(client=client)),
    }
    contacts.filter(valid_to__isnull=True).update(valid_to=now)
    client.refresh_from_db()
    return wiped


def _renamed(rows: QuerySet[Treatment] | QuerySet[Appointment]) -> int:
    return sum(rows.filter(pk=pk).update(external_id=_nobody()) for pk in rows.values_list("pk", flat=True))


def _nobody() -> str:
    """Random, so that no enrolment could have taken it before."""
    return f"erased-{uuid.uuid4().hex}"
