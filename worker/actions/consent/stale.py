"""A consent that is too old, or whose number may be somebody else's by now, is asked for again (rule 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef

from worker.actions.consent import ledger
from worker.actions.consent import standing as standings
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Appointment, Client, Clinic, Grant, Inbound, Message, Treatment
from worker.rules.consent import Act, GrantState, months_before
from worker.rules.names import Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Standing

BATCH = 500  # addresses a round; the next day takes the rest


def find_stale(*, now: datetime) -> int:
    """Ask again for every consent without any contact for the clinic's months; how many addresses. Twice is as once."""
    found = 0
    for clinic in Clinic.objects.order_by("pk"):
        since = months_before(now, clinic.stale_after_months)
        for standing_id in _silent(clinic, since).values_list("standing_id", flat=True).distinct()[:BATCH]:
            found += _reconfirm(standing_id, clinic, since, now)
    return found


def _silent(clinic: Clinic, since: datetime) -> QuerySet[Grant]:
    """Active consents with no act, message, reply, session or visit from `since` on."""
    client, address = OuterRef("client_id"), OuterRef("standing_id")
    contacts = (
        Message.objects.filter(client_id=client, standing_id=address, sent_at__gte=since),
        Inbound.objects.filter(standing_id=address, received_at__gte=since),
        Treatment.objects.filter(client_id=client, performed_at__gte=since),
        Appointment.objects.filter(client_id=client, starts_at__gte=since),
    )
    silent = Grant.objects.filter(standing__clinic=clinic, state=GrantState.ACTIVE, changed_at__lt=since)
    for each in contacts:
        silent = silent.filter(~Exists(each))
    return silent.order_by("standing_id")


@transaction.atomic
def _reconfirm(standing_id: int, clinic: Clinic, since: datetime, now: datetime) -> bool:
    row = standings.lock([standing_id])[0]
    grants = list(_silent(clinic, since).filter(standing=row))
    return needs_reconfirmation(row, grants, method="stale", by="system", source="", now=now)


def needs_reconfirmation(
    row: Standing, grants: list[Grant], *, method: str, by: str, source: str, now: datetime
) -> bool:
    """Let these active consents wait until they are given again, and tell staff; the caller holds the row's lock.

    False, and no effect, when there is none. `method` says why: "stale", or "provider" for a number that its carrier
    no longer knows.
    """
    if not grants:
        return False
    zones = dict(Client.objects.filter(pk__in={each.client_id for each in grants}).values_list("pk", "zone"))
    acts = [
        ledger.ConsentAct(
            client_id=each.client_id, purpose=Purpose(each.purpose), act=Act.STALE, method=method, happened_at=now,
            zone=zones[each.client_id], recorded_by=by, source=source,
        )
        for each in grants
    ]  # fmt: skip
    ledger.write(row, acts, now=now)
    row.changed_at = now
    row.save(update_fields=["changed_at"])
    for client_id in sorted(zones):
        open_task(
            clinic_id=row.clinic_id, client_id=client_id, kind="reconfirm",
            cause=f"reconfirm:{row.pk}:{client_id}:{now.date()}", facts={"channel": row.channel, "why": method},
            now=now,
        )  # fmt: skip
    record(
        clinic_id=row.clinic_id, kind="needs_reconfirmation", subject=f"standing:{row.pk}", actor=by, at=now,
        code=method, facts={"clients": sorted(zones)}, sealed=True,
    )  # fmt: skip
    return True


def reconfirm_all(row: Standing, *, source: str, now: datetime) -> bool:
    """The same for everything active at an address whose carrier says that nobody is there (30005)."""
    grants = list(Grant.objects.filter(standing=row, state=GrantState.ACTIVE).order_by("pk"))
    return needs_reconfirmation(row, grants, method="provider", by="provider", source=source, now=now)
