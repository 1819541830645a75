"""Insert rows of one model in one plain statement, and learn their numbers: what `bulk_create` does, at a third of it.

The rows are ordinary instances of the model, so that what is written stands where it is decided, with its names.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import connection, models

from worker.models.rows import fetch

if TYPE_CHECKING:
    from collections.abc import Sequence


def store(rows: Sequence[models.Model], *, unless_there: bool = False) -> bool:
    """Insert new rows of one model, in their order, in the caller's transaction; each learns its number.

    With `unless_there` a single row that meets a unique key of the table is left out: False then, else True.
    """
    if not rows:
        return True
    assert len(rows) == 1 or not unless_there, "which of several were there, no number tells"
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - Django documents _meta as public
    conflict = " ON CONFLICT DO NOTHING" if unless_there else ""
    values = [_value(field, getattr(row, str(field.attname))) for row in rows for field in fields]
    made = fetch(f"{_insert(model, len(rows), connection.vendor)}{conflict} RETURNING id", values)
    for row, (number,) in zip(rows, made, strict=not unless_there):
        row.pk = number
        row._state.adding = False  # noqa: SLF001 - else `save` would insert it again
    return bool(made)


@lru_cache(maxsize=64)
def _insert(model: type[models.Model], count: int, vendor: str) -> str:
    """The statement up to its conflict clause; on PostgreSQL with types, for a NULL has none of its own."""
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    marks = ", ".join(f"%s::{_kind(field)}" if vendor == "postgresql" else "%s" for field in fields)
    return f"INSERT INTO {model._meta.db_table} ({names}) VALUES {', '.join([f'({marks})'] * count)}"  # noqa: SLF001


def _kind(field: models.Field[Any, Any]) -> str:
    """Text for varchar: a cast to varchar(n) would cut in silence, and the column refuses."""
    kind = field.db_type(connection) or ""
    return "text" if kind.startswith("varchar") else kind


def _value(field: models.Field[Any, Any], value: Any) -> Any:
    return json.dumps(value) if isinstance(field, models.JSONField) and value is not None else value
