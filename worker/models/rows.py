"""Many rows in one statement, the same on PostgreSQL and SQLite: the hot path's plain SQL.

The ORM row by row costs 0.9 ms a message on this path, one statement for a batch some 0.02 ms. On PostgreSQL a batch
travels as one array a column, so that the statement's text stays the same whatever the number of rows: it is parsed
and planned once a connection. Django's own cursor would write every value into the text and plan it each time.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection

from worker import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NUMBERS = frozenset({"bigint", "integer", "smallint"})


def update_many(table: str, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], where: str = "") -> int:
    """Set `columns` of each row to its own values: rows are (key value, column values...), none of them None.

    `where` narrows the update further, on alias t (for example "t.state = 'sending'"). Returns how many changed.
    """
    if not rows:
        return 0
    update = _update_arrays if _postgres() else _update_values
    return update(table, key, columns, rows, f" AND {where}" if where else "")


def insert_many(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], more: str = "") -> Any:
    """Insert rows, in their order; `more` may be "ON CONFLICT DO NOTHING", or ask for columns: RETURNING id.

    Gives the cursor, from which those columns are fetched.
    """
    if not rows:
        return None
    if _postgres():
        given = list(_arrays(table, columns, rows))
        source = f"SELECT {', '.join(text for text, _, _ in given)}"
        params = [value for _, _, value in given]
    else:
        source = f"VALUES {_tuples(len(rows), len(columns))}"
        params = [value for row in rows for value in row]
    names = ", ".join(map(connection.ops.quote_name, columns))
    return _run(f"INSERT INTO {table} ({names}) {source} {more}", params)


def fetch(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    rows: list[tuple[Any, ...]] = _run(sql, params).fetchall()
    return rows


def server_time() -> datetime:
    """The machine time by the database's own clock, aware UTC: the same for all processes, however wrong theirs are.

    SQLite has no clock of its own; it runs on this machine.
    """
    if not _postgres():
        return clock.machine()
    moment: datetime = fetch("SELECT clock_timestamp()", [])[0][0]
    return moment


def change(sql: str, params: Sequence[Any]) -> int:
    """How many rows one statement changed."""
    return int(_run(sql, params).rowcount)


def locking(how: str) -> str:
    """The clause by which a SELECT locks its rows, "FOR UPDATE" and the like; SQLite's writers are alone anyway."""
    return how if _postgres() else ""


def among(column: str, ids: Iterable[int]) -> tuple[str, list[Any]]:
    """The condition that an integer column is one of `ids`, and its parameters."""
    if _postgres():
        return f"{column} = ANY(%s::bigint[])", [_literal(ids)]
    listed = list(ids)
    return f"{column} IN ({', '.join(['%s'] * len(listed))})", listed


def moment(value: Any) -> datetime:
    """A moment as this database's driver gives it, aware UTC: SQLite's gives it naive, or as text."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def plain(value: Any) -> Any:
    """A value as SQLite's driver takes it: it knows neither moments nor UUIDs. PostgreSQL's takes all as they are."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.hex if isinstance(value, uuid.UUID) else value


def _postgres() -> bool:
    return connection.vendor == "postgresql"


def _run(sql: str, params: Sequence[Any]) -> Any:
    """Execute one statement in the caller's transaction; returns the cursor. Raises Django's database errors."""
    if not _postgres():
        cursor = connection.cursor()
        cursor.execute(sql, [plain(value) for value in params])
        return cursor
    from psycopg import Cursor  # absent where only SQLite is used

    connection.ensure_connection()
    line = connection.connection
    line.prepare_threshold = 0  # Django turns prepared statements off for a connection; its own cursors use none anyway
    with connection.wrap_database_errors:
        return Cursor(line).execute(sql, params, prepare=True, binary=True)


def _update_arrays(table: str, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], more: str) -> int:
    (_, kind, keys), *given = _arrays(table, (key, *columns), rows)
    same = [(column, text, value) for column, (text, kind, value) in zip(columns, given, strict=True) if not kind]
    own = [(column, kind, value) for column, (_, kind, value) in zip(columns, given, strict=True) if kind]
    sets = [f"{column} = {text}" for column, text, _ in same] + [f"{column} = v.{column}" for column, _, _ in own]
    kinds = ", ".join((_mark(kind), *(_mark(kind) for _, kind, _ in own)))
    names = ", ".join(("k", *(column for column, _, _ in own)))
    return change(
        f"UPDATE {table} AS t SET {', '.join(sets)} FROM unnest({kinds}) AS v({names}) WHERE t.{key} = v.k{more}",
        [*(value for _, _, value in same), keys, *(value for _, _, value in own)],
    )


def _update_values(table: str, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], more: str) -> int:
    # The statement begins with UPDATE, not WITH: of anything else Python's sqlite3 says that -1 rows were changed.
    sets = ", ".join(f"{column} = v.column{index}" for index, column in enumerate(columns, start=2))
    return change(
        f"UPDATE {table} AS t SET {sets} FROM (VALUES {_tuples(len(rows), len(columns) + 1)}) AS v "
        f"WHERE t.{key} = v.column1{more}",
        [value for row in rows for value in row],
    )


def _arrays(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, str, Any]]:
    """Of each column (text, type, value): an array, or one value and no type where all rows agree.

    The first column is always an array: it gives the statement its number of rows.
    """
    kinds = _kinds(table)
    for index, (column, values) in enumerate(zip(columns, zip(*rows, strict=True), strict=True)):
        kind = kinds[column]
        if index and values.count(values[0]) == len(values):
            yield f"%s::{kind}", "", values[0]
        else:
            yield f"unnest({_mark(kind)})", kind, _literal(values) if kind in NUMBERS else list(values)


def _mark(kind: str) -> str:
    """Where an array goes: in binary, but for numbers, whose binary type the driver chooses by their size."""
    return f"%s::{kind}[]" if kind in NUMBERS else f"%b::{kind}[]"


def _literal(numbers: Iterable[int | None]) -> str:
    return f"{{{','.join('NULL' if number is None else str(number) for number in numbers)}}}"


@lru_cache(maxsize=64)
def _kinds(table: str) -> dict[str, str]:
    """The type of each column; text for varchar, because a cast to varchar(n) would cut in silence."""
    model = next(each for each in apps.get_models(include_auto_created=True) if each._meta.db_table == table)  # noqa: SLF001 - Django documents _meta as public
    kinds = {field.column: field.db_type(connection) or "" for field in model._meta.concrete_fields}  # noqa: SLF001
    return {str(column): "text" if kind.startswith("varchar") else kind for column, kind in kinds.items()}


def _tuples(rows: int, columns: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * columns)})"] * rows)
