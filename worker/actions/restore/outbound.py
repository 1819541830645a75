"""The provider's own list of what we sent in the lost time, read to its end however long it is (P4).

First by date of sending, in spans, the oldest first: a mark is kept after each, so that a reading that was stopped goes
on there, and no more than one span is in memory. Then number by number: what waits in the provider's queue has no date
of sending, and nobody says where an undated text stands in a list.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from worker import clock
from worker.actions.receive.reconcile import lists
from worker.channels import turns
from worker.channels.records import LARGEST_LIST, LARGEST_PAGE, PAGE, Records, RecordsError
from worker.models import Watermark
from worker.rules.refusal import Refusal, Refusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from worker.channels.records import Left

    Tell = Callable[[str], None]

MARKS = "restored:"
OVERLAP = timedelta(minutes=10)  # a list may have lagged behind when it was left
SHORTEST, LONGEST = timedelta(minutes=10), timedelta(hours=1)  # of a span: of 200,000 texts a day some 4,000, or QUIET
QUIET = 500  # texts
PAGES = (LARGEST_PAGE, 200, PAGE)  # tried in turn: what is too much for one answer comes in smaller ones
PAUSE = 1.0  # seconds between two tries
ABREAST = 8  # numbers asked for at once
ONE_NUMBER = 120.0  # seconds
LOGIN = ("401", "403", "404", "20003", "20404", "unreadable_credentials")


@dataclass(frozen=True, slots=True)
class Account:
    """One account at the provider; `clinics` by the numbers and messaging services that it sends from (rule 26)."""

    sid: str
    token: str
    clinics: Mapping[str, int]

    def clinics_of(self, text: Left) -> set[int]:
        """Whose text it may be: of a sender that nobody here knows, any clinic's of the account."""
        known = self.clinics.get(text.sender) or self.clinics.get(text.service)
        return {known} if known else set(self.clinics.values())


def accounts() -> list[Account]:
    """Every account that a clinic sends through."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for source in lists():
        known = found.setdefault((source.account_sid, source.auth_token), {})
        known.update((sender.identity, sender.clinic_id) for sender in source.senders)
    return [Account(sid, token, known) for (sid, token), known in sorted(found.items())]


def spans(account: Account, *, life: datetime, since: datetime, until: datetime, tell: Tell) -> Iterator[list[Left]]:
    """What left the account from `since` to `until` (calendar), span by span.

    A span counts as read once the next is asked for: a caller that was stopped before gets it again. `life` tells one
    restore's mark from another's. Raises RecordsError.
    """
    mark, new = Watermark.objects.get_or_create(name=f"{_life(life)}{account.sid}", defaults={"read_to": since})
    begins, span, many = since if new else max(since, mark.read_to - OVERLAP), SHORTEST, 0
    with Records(account.sid, account.token, largest=LARGEST_LIST) as records:
        while begins < until:
            ends = min(begins + span, until)
            texts = turns.run(_tried(partial(records.left, since=begins, until=ends)))
            yield texts
            Watermark.objects.filter(pk=mark.pk).update(read_to=ends, tried_at=clock.now())
            many += len(texts)
            tell(f"read {many} texts of ours, those sent until {ends:%Y-%m-%d %H:%M} UTC")
            begins, span = ends, min(span * 2, LONGEST) if len(texts) < QUIET else SHORTEST


def forget_marks(*, but: datetime | None = None) -> None:
    """The next reading begins at the beginning; `but` keeps those of one restore."""
    marks = Watermark.objects.filter(name__startswith=MARKS)
    (marks.exclude(name__startswith=_life(but)) if but else marks).delete()


def _life(life: datetime) -> str:
    return f"{MARKS}{life:%Y%m%dT%H%M%S.%f}:"


def made_for(account: Account, numbers: Iterable[str], *, since: datetime) -> list[Left]:
    """What was made for these numbers since then (calendar), also what waits in the queue. Raises RecordsError."""
    return turns.run(_abreast(account, list(numbers), since))


async def _abreast(account: Account, numbers: list[str], since: datetime) -> list[Left]:
    found: list[Left] = []
    following = iter(numbers)

    async def ask() -> None:
        with Records(account.sid, account.token, largest=LARGEST_LIST) as records:
            for number in following:
                deadline = clock.running() + ONE_NUMBER
                found.extend(await _tried(partial(records.left_to, number, since=since, deadline=deadline)))

    ended = await asyncio.gather(*(ask() for _ in numbers[:ABREAST]), return_exceptions=True)
    for error in filter(None, ended):
        raise error
    return found


async def _tried(ask: Callable[..., Awaitable[list[Left]]]) -> list[Left]:
    """Once for each size of a page: a provider that stumbles once must not cost an hour of reading."""
    for page in PAGES[:-1]:
        try:
            return await ask(page=page)
        except RecordsError:
            await asyncio.sleep(PAUSE)
    return await ask(page=PAGES[-1])


def refused(code: str) -> Refusals:
    """Why nothing is concluded, and what to do about it: what was read counts, and is not read again."""
    mend = "wait until the provider answers, and run it again: it goes on where it stopped"
    if code in LOGIN:
        mend = "mend the provider's login, and run it again: it goes on where it stopped"
    if code == "too_long":
        mend = "one number's list took longer than two minutes: run it again when the provider answers faster"
    return Refusals([Refusal("provider", f"its list can't be read ({code})", mend)])
