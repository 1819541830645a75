"""How the database would answer a question, where it would rather not read a whole table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Sequence


def plan_of(sql: str, params: Sequence[Any] | None = None) -> str:
    """The plan of one statement as the database words it; small tables count as large."""
    if connection.vendor != "postgresql":
        return _explained(f"EXPLAIN QUERY PLAN {sql}", params)
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):  # what is cheap on one page
            cursor.execute(f"SET LOCAL enable_{way} = off")
    return _explained(f"EXPLAIN {sql}", params)


def _explained(sql: str, params: Sequence[Any] | None) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return " ".join(str(row) for row in cursor.fetchall())
