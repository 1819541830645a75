"""A STOP or START is counted by when it was said, which a webhook does not tell and the provider's list does.

A STOP counts in doubt, a START does not: too much silence can be mended by a call, a text after STOP can't (rules 30,
33).

`rows` are all rows of the phone or mailbox (`consent.twins`): who can't see what its other row heard would believe an
older word.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.models import ConsentEvent, Grant, Inbound
from worker.models.consent import Act
from worker.models.standing import GrantState
from worker.rules.words import Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from worker.models import Standing

CLOCKS_DIFFER = timedelta(minutes=1)
WEBHOOKS_DIFFER = timedelta(minutes=10)  # by how much one may be slower than another, or a clock ahead of another
STOPS = tuple(word for word in Word if word.revokes)
TAKEN_BACK = (Act.REVOKED, Act.CLOSED)
AGREED = (Act.GIVEN, Act.RESTORED)
ENDED = (GrantState.REVOKED, GrantState.EXPIRED)


class Order(StrEnum):
    """Where a START stands to the stops of the same phone."""

    LAST = "last"
    OVERTAKEN = "overtaken"
    UNKNOWN = "unknown"


def is_outdated(rows: Sequence[Standing], said: Inbound, listed: Mapping[str, datetime]) -> bool:
    """True when the same phone said the contrary of a STOP or a YES after it; the caller holds the rows' locks.

    What was said last counts, not what we heard last. For START and for `listed` see `order_of_start`.
    """
    if Word(said.word).revokes:
        return _taken_back_since(rows, said, listed)
    return said.word == Word.YES and _stopped_since(rows, said.received_at)


def order_of_start(rows: Sequence[Standing], start: Inbound, listed: Mapping[str, datetime]) -> Order:
    """Whether a START was said after every stop that we know; the caller holds the rows' locks.

    `listed` are the provider's own dates by its ids, from one reading of its list: two of them decide. Without them a
    STOP that we heard within ten minutes leaves it unknown, for webhooks overtake each other, and clocks differ.
    """
    if _ended_otherwise_since(rows, start.received_at):
        return Order.OVERTAKEN
    lately = start.received_at - WEBHOOKS_DIFFER
    stops = Inbound.objects.filter(standing__in=rows, word__in=STOPS, received_at__gt=lately)
    found = {_order(start, stop, listed) for stop in stops}
    return next((each for each in (Order.OVERTAKEN, Order.UNKNOWN) if each in found), Order.LAST)


def _order(start: Inbound, stop: Inbound, listed: Mapping[str, datetime]) -> Order:
    said, stopped = listed.get(start.provider_id), listed.get(stop.provider_id)
    if said is not None and stopped is not None:
        return Order.LAST if said > stopped else Order.OVERTAKEN  # in the same second: a STOP counts in doubt
    return Order.OVERTAKEN if stop.received_at > start.received_at else Order.UNKNOWN


def _ended_otherwise_since(rows: Sequence[Standing], said_at: datetime) -> bool:
    """By the desk, a link, the carrier; what a text ended is told by the texts."""
    return _ended_since(rows, said_at).exclude(source__startswith="inbound:").exists()


def _stopped_since(rows: Sequence[Standing], said_at: datetime) -> bool:
    stops = Inbound.objects.filter(standing__in=rows, word__in=STOPS, received_at__gt=said_at)
    return _ended_since(rows, said_at).exists() or stops.exists()


def _ended_since(rows: Sequence[Standing], said_at: datetime) -> QuerySet[ConsentEvent]:
    theirs = ConsentEvent.objects.filter(standing_id__in=[row.pk for row in rows])
    return theirs.filter(act__in=TAKEN_BACK, happened_at__gt=said_at)


def _taken_back_since(rows: Sequence[Standing], stop: Inbound, listed: Mapping[str, datetime]) -> bool:
    """True when a START came after this STOP: by the provider's dates of both, else by more than webhooks differ."""
    lately = stop.received_at - WEBHOOKS_DIFFER
    for start in Inbound.objects.filter(standing__in=rows, word=Word.START, received_at__gt=lately):
        said, taken_back = listed.get(stop.provider_id), listed.get(start.provider_id)
        if said is None or taken_back is None:
            said, taken_back = stop.received_at + WEBHOOKS_DIFFER, start.received_at
        if taken_back > said:
            return True
    return was_agreed_since(rows, stop.received_at)


def was_agreed_since(rows: Sequence[Standing], said_at: datetime) -> bool:
    """True when everybody reached there agreed anew after a STOP.

    What counts is when each was said, not when we heard of it: a consent signed at eleven is no answer to a STOP of
    noon, though it was typed in at one. A single older consent is enough for the STOP to count, for all who share the
    phone. For the same reason a minute must lie between them: clocks differ.
    """
    alive = Grant.objects.filter(standing__in=rows).exclude(state__in=ENDED)
    agreed = [_agreed_at(grant) for grant in alive]
    return bool(agreed) and all(at is not None and at > said_at + CLOCKS_DIFFER for at in agreed)


def _agreed_at(grant: Grant) -> datetime | None:
    acts = ConsentEvent.objects.filter(
        standing_id=grant.standing_id, client_id=grant.client_id, purpose=grant.purpose, act__in=AGREED
    )
    return acts.order_by("-pk").values_list("happened_at", flat=True).first()
