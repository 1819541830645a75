"""Migrations run while the old code still does: what it would trip over is refused (zero-downtime, docs/operate.md)."""

from __future__ import annotations

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.house.migrations import faults
from worker.migrations._quietly import AddIndexQuietly

LOADER = MigrationLoader(None)
OURS = sorted(name for app, name in LOADER.disk_migrations if app == "aftercare")
BEFORE = LOADER.project_state()


def made(*operations, atomic=True):
    """A migration of these operations."""
    migration = migrations.Migration("tried", "aftercare")
    migration.operations, migration.atomic = list(operations), atomic
    return migration


INDEX = models.Index(fields=["state"], name="tried")
TABLE = migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))])
CHECK = models.CheckConstraint(condition=models.Q(attempts__lt=9), name="tried")
ONCE = models.UniqueConstraint(fields=["client", "step"], name="tried")


def nothing(apps, editor):
    """A RunPython of this."""


@pytest.mark.parametrize(
    "bad",
    [
        migrations.RemoveField("message", "reason"),
        migrations.RenameField("message", "reason", "why"),
        migrations.RenameModel("message", "letter"),
        migrations.DeleteModel("message"),
        migrations.AlterModelTable("message", "letters"),
        migrations.AddField("message", "weight", models.IntegerField(default=0)),  # Django's default is no database's
        migrations.AddField("message", "key", models.CharField(max_length=9, null=True, unique=True)),
        migrations.AddField("message", "key", models.CharField(max_length=9, null=True, db_index=True)),
        migrations.AddField("message", "of", models.ForeignKey("clinic", models.PROTECT, null=True)),
        migrations.AddField("message", "of", models.OneToOneField("clinic", models.PROTECT, null=True)),
        migrations.AddField("message", "at", models.UUIDField(db_default=RandomUUID())),  # every row is written anew
        migrations.AlterField("message", "provider_id", models.IntegerField(default=0)),
        migrations.AlterField("message", "provider_id", models.CharField(max_length=10, blank=True)),  # narrower
        migrations.AlterField("message", "provider_id", models.CharField(max_length=320, blank=True, unique=True)),
        migrations.AlterField("message", "provider_id", models.CharField(max_length=320, db_index=True)),
        migrations.AlterField("message", "sent_at", models.DateTimeField()),  # may not be empty any more
        migrations.AlterField("message", "nobody", models.CharField(max_length=10)),
        migrations.AlterUniqueTogether("message", {("client", "step")}),
        migrations.AddConstraint("message", CHECK),
        migrations.AddConstraint("message", ONCE),
        migrations.RemoveConstraint("message", "message_occasion"),  # ON CONFLICT of the old code leans on it
        migrations.RemoveIndex("message", "message_failed"),  # the old code may search by it
        migrations.AddIndex("message", INDEX),
        AddIndexQuietly("message", INDEX),  # inside a transaction
        migrations.RunSQL("DROP TABLE aftercare_message"),
        migrations.RunPython(nothing),
        migrations.SeparateDatabaseAndState([migrations.RemoveField("message", "reason")]),
        migrations.SeparateDatabaseAndState([migrations.SeparateDatabaseAndState([migrations.RunSQL("DROP X")])]),
        type("Odd", (migrations.AlterModelOptions,), {})("message", {}),  # whatever this may do beside
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_the_old_code_trips_over_is_refused(bad):
    """P11: each of these, done while the code before it runs, is an outage, a lock, or nobody knows what."""
    assert len(list(faults(made(bad), BEFORE))) == 1


def test_what_it_does_not_notice_is_allowed():
    """New tables with all that is theirs, columns that may be left out, wider ones, and indexes built beside running
    writers.
    """
    own = [migrations.AddIndex("new", INDEX), migrations.AddConstraint("new", CHECK)]
    assert list(faults(made(TABLE, *own), BEFORE)) == []
    for good in (
        migrations.AddField("message", "note", models.TextField(null=True)),
        migrations.AddField("message", "n", models.IntegerField(db_default=0)),
        migrations.AlterField("message", "provider_id", models.CharField(max_length=400, blank=True)),
        migrations.AlterField("message", "provider_id", models.TextField(blank=True)),
        migrations.AlterField("message", "state", models.CharField(max_length=12, default="held")),
        migrations.AlterField("message", "expires_at", models.DateTimeField(null=True)),
        migrations.AlterModelOptions("message", {"ordering": ["id"]}),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("message", "reason")]),
    ):
        assert list(faults(made(good), BEFORE)) == [], good
    assert list(faults(made(AddIndexQuietly("message", INDEX), atomic=False), BEFORE)) == []


def test_what_a_person_has_looked_at_is_marked_with_a_reason():
    """An exception stands in the migration, names the one operation, and says why; one too many is a fault."""
    marked = made(migrations.RunPython(nothing))
    marked.SAFE_BECAUSE = {"RunPython nothing": "it writes no row, and takes no lock at all"}
    assert list(faults(marked, BEFORE)) == []
    marked.SAFE_BECAUSE = {"RunPython nothing": "trust me"}
    assert len(list(faults(marked, BEFORE))) == 1, "no reason"
    marked.SAFE_BECAUSE = {"RunPython other": "it writes no row, and takes no lock at all"}
    assert len(list(faults(marked, BEFORE))) == 2, "another operation, and a mark that is left over"


@pytest.mark.parametrize("name", OURS)
def test_no_migration_of_ours_breaks_the_code_before_it(name):
    """Every one, the first as well."""
    before = LOADER.project_state(("aftercare", name), at_end=False)
    assert list(faults(LOADER.disk_migrations["aftercare", name], before)) == []


def test_their_numbers_are_a_line():
    """One after the other: two with the same parent would stop a deploy."""
    assert [int(name[:4]) for name in OURS] == list(range(1, len(OURS) + 1))
