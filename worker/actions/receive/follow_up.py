"""What follows from a STOP once it is obeyed: its acts on record, the ends of what was planned, its one confirmation.

The text itself closed its addresses in a transaction of its own (`sms.take`), so that it waits for nothing else, and
each of them carries the text's number until this is done. Nothing can be sent meanwhile, for decisions look at the
standing row alone. Whoever comes first does it: the web part right after its answer, the next who needs the row whole,
or a worker's round; under the row's lock, once, in as many batches as it likes (rules 19, 22, 25).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from worker import sealed
from worker.actions.consent.revocation import Revocation
from worker.actions.consent.revoke import Ended, revoke_standings
from worker.actions.receive.answer import Asked
from worker.actions.receive.ask_staff import ask_staff
from worker.actions.receive.confirm_stop import confirm_stops
from worker.actions.receive.red_flag import raise_alarm
from worker.actions.receive.visit_question import ask_about_visits
from worker.actions.record.audit import chained_at_the_end
from worker.models import Inbound, Standing
from worker.models.rows import among, change
from worker.models.suppression import SuppressionReason
from worker.rules.names import AnswerKind
from worker.rules.words import Reading, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

log = structlog.get_logger("aftercare.follow_up")
BATCH = 20  # addresses: on SQLite a batch keeps every other writer waiting
CONTEXT = "inbound.follow_up"
NOT_NULL = "open_stop IS NOT NULL"


def reason_of(word: Word) -> SuppressionReason:
    """Why an address is silent from now on; only a keyword is undone by START (rules 30, 133)."""
    return SuppressionReason.WRONG_NUMBER if word == Word.WRONG_NUMBER else SuppressionReason.KEYWORD


def close(rows: Sequence[Standing], stored: Inbound, *, now: datetime) -> None:
    """Obey: from this commit on nothing is decided for these addresses (P2). The caller holds their locks."""
    these, ids = among("id", [row.pk for row in rows])
    change(
        "UPDATE aftercare_standing SET suppressed_at = coalesce(suppressed_at, %s), suppressed_why = %s, "
        f"changed_at = %s, open_stop = %s WHERE {these}",
        [now, reason_of(Word(stored.word)), now, stored.pk, *ids],
    )


def sealed_follow_up(rows: Iterable[Standing], *, address: str, opt_out_type: str, answered: bool) -> bytes:
    """What a text's follow-up needs and its row does not say: sealed, for the address may be nobody's client's.

    `rows` as they are before they are closed. `answered`: the provider has confirmed the STOP by itself (rule 23).
    """
    already = [row.pk for row in rows if row.suppressed_at is not None]
    return sealed.seal_json(
        {"address": address, "opt_out_type": opt_out_type, "answered": answered, "already": already}, CONTEXT
    )


def follow_up(rows: Iterable[Standing], *, now: datetime) -> int:
    """Do what is open on rows whose locks the caller holds; on how many of them something was."""
    several = [row for row in rows if row.open_stop is not None]
    if several:
        texts = _texts({row.open_stop for row in several})
        stops = [_Stop(row, texts[row.open_stop or 0]) for row in several]
        revoke_standings([stop.ended() for stop in stops], now=now)
        said = [stop for stop in stops if stop.row.pk == stop.text.row.standing_id]
        for stop in said:
            _ask(stop, now)
        confirm_stops([stop.asked() for stop in said if not (stop.already or stop.text.answered)], now=now)
        _done(several, list(texts))
    return len(several)


def finish_stops(*, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Follow up whatever is open, in batches, as long as `go_on` says; how many addresses. Twice at once is harmless.

    One that fails keeps no other waiting; it stays stopped, and is tried again.
    """
    done, after = 0, 0
    while go_on():
        ids = list(_waiting().filter(pk__gt=after).values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        done += _batch(ids, now)
        after = ids[-1]
    return done


def _waiting() -> Any:
    return Standing.objects.filter(open_stop__isnull=False).order_by("pk")


def _batch(ids: Sequence[int], now: datetime) -> int:
    try:
        return _in_one(ids, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, those beside it are followed up
        if len(ids) == 1:
            log.error("stop_not_followed_up", standing=ids[0], error=type(error).__name__)
            return 0
    return sum(_batch([each], now) for each in ids)


@transaction.atomic
@chained_at_the_end()
def _in_one(ids: Sequence[int], now: datetime) -> int:
    free = _waiting().select_for_update(no_key=True, skip_locked=True)  # who holds one is doing this very thing
    return follow_up(free.filter(pk__in=ids), now=now)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that said stop, opened."""

    row: Inbound
    body: str
    address: str = ""
    opt_out_type: str = ""
    answered: bool = False
    already: tuple[int, ...] = ()

    @property
    def source(self) -> str:
        return f"inbound:{self.row.pk}"


@dataclass(frozen=True, slots=True)
class _Stop:
    """One address that a text closed."""

    row: Standing
    text: _Text

    @property
    def already(self) -> bool:
        return self.row.pk in self.text.already

    def ended(self) -> Ended:
        text = self.text
        said = Revocation(
            reason=reason_of(Word(text.row.word)), method="sms", by="client", received_at=text.row.received_at,
            source=text.source, evidence={"body": text.body, "opt_out_type": text.opt_out_type},
        )  # fmt: skip
        return Ended(self.row, said, self.already)

    def asked(self) -> Asked:
        """The one confirmation, to the phone that said it."""
        return Asked(
            standing=self.row, kind=AnswerKind.STOP_CONFIRMATION, cause=self.text.source, address=self.text.address,
            since=self.text.row.received_at,
        )  # fmt: skip


def _texts(ids: Iterable[int | None]) -> dict[int, _Text]:
    found = Inbound.objects.in_bulk({pk for pk in ids if pk is not None})
    return {pk: _opened(row) for pk, row in found.items()}


def _opened(row: Inbound) -> _Text:
    body = sealed.unseal(row.body_sealed, "inbound.body") if row.body_sealed else ""
    return _Text(row, body, **(sealed.unseal_json(row.follow_up_sealed, CONTEXT) if row.follow_up_sealed else {}))


def _ask(stop: _Stop, now: datetime) -> None:
    """What staff have to look at, because of the words that it was said with."""
    row, text, stored = stop.row, stop.text, stop.text.row
    word = Word(stored.word)
    if word == Word.WRONG_NUMBER:
        ask_staff(f"{word}_reply", row, stored, now)
    elif word == Word.CANCEL_STOP:
        ask_about_visits(row, source=text.source, now=now)
    raise_alarm(Reading(word), text.body, row=row, stored=stored, address=text.address, now=now)


def _done(rows: Sequence[Standing], texts: Sequence[int]) -> None:
    """No row is open any more, and what a text asked for is forgotten once no other address waits for it."""
    these, ids = among("id", [row.pk for row in rows])
    change(f"UPDATE aftercare_standing SET open_stop = NULL WHERE {these}", ids)
    for row in rows:
        row.open_stop = None
    these, ids = among("id", texts)
    others = f"SELECT 1 FROM aftercare_standing s WHERE s.open_stop = aftercare_inbound.id AND s.{NOT_NULL}"
    change(f"UPDATE aftercare_inbound SET follow_up_sealed = NULL WHERE {these} AND NOT EXISTS ({others})", ids)
