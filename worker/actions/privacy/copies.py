"""Empty or delete what a provider holds: asked for in the database, done by a worker, tried again, seen (rules 57, 63).

Erasing needs the database alone and never waits for a provider; what it asks for stays pending until it is done.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from worker import clock, sealed
from worker.actions.record.task import open_task
from worker.channels import turns
from worker.channels.records import Records, RecordsError
from worker.models import ProviderCopy, Sender
from worker.models.provider_copy import CopyAct, CopyState
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

log = structlog.get_logger("aftercare.copies")
BATCH = 100
LONGEST = 5.0  # seconds after which no other call is begun: a provider that hangs must not keep a worker busy
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MOST_TRIES = 20  # with these waits, about three days: a month is what the law gives (GDPR 12(3))
AT_WORK = timedelta(minutes=5)


def ask_for(
    act: CopyAct, ids: Iterable[tuple[str, str]], *, clinic_id: int, client_id: int | None, now: datetime
) -> None:
    """Queue one call for each (account, provider's id) in the caller's transaction; what was given up begins anew."""
    wanted = [
        ProviderCopy(
            clinic_id=clinic_id, client_id=client_id, account_sid=account_sid, provider_id=pk, act=act, next_at=now,
            asked_at=now,
        )
        for account_sid, pk in ids
    ]  # fmt: skip
    ProviderCopy.objects.bulk_create(wanted, ignore_conflicts=True)
    given_up = ProviderCopy.objects.filter(provider_id__in=[each.provider_id for each in wanted], act=act)
    given_up.filter(state=CopyState.FAILED).update(state=CopyState.PENDING, tries=0, next_at=now)


def clear_copies(*, now: datetime, longest: float = LONGEST) -> dict[str, int]:
    """Make the calls that are due, for at most `longest` seconds; how many are done, wait, or were given up.

    Two workers at once make a call twice at worst: what is gone is gone.
    """
    told = {"done": 0, "waiting": 0, "failed": 0}
    deadline = clock.running() + longest
    due = ProviderCopy.objects.filter(state=CopyState.PENDING, next_at__lte=now).order_by("next_at", "pk")
    by_account: dict[tuple[int, str], list[ProviderCopy]] = {}
    for each in due[:BATCH]:
        by_account.setdefault((each.clinic_id, each.account_sid), []).append(each)
    for (clinic_id, account_sid), copies in by_account.items():
        with Records(account_sid, _token(clinic_id, account_sid)) as records:
            for each in copies:
                if clock.running() < deadline and _claim(each, now):
                    told[_cleared(each, records, now)] += 1
    if any(told.values()):
        log.info("provider copies", **told)
    return told


def _token(clinic_id: int, account_sid: str) -> str:
    """An account's newest token; the installation's own where no sender of the clinic names it any more."""
    for sender in Sender.objects.filter(clinic_id=clinic_id, channel=Channel.SMS).order_by("-is_active", "-pk"):
        try:
            sid, token = sender.account()
        except sealed.Unreadable:
            continue  # refused by the provider as unauthorised, and tried again
        if sid == account_sid:
            return token
    return str(settings.TWILIO_AUTH_TOKEN)


def _claim(each: ProviderCopy, now: datetime) -> bool:
    same = ProviderCopy.objects.filter(pk=each.pk, state=CopyState.PENDING, next_at=each.next_at)
    return bool(same.update(next_at=now + AT_WORK))


def _cleared(each: ProviderCopy, records: Records, now: datetime) -> str:
    call = records.delete if each.act == CopyAct.DELETE else records.redact
    try:
        turns.run(call(each.provider_id))
    except RecordsError as error:
        return _not_yet(each, error.code, now)
    ProviderCopy.objects.filter(pk=each.pk).update(state=CopyState.DONE, done_at=now, code="", tries=each.tries + 1)
    return "done"


@transaction.atomic
def _not_yet(each: ProviderCopy, code: str, now: datetime) -> str:
    """Later, twice as long each time: a message under way is deleted only after its final status."""
    tries = each.tries + 1
    given_up = tries >= MOST_TRIES
    wait = min(FIRST_WAIT * float(2 ** min(tries - 1, 10)), LONGEST_WAIT)
    ProviderCopy.objects.filter(pk=each.pk).update(
        state=CopyState.FAILED if given_up else CopyState.PENDING, tries=tries, next_at=now + wait, code=code[:40]
    )
    if given_up:
        open_task(
            clinic_id=each.clinic_id, client_id=each.client_id, kind="copy_not_deleted", cause=f"copy:{each.pk}",
            facts={"copy": each.pk, "code": code}, now=now,
        )  # fmt: skip
    return "failed" if given_up else "waiting"


def states(ids: Iterable[str], act: CopyAct = CopyAct.DELETE) -> dict[tuple[str, str], str]:
    """What became of the copies of these ids, by account and id."""
    found = ProviderCopy.objects.filter(Q(provider_id__in=list(ids)), act=act)
    return {(each.account_sid, each.provider_id): each.state for each in found}
