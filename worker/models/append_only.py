"""The database itself refuses to change the consent ledger, the audit record and approved texts (rules 2, 10, 142)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

# table -> columns that never change ("" = the whole row), and whether a row may be deleted
TABLES = {
    "aftercare_consentevent": "",
    "aftercare_event": "",
    "aftercare_seal": "",
    "aftercare_wording": "",
    "aftercare_receipt": "attempt_id, provider_id, status, code",
    "aftercare_protocolversion": "",
    "aftercare_step": "",
    "aftercare_approval": "version_id, sha256, by_id, licence, approved_at, review_by",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers on SQLite or PostgreSQL."""
    _run(connection, _postgres_install() if connection.vendor == "postgresql" else _sqlite_install())


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop them again (to undo the migration, and to empty a test database)."""
    on = {"postgresql": " ON {table}"}.get(connection.vendor, "")
    names = [(table, verb) for table in TABLES for verb in ("u", "d", "t", "r")]
    _run(connection, [f"DROP TRIGGER IF EXISTS {table}_{verb}{on.format(table=table)}" for table, verb in names])


def _run(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _changed(columns: str, verb: str) -> str:
    return f" OF {columns}" if columns and verb == "update" else ""


def _sqlite_install() -> list[str]:
    """No update, no delete, and no INSERT OR REPLACE over a row that is there."""
    refuse = "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    kept = [
        f"CREATE TRIGGER IF NOT EXISTS {table}_{verb[0]} BEFORE {verb.upper()}{_changed(columns, verb)} ON {table} "
        + refuse.format(table=table)
        for table, columns in TABLES.items()
        for verb in ("update", "delete")
    ]
    replaced = [
        f"CREATE TRIGGER IF NOT EXISTS {table}_r BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) " + refuse.format(table=table)
        for table in TABLES
    ]
    return kept + replaced


def _postgres_install() -> list[str]:
    """No update, no delete, no truncate."""
    refuse = (
        "CREATE OR REPLACE FUNCTION aftercare_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    kept = [
        f"CREATE OR REPLACE TRIGGER {table}_{verb[0]} BEFORE {verb.upper()}{_changed(columns, verb)} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION aftercare_append_only()"
        for table, columns in TABLES.items()
        for verb in ("update", "delete")
    ]
    whole = [
        f"CREATE OR REPLACE TRIGGER {table}_t BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION aftercare_append_only()"
        for table in TABLES
    ]
    return [refuse, *kept, *whole]
