"""The replies that wait for a person, the most pressing first: warning signs by their clock, unclear ones, the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from worker import sealed
from worker.models import CheckinAnswer, Conversation, Inbound
from worker.reading.directory import name_of
from worker.reading.red_flags import waiting

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Clinic

MANY = 100
RED, UNCLEAR, OTHER = 0, 1, 2
KINDS = {RED: "red_flag", UNCLEAR: "waits", OTHER: "to_read"}
LONGEST = 140  # characters of her last words that a list shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One open conversation as a list shows it; `answer_by` is the clock of a warning sign that nobody answered."""

    pk: int
    client: int | None
    name: str
    kind: str
    channel: str
    words: str
    tapped: bool  # the last she said, she tapped on her care page
    heard_at: datetime
    answer_by: datetime | None
    late: bool
    lead: str


def inbox(clinic: Clinic, *, now: datetime) -> list[Waiting]:
    """Open conversations of a clinic, at most 100, in one query."""
    said = Inbound.objects.filter(standing=OuterRef("standing"), received_at__lte=OuterRef("heard_at"))
    said = said.order_by("-received_at", "-pk")
    tapped = CheckinAnswer.objects.filter(client=OuterRef("client")).order_by("-answered_at")
    rows = _open(clinic).select_related("client", "standing", "taken_by").annotate(
        words=Subquery(said.values("body_sealed")[:1]), said_at=Subquery(said.values("received_at")[:1]),
        tapped_at=Subquery(tapped.values("answered_at")[:1]),
        rank=Case(When(_RED, then=Value(RED)), When(holds=True, then=Value(UNCLEAR)), default=Value(OTHER)),
    )  # fmt: skip
    return [_row(each, now) for each in rows.order_by("rank", F("answer_by").asc(nulls_last=True), "heard_at")[:MANY]]


class Counts(NamedTuple):
    """How many conversations are open, and how many of them name a warning sign that nobody answered."""

    open: int
    red: int


def counts(clinic: Clinic) -> Counts:
    """Of one clinic."""
    return Counts(_open(clinic).count(), waiting(clinic.pk).count())


def many_of(clinic: str) -> dict[str, Coalesce]:
    """The same as annotations of any query, so that a menu needs no question of its own; `clinic` leads there."""
    there = {"open": Conversation.objects.filter(closed_at__isnull=True), "red": waiting()}
    return {name: Coalesce(_many(found, clinic), 0) for name, found in there.items()}


def _many(found: QuerySet[Conversation], clinic: str) -> Subquery:
    rows = found.filter(clinic=OuterRef(clinic)).order_by().values("clinic")
    return Subquery(rows.annotate(many=Count("pk")).values("many"))


_RED = Q(red_at__isnull=False, answered_at__isnull=True)


def _open(clinic: Clinic) -> QuerySet[Conversation]:
    return Conversation.objects.filter(clinic=clinic, closed_at__isnull=True)


def _row(found: Conversation, now: datetime) -> Waiting:
    said_at, tapped_at = found.said_at, found.tapped_at  # type: ignore[attr-defined] # annotated
    red = found.rank == RED  # type: ignore[attr-defined] # annotated
    return Waiting(
        pk=found.pk,
        client=found.client_id,
        name=name_of(found.client) if found.client else "",
        kind=KINDS[found.rank],  # type: ignore[attr-defined] # annotated
        channel=found.standing.channel if found.standing else "",
        words=_shown(found.words),  # type: ignore[attr-defined] # annotated
        tapped=tapped_at is not None and (said_at is None or tapped_at > said_at),
        heard_at=found.heard_at,
        answer_by=found.answer_by if red else None,
        late=red and found.answer_by is not None and found.answer_by <= now,
        lead=str(found.taken_by) if found.taken_by else "",
    )


def _shown(stored: bytes | None) -> str:
    if stored is None:
        return ""
    try:
        said = " ".join(sealed.unseal(stored, "inbound.body").split())
    except sealed.Unreadable:
        return ""
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
