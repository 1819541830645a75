"""What came in about clients since they were erased, found from their side: it need not grow old to go (rule 62)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from worker.actions.send.due import LONG_AGO
from worker.models import Client, Watermark

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from worker.models.kept import Kept

PAGE = 100  # clients in one step: some two thousand messages, each looked up by its key


def of_erased(kept: Kept, *, now: datetime, rest: timedelta) -> Iterator[int]:
    """Empty that column for everybody who was erased, some clients a step; how many values each time.

    Asked of the column instead, all that is kept would be joined to its client: 26 s at a million texts. A mark tells
    how far it came, so that a run that ends in the middle is gone on with, and the last client gets her turn too.
    After the last it rests until `now` (calendar) is `rest` later: ten thousand clients take half a minute.
    """
    name = f"erased:{kept.name}"
    mark, _ = Watermark.objects.get_or_create(name=name, defaults={"read_to": LONG_AGO})
    if mark.tried_at and now - mark.tried_at < rest:
        return
    at, pk = mark.read_to, 0
    while page := _after(at, pk):
        at, pk = page[-1]
        hers = kept.filled.filter(**{f"{kept.client}__in": [each for _, each in page]})
        many = kept.emptied(list(hers.values_list("pk", flat=True)))
        Watermark.objects.filter(name=name).update(read_to=at, tried_at=None)
        yield many
    Watermark.objects.filter(name=name).update(read_to=LONG_AGO, tried_at=now)


def _after(at: datetime, pk: int) -> list[tuple[datetime, int]]:
    """The next who were erased, by moment and key."""
    later = Q(erased_at__gt=at) | Q(erased_at=at, pk__gt=pk)
    erased = Client.objects.filter(later, erased_at__isnull=False, erased_at__gte=at)
    found = erased.order_by("erased_at", "pk").values_list("erased_at", "pk")[:PAGE]
    return [(moment, key) for moment, key in found if moment is not None]
