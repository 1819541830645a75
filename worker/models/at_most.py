"""A transaction whose statements are given up after so many seconds: by PostgreSQL alone; SQLite's tables are small."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import connection, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Each statement within takes no longer, or fails with Django's OperationalError; None sets no limit."""
    with transaction.atomic():
        if seconds is not None and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(max(1, int(seconds * 1000)))])
        yield
