"""Migrations run while the old code still does: what it would trip over is refused (zero-downtime, docs/operate.md)."""

from __future__ import annotations

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.house.migrations import faults
from worker.migrations._quietly import AddIndexQuietly

# No release had been made when these were written: no old code runs beside them.
BEFORE_THE_FIRST_RELEASE = "0004"
OURS = sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "aftercare")


def made(*operations, atomic=True):
    """A migration of these operations."""
    migration = migrations.Migration("tried", "aftercare")
    migration.operations, migration.atomic = list(operations), atomic
    return migration


INDEX = models.Index(fields=["state"], name="tried")
TABLE = migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))])


@pytest.mark.parametrize(
    "bad",
    [
        migrations.RemoveField("message", "reason"),
        migrations.RenameField("message", "reason", "why"),
        migrations.DeleteModel("message"),
        migrations.AddField("message", "weight", models.IntegerField(default=0)),  # Django's default is no database's
        migrations.AlterField("message", "provider_id", models.CharField(max_length=10)),
        migrations.AddIndex("message", INDEX),
        AddIndexQuietly("message", INDEX),  # inside a transaction
        migrations.RunSQL("DROP TABLE aftercare_message"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_the_old_code_trips_over_is_refused(bad):
    """P11: each of these, done while the code before it runs, is an outage."""
    assert len(list(faults(made(bad)))) == 1


def test_what_it_does_not_notice_is_allowed():
    """New tables with their indexes, columns that may be left out, and indexes built beside running writers."""
    assert list(faults(made(TABLE, migrations.AddIndex("new", INDEX)))) == []
    assert list(faults(made(migrations.AddField("message", "note", models.TextField(null=True))))) == []
    assert list(faults(made(migrations.AddField("message", "n", models.IntegerField(db_default=0))))) == []
    assert list(faults(made(AddIndexQuietly("message", INDEX), atomic=False))) == []


@pytest.mark.parametrize("name", [each for each in OURS if each > BEFORE_THE_FIRST_RELEASE] or OURS[-1:])
def test_no_migration_of_ours_breaks_the_code_before_it(name):
    """Every one since the first release."""
    assert list(faults(MigrationLoader(None).disk_migrations["aftercare", name])) == []


def test_their_numbers_are_a_line():
    """One after the other: two with the same parent would stop a deploy."""
    assert [int(name[:4]) for name in OURS] == list(range(1, len(OURS) + 1))
