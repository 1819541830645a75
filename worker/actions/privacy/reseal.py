"""Seal stored values anew under the newest of FIELD_KEYS, a batch a transaction: killed anywhere, nothing is lost."""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from worker import sealed
from worker.models.rows import update_many
from worker.models.sealed_columns import SEALED, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def key_ids() -> list[str]:
    """The ids of FIELD_KEYS, newest first."""
    return [sealed.key_id(base64.urlsafe_b64decode(key)) for key in settings.FIELD_KEYS]


def in_use() -> Counter[str]:
    """How many values each key seals, by key id; keys that are gone from FIELD_KEYS show up as well."""
    found: Counter[str] = Counter()
    for column in SEALED:
        for head, count in column.filled().values_list("head").annotate(count=Count("pk")).order_by():
            found[bytes(head).hex()] += count
    return found


def waiting(column: Column) -> int:
    """How many values of a column are not under the newest key."""
    return column.filled().exclude(head=_newest()).count()


def reseal(column: Column, *, batch: int) -> Iterator[tuple[int, list[str]]]:
    """Turn a column, in the order of its primary key; after each batch: how many, and which could not be read.

    A row that somebody else has locked is left for the next round: a client's STOP never waits for a rotation, and
    no batch waits for a sender that waits for it.
    """
    after = None
    while True:
        with transaction.atomic():
            rows = _old(column, after, batch)
            turned, unreadable = _turn(column, rows)
            update_many(column.table, "id", [column.name], turned)
        if not rows:
            return
        after = rows[-1][0]
        yield len(turned), unreadable


def _newest() -> bytes:
    return bytes.fromhex(key_ids()[0])


def _old(column: Column, after: Any, batch: int) -> list[tuple[Any, Any]]:
    rows = column.filled().exclude(head=_newest()).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    locked = rows.select_for_update(skip_locked=True, no_key=True)
    return list(locked.values_list("pk", column.name)[:batch])


def _turn(column: Column, rows: Sequence[tuple[Any, Any]]) -> tuple[list[tuple[Any, bytes]], list[str]]:
    turned, unreadable = [], []
    for pk, value in rows:
        try:
            turned.append((pk, sealed.seal(sealed.unseal(value, column.context), column.context)))
        except sealed.Unreadable:
            unreadable.append(f"{column} {pk}")
    return turned, unreadable
