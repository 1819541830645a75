"""Insert rows of one model in one plain statement, and learn their numbers: what `bulk_create` does, at a third of it.

The rows are ordinary instances of the model, so that what is written stands where it is decided, with its names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

from worker.models.rows import insert_many

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = TypeVar("Row", bound=models.Model)


def store(rows: Sequence[Row], *, unless_there: str = "") -> list[Row]:
    """Insert new rows of one model, in their order, in the caller's transaction; each learns its number.

    `unless_there` names a column in which they differ: rows that meet a unique key of the table are left out then.
    Returns those that were stored.
    """
    if not rows:
        return []
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - Django documents _meta as public
    values = [[_value(field, getattr(row, str(field.attname))) for field in fields] for row in rows]
    more = f"ON CONFLICT DO NOTHING RETURNING id, {unless_there}" if unless_there else "RETURNING id"
    made = insert_many(model._meta.db_table, [str(field.column) for field in fields], values, more).fetchall()  # noqa: SLF001
    if unless_there:
        by_key = {getattr(row, unless_there): row for row in rows}
        assert len(by_key) == len(rows), "which of two alike was there, nothing tells"
        stored = [by_key[key] for _, key in made]
    else:
        stored = list(rows)
    for row, (number, *_) in zip(stored, made, strict=True):
        row.pk = number
        row._state.adding = False  # noqa: SLF001 - else `save` would insert it again
    return stored


def _value(field: models.Field[Any, Any], value: Any) -> Any:
    return json.dumps(value) if isinstance(field, models.JSONField) and value is not None else value
