"""Empty at the provider what is older than so many days, where the clinic asked for it (rule 57); off by default."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from worker.actions.privacy.copies import ask_for
from worker.actions.privacy.provider import accounts_of
from worker.actions.send.due import LONG_AGO
from worker.models import Attempt, Inbound, Watermark
from worker.models.provider_copy import CopyAct
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

BATCH = 2000


def ask_to_redact(*, days: int, now: datetime) -> int:
    """Queue the next texts, out and in, that are older than `days`, oldest first; how many. 0 days: none, ever."""
    if not days:
        return 0
    before = now - timedelta(days=days)
    sent = Attempt.objects.filter(channel=Channel.SMS)
    came = Inbound.objects.filter(channel=Channel.SMS)
    return sum(
        _ask(name, rows.filter(**{f"{moment}__lt": before}).exclude(provider_id=""), moment, now)
        for name, rows, moment in (("redact:out", sent, "decided_at"), ("redact:in", came, "received_at"))
    )


def _ask(name: str, rows: Any, moment: str, now: datetime) -> int:
    mark, _ = Watermark.objects.get_or_create(name=name, defaults={"read_to": LONG_AGO})
    following = rows.filter(**{f"{moment}__gte": mark.read_to}).order_by(moment)
    page = list(following.values_list("clinic_id", "provider_id", moment)[:BATCH])
    for clinic_id in {each[0] for each in page}:
        ids = [each[1] for each in page if each[0] == clinic_id]
        ask_for(CopyAct.REDACT, _named(clinic_id, ids), clinic_id=clinic_id, client_id=None, now=now)
    if page:
        Watermark.objects.filter(pk=mark.pk).update(read_to=page[-1][2], tried_at=now)
    return len(page)


def _named(clinic_id: int, ids: Iterable[str]) -> list[tuple[str, str]]:
    accounts = accounts_of(clinic_id)
    return [(account_sid, pk) for pk in ids for account_sid in accounts]
