"""START takes back a person's own STOP, once it is certain that it was said after it (rule 30).

Webhooks overtake each other, and one that was held up would undo a STOP that was written after it. So a START that we
hear within ten minutes of a STOP waits for the provider's own list, which is read every minute and has the dates of
both. Until then she stays stopped and staff see it; a START that comes later than that is believed at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from worker import sealed
from worker.actions.consent import standing as standings
from worker.actions.consent.outdated import Order, order_of_start
from worker.actions.consent.restore import restore
from worker.actions.receive.ask_staff import ask_staff
from worker.actions.receive.follow_up import CONTEXT, follow_up
from worker.actions.record.audit import chained_at_the_end, record
from worker.models import Inbound, StaffTask
from worker.rules.names import Channel
from worker.rules.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from worker.models import Standing

TASK = f"{Word.START}_reply"


class Start(NamedTuple):
    """What a START needs besides its row; `answered`: the provider has confirmed it by itself (rule 23)."""

    address: str
    body: str
    answered: bool


def take_start(
    phone: Sequence[Standing], stored: Inbound, said: Start, *, listed: Mapping[str, datetime], now: datetime
) -> None:
    """Believe a START, leave it, or let it wait; the caller holds the locks. `listed`: see `order_of_start`.

    `phone` has all rows of the phone, of which the first speaks for it on the record.
    """
    order = order_of_start(phone, stored, listed)
    if order is Order.OVERTAKEN:
        leave(phone[0], stored, now)
    elif order is Order.UNKNOWN and any(row.suppressed_at is not None for row in phone):
        _wait(phone[0], stored, said, now)
    elif not _restored(phone, stored, said, now):
        ask_staff(TASK, phone[0], stored, now)


def waiting(provider_ids: Iterable[str]) -> list[str]:
    """Which of these texts are a START that waits for the list."""
    found = Inbound.objects.filter(provider_id__in=list(provider_ids), word=Word.START, follow_up_sealed__isnull=False)
    return list(found.order_by("pk").values_list("provider_id", flat=True))


@transaction.atomic
@chained_at_the_end()
def settle_start(*, provider_id: str, listed: Mapping[str, datetime], now: datetime) -> Order:
    """Look again at a START that waits, with the provider's own dates; LAST once it has taken the STOP back."""
    text = Inbound.objects.get(provider_id=provider_id, word=Word.START)
    if text.follow_up_sealed is None:
        return Order.UNKNOWN
    said = Start(**sealed.unseal_json(text.follow_up_sealed, CONTEXT))
    # By the address and not by its row, for it may be nobody's client's: then nothing else tells of another row.
    phone = standings.all_locked(clinic_id=text.clinic_id, channel=Channel.SMS, address=said.address, now=now)
    row = phone[0]
    follow_up(phone, now=now)
    text.refresh_from_db()
    order = order_of_start(phone, text, listed)
    if text.follow_up_sealed is None or order is Order.UNKNOWN:
        return Order.UNKNOWN
    text.follow_up_sealed = None
    text.save(update_fields=["follow_up_sealed"])
    if order is Order.OVERTAKEN:
        leave(row, text, now)
    if order is Order.OVERTAKEN or _restored(phone, text, said, now):
        asked = StaffTask.objects.filter(clinic_id=row.clinic_id, cause=f"inbound:{text.pk}", kind=TASK)
        asked.filter(done_at__isnull=True).update(done_at=now, done_by="system")
    return order


def leave(row: Standing, stored: Inbound, now: datetime) -> None:
    """What its sender has taken back since, heard of too late: on record, and without effect."""
    facts = {"inbound": stored.pk, "said_at": stored.received_at.isoformat()}
    record(
        clinic_id=row.clinic_id, kind="reply_outdated", subject=f"standing:{row.pk}", actor="system", at=now,
        code=stored.word, facts=facts, sealed=True,
    )  # fmt: skip
    if stored.follow_up_sealed is not None:
        stored.follow_up_sealed = None
        stored.save(update_fields=["follow_up_sealed"])


def _restored(phone: Sequence[Standing], stored: Inbound, said: Start, now: datetime) -> bool:
    return restore(phone, stored=stored, address=said.address, body=said.body, answered=said.answered, now=now)


def _wait(row: Standing, stored: Inbound, said: Start, now: datetime) -> None:
    stored.follow_up_sealed = sealed.seal_json(said._asdict(), CONTEXT)
    stored.save(update_fields=["follow_up_sealed"])
    ask_staff(TASK, row, stored, now)
    record(
        clinic_id=row.clinic_id, kind="start_waits", subject=f"standing:{row.pk}", actor="system", at=now,
        code=stored.word, facts={"inbound": stored.pk},
    )  # fmt: skip
