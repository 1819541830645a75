"""Empty what was said once its time is over: texts, replies and raw receipts (rules 42, 66).

Only these stores are touched: a suppression, a consent and its evidence have no age at which this job ends them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from worker import clock
from worker.actions.record.audit import record
from worker.models import Attempt, CheckinAnswer, Inbound, Message, Receipt, StaffWords
from worker.rules.refusal import Refusal, Refusals
from worker.rules.states import OPEN
from worker.rules.words import Word

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Model, QuerySet

DAYS = 90
FEWEST, MOST = 1, 3650  # what came in today is what staff still have to read
BATCH = 500
INSTALLATION = 0  # the clinic id of what concerns all clinics


class Store(NamedTuple):
    """One column that is emptied: which rows, and the column."""

    name: str
    rows: QuerySet[Model]
    column: str


def retain(
    *, bodies_days: int = DAYS, dry_run: bool = False, now: datetime, longest: float | None = None
) -> dict[str, int]:
    """Empty what is older than `bodies_days` before `now`, and what came in about clients since they were erased.

    How many values of each store; with `dry_run` nothing is changed. Works in batches, for at most `longest` seconds;
    what is left is found again the next time. Raises Refusals for a number of days that is no useful one.
    """
    if not FEWEST <= bodies_days <= MOST:
        mend = f"between {FEWEST} and {MOST}; leave it out for {DAYS}"
        raise Refusals([Refusal("bodies-days", "is no useful number of days", mend)])
    stores = _stores(now - timedelta(days=bodies_days))
    if dry_run:
        return {store.name: store.rows.count() for store in stores}
    until = None if longest is None else clock.running() + longest
    counts = {store.name: _emptied(store, until) for store in stores}
    if any(counts.values()):
        facts = {"days": bodies_days, **counts}
        record(clinic_id=INSTALLATION, kind="retained", subject="installation", actor="system", at=now, facts=facts)
    return counts


def _stores(before: datetime) -> list[Store]:
    erased = Q(message__client__erased_at__isnull=False)
    attempts = Attempt.objects.filter(Q(decided_at__lt=before) | erased, body_sealed__isnull=False)
    about_erased = Q(attempt__message__client__erased_at__isnull=False)
    receipts = Receipt.objects.filter(Q(received_at__lt=before) | about_erased, raw_sealed__isnull=False)
    replies = Inbound.objects.filter(received_at__lt=before, body_sealed__isnull=False)
    unsettled = Inbound.objects.filter(received_at__lt=before, word=Word.START, follow_up_sealed__isnull=False)
    answers = Message.objects.filter(created_at__lt=before, address_sealed__isnull=False).exclude(state__in=OPEN)
    words = StaffWords.objects.filter(written_at__lt=before, words_sealed__isnull=False)
    words = words.exclude(message__state__in=OPEN)
    tapped = CheckinAnswer.objects.filter(answered_at__lt=before, answers_sealed__isnull=False)
    return [
        Store("staff.words", words, "words_sealed"),
        Store("checkin.answers", tapped, "answers_sealed"),
        Store("attempt.body", attempts, "body_sealed"),
        Store("receipt.raw", receipts, "raw_sealed"),
        Store("inbound.body", replies, "body_sealed"),
        Store("inbound.follow_up", unsettled, "follow_up_sealed"),
        Store("message.address", answers, "address_sealed"),
    ]


def _emptied(store: Store, until: float | None) -> int:
    """One pass in the order of the primary key, each batch a transaction of its own."""
    count, after = 0, None
    while until is None or clock.running() < until:
        rows = store.rows.order_by("pk") if after is None else store.rows.order_by("pk").filter(pk__gt=after)
        ids = list(rows.values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        after = ids[-1]
        count += store.rows.model._default_manager.filter(pk__in=ids).update(**{store.column: None})  # noqa: SLF001 - Django documents it as public
    return count
