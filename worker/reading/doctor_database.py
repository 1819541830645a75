"""The database as the doctor sees it: does it answer, take what is written, have our tables, and keep what it took."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from worker.reading.finding import Finding
from worker.reading.look_around import writable

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_POSTGRES = 150_000
GENERAL = "does not answer", "start the database, or mend DATABASE_URL: host, port, name, user, password"
REASONS = (
    ("authentication failed", "refuses us", "user and password, whose special characters are percent-encoded"),
    ("no password supplied", "refuses us", "user and password"),
    ("no pg_hba.conf entry", "lets nobody in from this machine", "host and user, or its pg_hba.conf"),
    ("does not exist", "answers, and has no such database or user", "name and user, or make them there"),
    ("resolve", "nobody knows this host", "host"),
)
"""What psycopg says in English, what to say, and what of DATABASE_URL to mend; its own words name user and host."""


def away(error: Exception) -> Finding:
    """What to say of a database that can't be asked."""
    says, mend = GENERAL
    if connection.vendor == "sqlite":
        mend = "see that its folder is there, and that this user may write in it (AFTERCARE_HOME, or DATABASE_URL)"
        return Finding("database", ok=False, says=f"SQLite can't open its file ({type(error).__name__})", mend=mend)
    for words, reason, part in REASONS:
        if words in str(error):
            says, mend = reason, f"mend DATABASE_URL: {part}"
            break
    return Finding("database", ok=False, says=f"{says} ({type(error).__name__})", mend=mend)


def database() -> Iterator[Finding]:
    """What it is, and whether our tables are those of this version. Raises DatabaseError when it does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield _kind()
    yield _takes_writes()
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    says = f"{len(missing)} migration(s) missing" if missing else "tables are up to date"
    yield Finding("migrations", ok=not missing, says=says, mend="run: aftercare migrate", fix="migrate")
    if connection.vendor == "postgresql":
        yield from _postgres()


def _kind() -> Finding:
    if connection.vendor != "postgresql":
        says = "SQLite: fine for one machine; production wants DATABASE_URL=postgres://..."
        return Finding("database", ok=True, says=says)
    version = connection.pg_version  # type: ignore[attr-defined] # the PostgreSQL wrapper's own
    says = f"PostgreSQL {version // 10_000}"
    return Finding("database", ok=version >= OLDEST_POSTGRES, says=says, mend="use PostgreSQL 15 or newer")


def _takes_writes() -> Finding:
    """A standby, or a file of somebody else, can be read and looks well: no STOP could be kept there (P2)."""
    if connection.vendor == "postgresql":
        mend = "let DATABASE_URL name the primary, with default_transaction_read_only off"
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            free = cursor.fetchone()[0] == "off"
    else:
        mend = "make its file and folder writable for this user"
        name = str(connection.settings_dict["NAME"])
        free = ":memory:" in name or (writable(Path(name)) and writable(Path(f"{name}-probe")))
    says = "takes what is written" if free else "can be read alone: no STOP would be kept"
    return Finding("database writes", ok=free, says=says, mend=mend)


def _postgres() -> Iterator[Finding]:
    """What a power cut may forget is a mark of `sending`, and that is a double text; an index may be half built."""
    with connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            value = cursor.fetchone()[0]
            yield Finding(f"PostgreSQL {name}", ok=value != "off", says=value, mend=f"set {name} = on")
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
        )
        broken = [row[0] for row in cursor.fetchall()]
    says = f"{', '.join(broken)} half built" if broken else "all are whole"
    yield Finding("indexes", ok=not broken, says=says, mend="DROP INDEX it, then build it as its migration does")
