"""What many tests begin with: made by the real actions in a process once or twice, then the very same rows again.

A house, then Alice in that house, then Bob beside her: each is a `Kept` upon another, found by what was asked for. The
rows come back only into a database that holds exactly the state before, and the answer is made anew each time.
"""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from django.db.models import Model

T = TypeVar("T")


class Kept:
    """One state of the database: all rows of the state before it, and some more.

    Approving alone tries a protocol against a year of hours, which takes seconds, and an enrolment takes 25 ms, three
    thousand times a run; so even the statements are kept as they were made the first time.
    """

    def __init__(self, make: Callable[[], Any], upon: Kept | None = None) -> None:
        """`make` makes it of the state before, `upon`; None is a database that is empty."""
        self._make = make
        self._upon = upon
        self._next: dict[Hashable, Kept] = {}
        self._seldom = upon is not None  # what is asked for once isn't worth looking through all tables
        self._rows: list[Model] | None = None
        self._answer = b""
        self._statements: list[tuple[str, Any]] = []

    def then(self, what: Hashable, make: Callable[[], Any]) -> Kept:
        """The state that `make` makes of this one; whenever it is asked for again, by `what`, it is the same."""
        state = self._next.setdefault(what, Kept(make, self))
        state._make = make  # the first one's may hold what only its own test had
        return state

    def bring(self) -> Any:
        """Make it, or put it back; what `make` answered either way, shared with nobody."""
        global _here  # noqa: PLW0603 - there is one database
        if self._rows is None:
            answer, known = self._make(), True
            if self._seldom:
                self._seldom = False
            else:
                known = self._keep(answer)
        else:
            answer, known = self._put_back(), True
        # What commits is for tests with threads and processes: these do everything really.
        _here = (self, _written()) if known and connection.in_atomic_block else None
        return answer

    def _keep(self, answer: Any) -> bool:
        """False where a row of the state before was changed or is gone: that can't be put back by adding rows."""
        rows = {(type(row), row.pk): row for row in _all_rows()}
        for row in self._upon.all_rows() if self._upon else ():
            now = rows.pop((type(row), row.pk), None)
            if now is None or _values(now) != _values(row):
                return False
        self._rows, self._answer = list(rows.values()), pickle.dumps(answer)
        return True

    def all_rows(self) -> Iterable[Model]:
        """Everything the database holds then."""
        return [*(self._upon.all_rows() if self._upon else ()), *(self._rows or ())]

    def _put_back(self) -> Any:
        if self._statements:
            _execute(self._statements)
        else:
            with connection.execute_wrapper(self._note):
                _insert(self._rows or ())
            self._statements = _together(self._statements)
        return pickle.loads(self._answer)

    def _note(self, execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            self._statements.append((sql, values))
        return execute(sql, values, many, context)


def again(what: Hashable, make: Callable[[], T]) -> T:
    """What `make` does to the database and answers, put back where it was done to this very state before."""
    if not AGAIN or _here is None or not connection.in_atomic_block or _written() != _here[1]:
        return make()
    answer: T = _here[0].then(what, make).bring()
    return answer


def forget_state() -> None:
    """Nobody knows what the database holds: a test begins, or has ended and is rolled back."""
    global _here  # noqa: PLW0603
    _here = None


AGAIN = True  # the fixture `really` says no
_here: tuple[Kept, int] | None = None  # what the database holds, as long as nothing more was written


def _written() -> int:
    """How many rows this connection has written: by the ORM, by plain SQL, by anybody.

    On PostgreSQL by the transaction under way. What a savepoint took back counts on. So whoever takes back the very
    enrolment, and then enrols in the same test, asks for `really`: that she is gone again is not seen here.
    """
    if connection.vendor == "sqlite":
        return int(connection.connection.total_changes)
    with connection.cursor() as cursor:
        return int(cursor.execute(_COUNT).fetchone()[0])


_COUNT = """
    SELECT sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
        + pg_stat_get_xact_tuples_deleted(oid))
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def _all_rows() -> list[Model]:
    models = apps.get_app_config("aftercare").get_models()
    return [row for model in models for row in model._default_manager.all()]


def _values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _insert(rows: Iterable[Model]) -> None:
    """Parents before children: the order in which the models were declared knows nothing of foreign keys."""
    waiting: dict[type[Model], list[Model]] = {}
    for row in rows:
        waiting.setdefault(type(row), []).append(copy.copy(row))
    while waiting:
        for model in [model for model in waiting if not (_parents(model) & set(waiting) - {model})]:
            model._default_manager.bulk_create(waiting.pop(model))


def _parents(model: type[Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


def _together(statements: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """All in one text on PostgreSQL: one way there and back instead of forty."""
    if connection.vendor == "sqlite":
        return statements
    return [("; ".join(connection.ops.compose_sql(sql, values) for sql, values in statements), None)]


def _execute(statements: list[tuple[str, Any]]) -> None:
    with connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
