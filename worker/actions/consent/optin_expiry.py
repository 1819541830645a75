"""A question that nobody answered in time: the consent expires, and a person is told (rule 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from worker.actions.consent import ledger
from worker.actions.consent import standing as standings
from worker.actions.course.cancel import cancel
from worker.actions.record.audit import record
from worker.actions.record.task import open_task
from worker.models import Client, Clinic, Grant
from worker.rules.consent import Act, GrantState, asked_until
from worker.rules.gate import Reason
from worker.rules.names import AnswerKind, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from worker.models import Standing

BATCH = 500  # people a round; the next round takes the rest


def expire_unanswered(*, now: datetime) -> int:
    """End every consent whose question went unanswered for the clinic's hours; how many people. Twice is as once."""
    hours = dict(Clinic.objects.values_list("pk", "optin_hours"))
    waiting = Grant.objects.filter(state=GrantState.PENDING).order_by("changed_at")
    rows = waiting.values_list("standing_id", "client_id", "standing__clinic_id", "changed_at")[: BATCH * len(Purpose)]
    over = {row[:2]: hours[row[2]] for row in rows if asked_until(row[3], hours[row[2]]) <= now}
    return sum(_expire(*key, hours=allowed, now=now) for key, allowed in over.items())


@transaction.atomic
def _expire(standing_id: int, client_id: int, *, hours: int, now: datetime) -> bool:
    """Look again under the lock: she may have said yes meanwhile."""
    row = standings.lock([standing_id])[0]
    pending = Grant.objects.filter(standing=row, client=client_id, state=GrantState.PENDING).order_by("pk")
    purposes = [Purpose(each.purpose) for each in pending if asked_until(each.changed_at, hours) <= now]
    if not purposes:
        return False
    client = Client.objects.get(pk=client_id)
    acts = [
        ledger.ConsentAct(
            client_id=client_id, purpose=purpose, act=Act.EXPIRED, method="unanswered", happened_at=now,
            zone=client.zone, recorded_by="system",
        )
        for purpose in purposes
    ]  # fmt: skip
    ledger.write(row, acts, now=now)
    row.changed_at = now
    row.save(update_fields=["changed_at"])
    _tell(row, client, purposes, now)
    return True


def _tell(row: Standing, client: Client, purposes: list[Purpose], now: datetime) -> None:
    """Cancel what hung on it, and put before staff what she now will not get."""
    hers = Q(standing=row, client=client)
    hanging = hers & (Q(purpose__in=purposes, kind="") | Q(kind=AnswerKind.OPTIN_QUESTION))
    ended = cancel(which=hanging, reason=Reason.EXPIRED_CONSENT, actor="system", now=now)
    facts = {"channel": row.channel, "purposes": purposes, "messages": ended}
    open_task(
        clinic_id=row.clinic_id, client_id=client.pk, kind="optin_expired",
        cause=f"optin_expired:{row.pk}:{client.pk}:{now.isoformat()}", facts=facts, now=now,
    )  # fmt: skip
    record(
        clinic_id=row.clinic_id, kind="optin_expired", subject=f"client:{client.pk}", actor="system", at=now,
        facts=facts, sealed=True,
    )  # fmt: skip
