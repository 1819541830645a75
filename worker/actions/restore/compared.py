"""Compare texts of the provider's list with the messages here: what has gone, and what may have (P4).

A text with the words of a call in doubt, of a planned message or of one that had ended badly is that one. One to a
number that got other words of ours is withheld, for nobody can tell. Texts that are known here already make nothing
doubtful.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from worker import sealed
from worker.actions.restore import candidates, doubted, settled
from worker.actions.restore.pile import Pile
from worker.actions.send.claim import Claim
from worker.actions.send.prepare import prepare
from worker.models import Attempt, Contact, Standing
from worker.models.attempt import AttemptState
from worker.rules.names import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from worker.actions.restore.candidates import Lost
    from worker.actions.restore.outbound import Account
    from worker.actions.send.prepared import Prepared
    from worker.channels.records import Left

BATCH = 200
T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """What a comparison did, in texts that are `known`, `gone` or to `strangers`, and in messages `withheld`."""

    listed: int = 0
    known: int = 0
    gone: int = 0
    withheld: int = 0
    strangers: int = 0


def compare(texts: Sequence[Left], account: Account, lost: Lost, tally: Tally, *, now: datetime) -> None:
    """Act on these texts of one account, and count it; may be done again with the same ones. `now` is calendar time."""
    for some in _by_number(texts):
        unknown = _unknown(some)
        tally.known += len(some) - len(unknown)
        if unknown:
            _act(Pile(unknown, account), lost, tally, now)


def _by_number(texts: Sequence[Left]) -> Iterator[list[Left]]:
    """All to one number together: what has the same words is taken before the rest makes anything doubtful."""
    there: dict[str, list[Left]] = defaultdict(list)
    for text in texts:
        there[text.to].append(text)
    for numbers in _batches(list(there)):
        yield [text for number in numbers for text in there[number]]


def _unknown(texts: list[Left]) -> list[Left]:
    """Those that no attempt here is: what is known would pass for other words of ours, and withhold what is planned."""
    ids = [text.provider_id for text in texts]
    known = set(Attempt.objects.filter(provider_id__in=ids).values_list("provider_id", flat=True))
    return [text for text in texts if text.provider_id not in known]


def _act(pile: Pile, lost: Lost, tally: Tally, now: datetime) -> None:
    """The youngest claim to a text comes first: what is planned would go by itself, what has ended would not."""
    standings = _standings(pile)
    calls = list(
        candidates.in_doubt(lost).filter(standing__in=standings)
        .select_related("message__contact").order_by("decided_at", "pk")
    )  # fmt: skip
    waits = candidates.open_messages(Channel.SMS, lost).filter(standing__in=standings)
    planned = _written(waits.order_by("pk").values_list("pk", flat=True), now)
    doubtful = _written(candidates.withheld(lost).filter(standing__in=standings).values_list("pk", flat=True), now)
    badly = candidates.of_addresses(candidates.ended(lost), standings)
    ended = _with_todays_number(_written(badly.order_by("pk").values_list("pk", flat=True), now))
    under_way = [each for each in calls if each.state != AttemptState.UNRESOLVED]
    unresolved = [each for each in calls if each.state == AttemptState.UNRESOLVED]
    messages = [(each, {each.to}) for each in (*planned, *doubtful)] + ended
    went: set[int] = set()
    tally.gone += doubted.find(under_way, pile, now=now)
    for each, numbers in messages:
        text = pile.take(each.row["clinic_id"], numbers, each.body_sha256)
        if text is not None and settled.gone(each, text, now):
            went.add(each.pk)
    tally.gone += len(went) + doubted.find(unresolved, pile, now=now)
    doubted.leave(calls, pile, now=now)
    rest = [(each, numbers) for each, numbers in messages if each.pk not in went]
    others = [each.pk for each, numbers in rest if pile.has_other_words(each.row["clinic_id"], numbers)]
    tally.withheld += settled.withhold(others, now)
    tally.strangers += pile.strangers()


def _standings(pile: Pile) -> list[int]:
    """The rows of these numbers at their clinics, under whichever key."""
    found: list[int] = []
    for clinic_id, numbers in pile.numbers().items():
        prints = [each.digest for number in numbers for each in sealed.fingerprints(clinic_id, Channel.SMS, number)]
        rows = Standing.objects.filter(clinic_id=clinic_id, channel=Channel.SMS, fingerprint__in=prints)
        found += rows.values_list("pk", flat=True)
    return found


def _written(ids: Iterable[int], now: datetime) -> list[Prepared]:
    """The messages with their words, as they would be sent now; nothing is claimed."""
    return [each for some in _batches(list(ids)) for each in prepare([Claim(pk, 0) for pk in some], now=now)]


def _with_todays_number(written: Iterable[Prepared]) -> list[tuple[Prepared, set[str]]]:
    """What is sent again goes to her number of today, which the failure may have been about."""
    made = list(written)
    contacts = Contact.objects.filter(
        client__in={each.row["client_id"] for each in made}, channel=Channel.SMS, valid_to__isnull=True
    )
    today: dict[int, set[str]] = defaultdict(set)
    for contact in contacts:
        today[contact.client_id].add(number_in(contact))
    return [(each, ({each.to} | today[each.row["client_id"]]) - {""}) for each in made]


def number_in(contact: Contact) -> str:
    """Its number; "" where it was erased, or its key is missing."""
    try:
        return sealed.unseal(contact.address_sealed, "contact.address") if contact.address_sealed else ""
    except sealed.Unreadable:
        return ""


def _batches(found: list[T]) -> Iterator[list[T]]:
    yield from (found[start : start + BATCH] for start in range(0, len(found), BATCH))
