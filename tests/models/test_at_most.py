"""A statement that takes too long is given up, and the limit ends with its transaction (on PostgreSQL)."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from worker.models.at_most import at_most

POSTGRES = connection.vendor == "postgresql"
SLEEPS = "SELECT pg_sleep(%s)"


@pytest.mark.skipif(not POSTGRES, reason="SQLite has no such limit")
def test_a_statement_that_takes_longer_is_given_up(db):
    """Within the limit it is answered, beyond it fails; what comes after the transaction has its old limit."""
    with at_most(5), connection.cursor() as cursor:
        cursor.execute(SLEEPS, [0.01])
    with pytest.raises(OperationalError), at_most(0.2), connection.cursor() as cursor:
        cursor.execute(SLEEPS, [4])
    with connection.cursor() as cursor:
        cursor.execute(SLEEPS, [0.3])


def test_without_a_limit_it_is_a_transaction(db):
    """None, and SQLite, set nothing."""
    with at_most(None):
        assert connection.in_atomic_block
    with at_most(5), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
