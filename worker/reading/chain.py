"""Check the chains: every sealed row still there and unchanged, every standing what its ledger says (P8, rule 2)."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Max, OuterRef, Q

from worker import heads
from worker.models import Clinic, ConsentEvent, Event, Grant, Inbound, Seal, Standing, Suppression
from worker.models.chain import INSTALLATION, LOOK_BACK, START, next_head, row_hash, table_of
from worker.models.standing import GrantState
from worker.reading.contents import contents
from worker.reading.heads import Published, published
from worker.reading.silences import silences
from worker.reading.whose import misplaced
from worker.rules.consent import MAKES_ACTIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import Model

    from worker.heads import Head

PAGE = 1000
TABLES = ("consent", "event")
SETTLED = timedelta(hours=1)  # a head covers every row that is older by this: no transaction of ours takes so long


def faults(known: Published | None = None) -> list[str]:
    """Every fault, each naming the row; empty when all chains and standings are true.

    `known` are the published heads to hold the chains against; by default those of HEADS_FILE.
    """
    known = known or published()
    clinics = dict(Clinic.objects.order_by("pk").values_list("pk", "slug"))
    found = [*known.faults, *_strangers({INSTALLATION, *clinics})]
    for clinic_id, slug in ({INSTALLATION: heads.INSTALLATION} | clinics).items():
        several = known.of(slug)
        checks = (
            _chain(clinic_id, several),
            _unsealed(clinic_id, several),
            _standings(clinic_id),
            silences(clinic_id),
            misplaced(clinic_id),
        )
        for check in checks:
            found += (f"{slug}: {fault}" for fault in check)
    gone = set(known.clinics()) - {heads.INSTALLATION, *clinics.values()}
    found += (f"{slug}: the clinic is gone, and a head of its chain was published" for slug in sorted(gone))
    return [*found, *contents()]


def _strangers(known: set[int]) -> Iterator[str]:
    """Rows that belong to no chain at all."""
    tables: tuple[tuple[str, type[Model]], ...] = (("event", Event), ("seal", Seal))
    for table, model in tables:
        strangers = model._default_manager.exclude(clinic_id__in=known)  # noqa: SLF001 - Django documents it as public
        for pk in strangers.order_by("pk").values_list("pk", flat=True):
            yield f"{table} row {pk} names a clinic that is not here"


def _chain(clinic_id: int, several: list[Head]) -> Iterator[str]:
    """Walk the links in their order, beside the heads that were published of them."""
    head, number, agreed = START, 0, 0
    left = list(several)
    for seal, row in _links(clinic_id):
        number += 1
        if seal.number != number:
            yield f"seal {number} is missing"
            number = seal.number
        yield from _row(seal, row, several)
        head = next_head(head, seal.number, seal.table, seal.row_id, seal.row_sha256)
        if head != seal.head:
            yield f"seal {seal.number} does not follow from the one before"
            head = seal.head
        while left and left[0].seal <= number:
            told = left.pop(0)
            if told.seal != number:
                continue  # its seal is missing, and was named
            if told.head != seal.head:
                yield f"rows after seal {agreed} were replaced: the head of {number} published on {told.day} is another"
            agreed = number
    if left:
        far = left[-1]
        yield f"rows after seal {number} were removed: the head published on {far.day} says {far.seal}"


def _links(clinic_id: int) -> Iterator[tuple[Seal, Any]]:
    """Each seal with the row it speaks of, or None; a page of rows in one query."""
    seals = Seal.objects.filter(clinic_id=clinic_id).order_by("number").iterator(PAGE)
    while page := list(islice(seals, PAGE)):
        rows = {
            table: table_of(table).objects.in_bulk([each.row_id for each in page if each.table == table])
            for table in TABLES
        }
        yield from ((each, rows.get(each.table, {}).get(each.row_id)) for each in page)


def _row(seal: Seal, row: Event | ConsentEvent | None, several: list[Head]) -> Iterator[str]:
    if row is None:
        yield f"{seal.table} row {seal.row_id} was removed"
    elif row_hash(row) != seal.row_sha256:
        yield f"{seal.table} row {seal.row_id} was changed"
    elif (late := _belated(_written(row), seal.number, several)) is not None:
        yield f"{seal.table} row {seal.row_id} was inserted afterwards: the head published on {late.day} is without it"


def _belated(written: datetime, number: int, several: list[Head]) -> Head | None:
    """The head that should cover a row of that age and was published before its seal, if there is one."""
    at = bisect_left(several, number, key=lambda each: each.seal)
    before = several[at - 1] if at else None
    return before if before and written < before.at - SETTLED else None


def _written(row: Event | ConsentEvent) -> datetime:
    return row.at if isinstance(row, Event) else row.recorded_at


def _unsealed(clinic_id: int, several: list[Head]) -> Iterator[str]:
    """Consents are sealed as they are written, events soon after: what is left over came in by another way."""
    for pk in _without_seal("consent", clinic_id).values_list("pk", flat=True):
        yield f"consent row {pk} was inserted outside the chain"
    newest = Seal.objects.filter(table="event").aggregate(last=Max("row_id"))["last"] or 0
    for pk, at in _without_seal("event", clinic_id).values_list("pk", "at"):
        if pk <= newest - LOOK_BACK or (several and at < several[-1].at - SETTLED):
            yield f"event row {pk} was inserted outside the chain"


def _without_seal(table: str, clinic_id: int) -> Any:
    sealed = Seal.objects.filter(table=table, row_id=OuterRef("pk"))
    return table_of(table).objects.filter(~Exists(sealed), clinic_id=clinic_id).order_by("pk")


def _standings(clinic_id: int) -> Iterator[str]:
    """A grant is active exactly when the newest act about it gave or restored it; suppressed as its rows say."""
    acts = ConsentEvent.objects.filter(clinic_id=clinic_id, client_id__isnull=False)
    keyed = acts.order_by("standing_id", "client_id", "purpose", "pk").values_list(
        "standing_id", "client_id", "purpose", "act"
    )
    grants = {
        (grant.standing_id, grant.client_id, grant.purpose): grant.state
        for grant in Grant.objects.filter(standing__clinic_id=clinic_id)
    }
    for key, several in groupby(keyed, key=lambda row: row[:3]):
        given = list(several)[-1][3] in MAKES_ACTIVE
        if not given and grants.get(key) == GrantState.ACTIVE:
            yield f"standing {key[0]} says active where the ledger says no ({key[2]}, client {key[1]})"
    known = set(acts.values_list("standing_id", "client_id", "purpose"))
    for key, state in grants.items():
        if state == GrantState.ACTIVE and key not in known:
            yield f"standing {key[0]} says active without any consent on record ({key[2]}, client {key[1]})"
    yield from _stops(clinic_id)


def _stops(clinic_id: int) -> Iterator[str]:
    """An address is stopped exactly when a suppression says so, or a text whose suppression comes in a moment.

    Not before the first of them: a moment set back by hand makes honest texts look sent after a stop.
    """
    rows = Standing.objects.filter(clinic_id=clinic_id).order_by("pk")
    reason = Exists(Suppression.objects.filter(standing=OuterRef("pk"), lifted_at__isnull=True))
    says, known = Q(suppressed_at__isnull=False), Q(reason)
    settled = Q(open_stop__isnull=True)
    disagree = rows.filter((settled & says & ~known) | (known & ~says) | (~settled & ~says))
    for pk in disagree.values_list("pk", flat=True):
        yield f"standing {pk} and its suppressions disagree"
    earlier = Exists(Suppression.objects.filter(standing=OuterRef("pk"), since__lte=OuterRef("suppressed_at")))
    for pk in rows.filter(settled & says & known & ~Q(earlier)).values_list("pk", flat=True):
        yield f"standing {pk} was stopped before anybody asked for it"
    text = Inbound.objects.filter(pk=OuterRef("open_stop"), follow_up_sealed__isnull=False)
    for pk in rows.filter(~Exists(text), open_stop__isnull=False).values_list("pk", flat=True):
        yield f"standing {pk} waits for what follows from a text that asks for nothing"
