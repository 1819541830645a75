"""Old code on new tables: while a release is rolled out, and after it is taken back, the code before it writes to
tables that are newer (docs/operate.md). On PostgreSQL by tests/actions/test_on_postgres.py.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from tests import builders
from tests.actions import post
from tests.builders import NOW
from worker.actions.send.shift import shift
from worker.rules.names import Channel

LOADER = MigrationLoader(None)
OURS = sorted(name for app, name in LOADER.disk_migrations if app == "aftercare")
FEWEST_TABLES = 20  # whose rows were written as the old code does


def tables(name):
    """The columns that the code before this migration inserts, by table; the first is the primary key."""
    apps = LOADER.project_state(("aftercare", name), at_end=False).apps
    found = {}
    for model in apps.get_app_config("aftercare").get_models():
        fields = [each for each in model._meta.local_concrete_fields if not each.generated]
        found[model._meta.db_table] = [each.column for each in sorted(fields, key=lambda each: not each.primary_key)]
    return found


def written_as_before(table, columns):
    """Take one row out and insert it again, saying these columns alone; False where there is no row."""
    key, *_ = columns
    listed = ", ".join(f'"{each}"' for each in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'CREATE TEMPORARY TABLE held AS SELECT * FROM "{table}" ORDER BY "{key}" DESC LIMIT 1')
        cursor.execute("SELECT count(*) FROM held")
        some = cursor.fetchone()[0]
        cursor.execute(f'DELETE FROM "{table}" WHERE "{key}" IN (SELECT "{key}" FROM held)')
        cursor.execute(f'INSERT INTO "{table}" ({listed}) SELECT {listed} FROM held')
        cursor.execute("DROP TABLE held")
    return bool(some)


def missing(table, columns):
    """Columns that an insert of these leaves out, and that can be neither empty nor filled by the database."""
    with connection.cursor() as cursor:
        now = connection.introspection.get_table_description(cursor, table)
    return [each.name for each in now if each.name not in columns and not each.null_ok and each.default is None]


@pytest.fixture
def lived_in(unguarded, house, django_capture_on_commit_callbacks):
    """Rows in most tables, brought by the front door; the triggers that keep rows from being taken out are away."""
    alice = builders.alice(visit=NOW + timedelta(days=35)).client
    builders.bob()
    post.promote(now=NOW + timedelta(hours=4))
    with django_capture_on_commit_callbacks(execute=True):
        shift(channel=Channel.SMS, carrier=post.Provider(), slots=4)
    builders.text_from(house.lakeside, builders.ALICES_PHONE, "STOP", now=NOW + timedelta(hours=5))
    yield alice
    connection.check_constraints()


def test_the_newest_tables_take_what_the_code_before_each_migration_writes(lived_in):
    """P11: an INSERT that knows only the columns of then; what is new may be left out, and breaks no new constraint."""
    there = set(connection.introspection.table_names())
    for name in OURS[1:]:
        before = tables(name)
        assert set(before) <= there, f"{name}: a table that the code before it knows is gone"
        assert {table: short for table in before if (short := missing(table, before[table]))} == {}, name
        connection.check_constraints()
        done = [table for table, columns in before.items() if written_as_before(table, columns)]
        assert len(done) >= FEWEST_TABLES, done


def test_an_insert_that_leaves_out_what_must_be_there_is_caught(lived_in):
    """The check can fail: a column without which the table takes no row."""
    columns = [each for each in tables(OURS[-1])["aftercare_message"] if each != "zone"]
    assert missing("aftercare_message", columns) == ["zone"]
    connection.check_constraints()
    with pytest.raises(IntegrityError):
        written_as_before("aftercare_message", columns)
