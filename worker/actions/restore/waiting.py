"""Ask the provider for the numbers of what no list by dates has shown: it may wait in the provider's queue (P4)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from worker.actions.restore import candidates, outbound
from worker.actions.restore.compared import BATCH, Tally, compare, number_in
from worker.actions.restore.doubted import number_of
from worker.models import Contact, Message
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from worker.actions.restore.candidates import Lost
    from worker.actions.restore.outbound import Account, Tell


def ask(accounts: Sequence[Account], lost: Lost, tally: Tally, *, now: datetime, tell: Tell) -> None:
    """Each number once; those of what the list by dates has shown are no candidates any more. Raises RecordsError."""
    ids = _candidates(lost)
    asked: set[tuple[str, str]] = set()
    for start in range(0, len(ids), BATCH):
        numbers = _numbers(ids[start : start + BATCH])
        for account in accounts:
            theirs = {number for clinic_id in {*account.clinics.values()} for number in numbers.get(clinic_id, ())}
            fresh = {number for number in theirs if (account.sid, number) not in asked}
            asked.update((account.sid, number) for number in fresh)
            _act(account, fresh, lost, tally, now)
        tell(f"asked for the numbers of {min(start + BATCH, len(ids))} messages out of {len(ids)} that no list showed")


def _act(account: Account, numbers: Iterable[str], lost: Lost, tally: Tally, now: datetime) -> None:
    """What has a date of sending was counted already, as known or as a stranger's."""
    texts = outbound.made_for(account, numbers, since=lost.since)
    found = Tally()
    compare(texts, account, lost, found, now=now)
    tally.listed += sum(text.waits for text in texts)
    tally.gone, tally.withheld = tally.gone + found.gone, tally.withheld + found.withheld


def _candidates(lost: Lost) -> list[int]:
    found: set[int] = set(candidates.in_doubt(lost).values_list("message_id", flat=True))
    for these in (candidates.open_messages(Channel.SMS, lost), candidates.ended(lost)):
        found.update(these.values_list("pk", flat=True))
    return sorted(found)


def _numbers(ids: Iterable[int]) -> dict[int, set[str]]:
    """The numbers of these messages by clinic, and their clients' numbers of today: what is sent again goes there."""
    found: dict[int, set[str]] = defaultdict(set)
    messages = list(Message.objects.filter(pk__in=ids).select_related("contact"))
    for message in messages:
        found[message.clinic_id].add(number_of(message))
    today = Contact.objects.filter(
        client__in={each.client_id for each in messages if each.client_id}, channel=Channel.SMS, valid_to__isnull=True
    )
    for contact in today:
        found[contact.clinic_id].add(number_in(contact))
    return {clinic_id: numbers - {""} for clinic_id, numbers in found.items()}
